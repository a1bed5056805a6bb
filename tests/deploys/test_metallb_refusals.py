"""What is in the way of MetalLB and of its pools is refused; what they have is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision import assets, planning
from k8snet_provision.capability import Phase
from k8snet_provision.metallb import network
from k8snet_provision.metallb.contents import (
    NAMESPACE_REF,
    POOL_DEFINITION,
)
from k8snet_provision.resources.kube_object import Manifest, owned_by
from tests.deploys.metallb_world import (
    NODE_MAC,
    OTHER_MAC,
    a_metallb,
    a_node,
    a_pool,
    balanced,
    codes,
    hosts,
    look,
    state,
)
from tests.deploys.worlds import a_world, present, unknown
from tests.metallb.releases import topology

metallb = assets.deploy_module("metallb")
refusals = assets.deploy_module("metallb_refusals")


@pytest.mark.parametrize(
    ("objects", "refused"),
    [
        ([], []),
        ([{**NAMESPACE_REF.skeleton()}], ["K8N331"]),
        ([{**POOL_DEFINITION.skeleton()}], ["K8N331"]),
        ([owned_by("metallb", NAMESPACE_REF.skeleton()), POOL_DEFINITION.skeleton()], []),
        ([owned_by("metallb", POOL_DEFINITION.skeleton())], []),
    ],
)
def test_a_metallb_of_somebody_else_is_not_taken_over(
    tmp_path: Path, objects: list[Manifest], refused: list[str]
) -> None:
    assert codes(list(refusals.of_release(a_metallb(tmp_path, objects=objects)))) == refused


def test_a_namespace_that_was_labelled_by_hand_is_taken_over(tmp_path: Path) -> None:
    problem = next(refusals.of_release(a_metallb(tmp_path, objects=[NAMESPACE_REF.skeleton()])))
    label, _, value = problem.hint.rpartition(" ")[2].partition("=")
    labelled = NAMESPACE_REF.skeleton()
    labelled["metadata"]["labels"] = {label: value}
    assert codes(list(refusals.of_release(a_metallb(tmp_path, objects=[labelled])))) == []


def test_addresses_that_nobody_would_announce_are_refused(tmp_path: Path) -> None:
    excluded = [a_node("cp1", **{look.EXCLUDED: ""}), a_node("w1", **{look.EXCLUDED: ""})]
    world = a_metallb(tmp_path, nodes=excluded)
    assert codes(list(refusals.of_release(world))) == ["K8N330"]
    told = a_metallb(tmp_path, "announce_from_control_planes: true", nodes=excluded)
    assert codes(list(refusals.of_release(told))) == []
    assert list(metallb.notices(told)) == []


def test_nodes_that_announce_nothing_are_named(tmp_path: Path) -> None:
    world = a_metallb(tmp_path, nodes=[a_node("cp1", **{look.EXCLUDED: ""}), a_node("w1")])
    assert codes(list(refusals.of_release(world))) == []
    assert [notice.split(" announce")[0] for notice in metallb.notices(world)] == ["cp1"]


def test_every_node_would_answer_without_strict_arp(tmp_path: Path) -> None:
    """Where the topology says nothing of kube-proxy; where it does, its own rule looks."""
    world = a_metallb(tmp_path, said={"network_said": "answers-for-all\n"})
    assert codes(list(refusals.of_release(world))) == ["K8N288"]


def test_an_address_that_answers_is_refused_with_the_mac(tmp_path: Path) -> None:
    world = a_metallb(tmp_path, said={"network_said": f"answer 192.0.2.205 {OTHER_MAC}\n"})
    (problem,) = refusals.of_pools(world)
    assert problem.code == "K8N286"
    assert "192.0.2.205" in problem.text
    assert OTHER_MAC in problem.found


def test_an_address_of_a_node_is_refused(tmp_path: Path) -> None:
    world = a_metallb(tmp_path, said={"network_said": "address eth1 192.0.2.210/24\n"})
    (problem,) = refusals.of_pools(world)
    assert (problem.code, problem.found) == ("K8N287", "eth1 of w1")


@pytest.mark.parametrize("mac", [NODE_MAC, OTHER_MAC])
def test_an_address_that_a_service_has_is_not_in_the_way(tmp_path: Path, mac: str) -> None:
    """A speaker answers for it; in ipvs mode it is on every node's kube-ipvs0 as well."""
    said = {"network_said": f"answer 192.0.2.200 {mac}\naddress kube-ipvs0 192.0.2.200/32\n"}
    assert list(refusals.of_pools(a_metallb(tmp_path, said=said, services=[balanced("shop", "192.0.2.200")]))) == []


