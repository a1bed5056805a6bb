"""What a way in is refused for, and who is named as the reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from k8snet_provision.change import Action
from k8snet_provision.ingress.paths import ROWS
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import Manifest
from tests.deploys.ingress_world import Scene, a_node
from tests.deploys.worlds import present

HOST_NETWORK = "pattern: host_network\nadmission: false"
UID = "0b1f2c3d-1111-4222-8333-444455556666"


def problems(scene: Scene, tmp_path: Path) -> Sequence[Problem]:
    return scene.plan(tmp_path).problems


def a_controller(kind: str = "Deployment", name: str = "ingress-nginx-controller", *arguments: str) -> Manifest:
    labels = {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/instance": "edge"}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "web", "labels": labels, "generation": 3},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"spec": {"containers": [{"name": "controller", "args": list(arguments)}]}},
        },
    }


def an_ingress_class(controller: str = "k8s.io/ingress-nginx", **labels: str) -> Manifest:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "nginx", "labels": labels, "generation": 1},
        "spec": {"controller": controller},
    }


def test_a_taken_port_is_refused_and_its_holder_named(tmp_path: Path) -> None:
    (found,) = problems(Scene(HOST_NETWORK, listeners={"n2": "80 - 714 apache2\n"}), tmp_path)
    assert (found.code, found.where) == ("K8N280", "n2")
    assert "port 80" in found.text
    assert found.found == "80 by apache2 (process 714)"


def test_every_taken_port_of_every_chosen_node_is_told_at_once(tmp_path: Path) -> None:
    listeners = {"n1": "443 - 9 envoy\n10254 - 9 envoy\n", "n2": "80 - 8 haproxy\n"}
    found = problems(Scene(HOST_NETWORK, listeners=listeners), tmp_path)
    assert [(problem.where, problem.found.split()[0]) for problem in found] == [
        ("n1", "443"),
        ("n1", "10254"),
        ("n2", "80"),
    ]


def test_our_own_controller_is_no_conflict(tmp_path: Path) -> None:
    pod = f"{UID} ingress-nginx {ROWS['host_network'].name}-x DaemonSet {ROWS['host_network'].name} n1"
    scene = Scene(HOST_NETWORK, listeners={"n1": f"80 {UID} 99 nginx\n"}, pods=[pod])
    assert problems(scene, tmp_path) == ()


def test_another_pod_on_the_port_is_named_as_the_workload_it_is(tmp_path: Path) -> None:
    scene = Scene(
        HOST_NETWORK, listeners={"n1": f"80 {UID} 99 envoy\n"}, pods=[f"{UID} web proxy-x DaemonSet proxy n1"]
    )
    (found,) = problems(scene, tmp_path)
    assert "DaemonSet web proxy" in found.found


def test_a_node_port_of_another_service_is_refused(tmp_path: Path) -> None:
    service = {"metadata": {"name": "shop", "namespace": "demo"}, "spec": {"ports": [{"nodePort": 30080}]}}
    (found,) = problems(Scene("pattern: node_port\nadmission: false", services=[service]), tmp_path)
    assert (found.code, found.found) == ("K8N322", "Service demo/shop")


def test_labels_that_no_node_has_are_refused(tmp_path: Path) -> None:
    (found,) = problems(Scene("pattern: load_balancer\nadmission: false\nnode_selector: {zone: dmz}"), tmp_path)
    assert (found.code, found.text) == ("K8N323", "no node matches ingress.node_selector")


def test_a_chosen_host_that_is_no_node_is_refused(tmp_path: Path) -> None:
    found = problems(Scene(HOST_NETWORK, nodes=[a_node("n1", "192.0.2.21")]), tmp_path)
    assert [(problem.code, problem.found) for problem in found] == [("K8N281", "n2")]


def test_a_foreign_controller_of_the_same_class_is_refused_with_both_ways_out(tmp_path: Path) -> None:
    scene = Scene("pattern: load_balancer\nadmission: false", foreign=[a_controller()], objects=[an_ingress_class()])
    (found,) = problems(scene, tmp_path)
    assert found.code == "K8N320"
    assert found.found == "Deployment web/ingress-nginx-controller, IngressClass nginx"
    assert "adopt" in found.hint
    assert "class_name" in found.hint


def test_a_foreign_controller_of_another_class_is_left_alone(tmp_path: Path) -> None:
    other = a_controller("Deployment", "internal", "--controller-class=k8s.io/internal")
    plan = Scene("pattern: load_balancer\nadmission: false", foreign=[other]).plan(tmp_path)
    assert plan.problems == ()
    assert not [change for change in plan.changes if "internal" in change.name]


def test_an_ingress_class_of_another_kind_of_controller_is_refused_even_for_adoption(tmp_path: Path) -> None:
    scene = Scene("pattern: load_balancer\nadmission: false\nadopt: true", objects=[an_ingress_class("traefik.io/x")])
    assert [problem.code for problem in problems(scene, tmp_path)] == ["K8N321"]


def test_an_adopted_controller_goes_last_with_all_of_its_release(tmp_path: Path) -> None:
    controller = a_controller()
    service = {**controller, "apiVersion": "v1", "kind": "Service", "spec": {}}
    other = {**service, "metadata": {**service["metadata"], "name": "x", "labels": {"app.kubernetes.io/instance": "b"}}}
    scene = Scene(
        "pattern: load_balancer\nadmission: false\nadopt: true",
        foreign=[service, controller, other],
        objects=[an_ingress_class()],
    )
    plan = scene.plan(tmp_path)
    assert plan.problems == ()
    deleted = [(change.phase, change.name) for change in plan.changes if change.action is Action.DELETE]
    assert deleted == [
        ("ingress-retired", "Deployment web/ingress-nginx-controller"),
        ("ingress-retired", "Service web/ingress-nginx-controller"),
    ]
    assert [change.before for change in plan.changes if change.phase == "ingress-traffic"] == [
        "adopted Deployment web/ingress-nginx-controller: no address known\n"
    ]


def test_the_adopted_controllers_own_ports_are_no_reason_for_a_pattern_that_needs_none(tmp_path: Path) -> None:
    scene = Scene("pattern: load_balancer\nadmission: false", listeners={"n1": "80 - 1 nginx\n"})
    assert problems(scene, tmp_path) == ()


def test_an_edge_host_without_an_address_cannot_be_believed(tmp_path: Path) -> None:
    scene = Scene("pattern: node_port\nadmission: false")
    scene.hosts = scene.hosts.replace("lb1: {ansible_host: 192.0.2.31}", "lb1: {ansible_host: lb1.example.com}")
    assert "K8N282" in [problem.code for problem in problems(scene, tmp_path)]


@pytest.mark.parametrize(("admission", "codes"), [("true", ["K8N283"]), ("false", [])])
def test_without_openssl_there_is_no_webhook(tmp_path: Path, admission: str, codes: list[str]) -> None:
    scene = Scene(f"pattern: load_balancer\nadmission: {admission}", certificate=present("no openssl\n"))
    assert [problem.code for problem in problems(scene, tmp_path)] == codes
