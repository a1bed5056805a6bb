"""Which processes a batch touches, and how, taken from its changes."""

from __future__ import annotations

import pytest

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.forecast import Process, What
from k8snet_provision.forecast.processes import processes
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import RECREATE, Manifest


def told(*changes: Change) -> list[tuple[str, str]]:
    """(what, name) of changes that are all of one target."""
    return [(str(process.what), process.name) for process in processes({changes[0].target: changes})]


def a_file(target: str = "n1", **parts: object) -> Change:
    return Change("p", target, Kind.FILE, "/etc/a", "old\n", "new\n", **parts)  # type: ignore[arg-type]


def a_unit(before: str, after: str) -> Change:
    details = {"before_enabled": "yes", "after_enabled": "yes", "before_active": before, "after_active": after}
    return Change("p", "n1", Kind.UNIT, "haproxy", "x", "y", details)


def deployment(image: str = "a", replicas: int = 1) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "demo", "generation": 3},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "web", "image": image}]}}},
    }


def workload(before: Manifest | None, after: Manifest | None, how: str = "apply") -> Change:
    (change,) = kube_object.change("p", before, after, how=how)
    return change


def test_units_that_restart_and_reload() -> None:
    both = a_file(restarts=("kube-apiserver", "kube-controller-manager")), a_file(reloads=("haproxy",))
    assert told(*both) == [
        ("restart", "kube-apiserver"),
        ("restart", "kube-controller-manager"),
        ("reload", "haproxy"),
    ]


def test_several_changes_to_one_unit_are_one_restart_named_with_its_hosts() -> None:
    batch = {
        "n1": [a_file(restarts=("kubelet",)), a_file(restarts=("kubelet",))],
        "n2": [a_file("n2", restarts=("kubelet",))],
        "n3": [a_file("n3")],
    }
    assert processes(batch) == (Process("kubelet", What.RESTART, ("n1", "n2")),)


def test_what_restarts_without_a_new_definition() -> None:
    assert told(Change("p", CLUSTER, Kind.RESTART, "DaemonSet a/b", "", "")) == [("restart", "DaemonSet a/b")]
    assert told(Change("p", "lb1", Kind.RELOAD, "keepalived", "", "")) == [("reload", "keepalived")]


def test_a_static_pod_restarts_by_its_manifest() -> None:
    assert told(a_file(details={"program": "kube-apiserver"})) == [("restart", "kube-apiserver")]
    unit = a_file(details={"program": "kube-apiserver"}, restarts=("apiserver-of-ours",))
    assert told(unit) == [("restart", "apiserver-of-ours")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [("", "yes", [("start", "haproxy")]), ("yes", "", [("stop", "haproxy")]), ("yes", "yes", [])],
)
def test_units_that_are_turned_on_and_off(before: str, after: str, said: list[tuple[str, str]]) -> None:
    assert told(a_unit(before, after)) == said


def test_a_unit_that_starts_does_not_reload_as_well() -> None:
    assert told(a_file(reloads=("haproxy",)), a_unit("", "yes")) == [("start", "haproxy")]


def test_pods_are_replaced_where_their_template_changes() -> None:
    name = "Deployment demo/web"
    assert told(workload(None, deployment())) == [("start", name)]
    assert told(workload(deployment(), None)) == [("stop", name)]
    assert told(workload(deployment("a"), deployment("b"))) == [("restart", name)]
    assert told(workload(deployment(replicas=1), deployment(replicas=2))) == []
    assert told(workload(deployment(replicas=1), deployment(replicas=2), RECREATE)) == [("restart", name)]


def test_other_objects_restart_nothing() -> None:
    assert told(Change("p", CLUSTER, Kind.OBJECT, "ConfigMap demo/web", "kind: ConfigMap\n", "kind: Other\n")) == []


def test_rules_go_while_kube_proxy_starts_anew() -> None:
    rules = Change("p", "n1", Kind.RULES, "packet rules of another mode", "a\n", None, {"unit": "", "program": "/p"})
    assert told(rules) == [("restart", "kube-proxy")]