def test_what_is_left_of_an_announcement_is_not_in_the_way(tmp_path: Path) -> None:
    assert list(refusals.of_pools(a_metallb(tmp_path, said={"network_said": f"answer 192.0.2.201 {NODE_MAC}\n"}))) == []


def test_an_address_that_metallb_has_already_keeps_nothing_else_from_being_done(tmp_path: Path) -> None:
    pool = owned_by("metallb-pools", a_pool("default", "192.0.2.200-192.0.2.220"))
    said = {"network_said": f"answer 192.0.2.205 {OTHER_MAC}\n"}
    world = a_metallb(tmp_path, said=said, objects=[pool])
    assert list(refusals.of_pools(world)) == []
    assert [OTHER_MAC in notice for notice in refusals.notices(world)] == [True]


def test_pools_of_others_are_not_overlapped(tmp_path: Path) -> None:
    theirs = a_pool("theirs", "192.0.2.0/25", "192.0.2.216/29", "what MetalLB itself refuses")
    others = {"items": [theirs, a_pool("far", "198.51.100.0/24")]}
    world = a_metallb(tmp_path, said={"pools": present(json.dumps(others))})
    (problem,) = refusals.of_pools(world)
    assert problem.code == "K8N332"
    assert problem.found == "192.0.2.216/29 of IPAddressPool metallb-system/theirs"


def test_our_own_pools_do_not_overlap_themselves(tmp_path: Path) -> None:
    ours = {"items": [owned_by("metallb-pools", a_pool("default", "192.0.2.200-192.0.2.220"))]}
    assert list(refusals.of_pools(a_metallb(tmp_path, said={"pools": present(json.dumps(ours))}))) == []


def test_what_nodes_could_not_tell_is_incomplete(tmp_path: Path) -> None:
    answers = hosts() | {"w1": {network.KEY: unknown("bash is not installed, with which packets are sent")}}
    world = a_world(tmp_path, topology(tmp_path), answers, state())
    plan = planning.make([Phase(metallb.POOLS)], world, ["cp1", "w1"], 0.0)
    assert [item.target for item in plan.incomplete] == ["w1"]


def test_a_run_without_nodes_says_that_nobody_asked(tmp_path: Path) -> None:
    world = a_world(tmp_path, topology(tmp_path), {"cp1": {}}, state())
    assert list(refusals.notices(world)) == ["no node was asked whether the addresses of MetalLB's pools are in use"]


def test_who_has_which_address_is_told(tmp_path: Path) -> None:
    services = [balanced("shop", "192.0.2.200"), balanced("app", "198.51.100.7"), balanced("api", "")]
    world = a_metallb(tmp_path, services=services)
    assert dict(refusals.facts(world)) == {
        "load balancer addresses": "192.0.2.200 demo/shop, 198.51.100.7 demo/app",
    }
    moved, without = refusals.notices(world)
    assert moved.startswith("Service demo/app has the address 198.51.100.7")
    assert without.endswith(": demo/api")


def test_only_some_nodes_ask(tmp_path: Path) -> None:
    cluster = a_metallb(tmp_path).cluster
    many = replace(cluster, members=(*cluster.members, *(replace(cluster.members[1], name=f"n{i}") for i in range(9))))
    asking = [host for host in many.nodes for probe in look.probes(many, host) if "192.0.2.200" in probe.script]
    assert asking == ["w1", "n0", "n1"]
    assert all(list(look.probes(many, host)) for host in many.nodes)
