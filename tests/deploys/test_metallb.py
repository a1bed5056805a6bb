"""MetalLB in a plan: its release as the topology wants it, its pools, and what is in the way of either."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision import assets, planning
from k8snet_provision.capability import Phase
from k8snet_provision.metallb import network
from k8snet_provision.metallb.contents import (
    CERTIFICATE,
    CONTROLLER,
    MEMBERLIST,
    NAMESPACE_REF,
    POOL_DEFINITION,
    SPEAKER,
)
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import GENERATED_LABEL, Manifest, ObjectRef, owned_by, owner
from k8snet_provision.resources.probe import Seen
from k8snet_provision.seen import World
from tests.deploys.worlds import ABSENT, a_service, a_state, a_world, present, unknown
from tests.metallb.releases import manifest, topology

metallb = assets.deploy_module("metallb")
look = assets.deploy_module("metallb_look")
refusals = assets.deploy_module("metallb_refusals")

NODE_MAC, OTHER_MAC = "02:00:00:00:00:21", "02:00:00:00:00:99"
OWN = f"mac {NODE_MAC}\naddress eth0 192.0.2.21/24\n"
# Of MetalLB's internal/speakerlist, v0.16.1: the file that speakers read has these keys, all of them.
SETTINGS = {
    "TCPTimeout",
    "IndirectChecks",
    "RetransmitMult",
    "SuspicionMult",
    "SuspicionMaxTimeoutMult",
    "PushPullInterval",
    "ProbeTimeout",
    "ProbeInterval",
    "DisableTcpPings",
    "AwarenessMaxMultiplier",
    "GossipNodes",
    "GossipInterval",
    "GossipToTheDeadTime",
    "GossipVerifyIncoming",
    "GossipVerifyOutgoing",
    "EnableCompression",
    "HandoffQueueDepth",
    "UDPBufferSize",
    "QueueCheckInterval",
}


def hosts(network_said: str = "", certificate: Seen = ABSENT, pools: Seen = ABSENT) -> dict[str, dict[str, Seen]]:
    return {
        "cp1": {look.CERTIFICATE_KEY: certificate, look.POOLS_KEY: pools},
        "w1": {network.KEY: present(OWN + network_said)},
    }


def a_metallb(directory: Path, more: str = "", said: Mapping[str, Any] | None = None, **state: Any) -> World:
    return a_world(directory, topology(directory, more=more), hosts(**(said or {})), a_state(**state))


def live(item: Manifest, **meta: str) -> Manifest:
    return {**item, "metadata": {**item["metadata"], "resourceVersion": "7", **meta}}


def a_node(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}, "spec": {}}


def a_pool(name: str, *addresses: str, namespace: str = "metallb-system") -> dict[str, Any]:
    return {
        "apiVersion": "metallb.io/v1beta1",
        "kind": "IPAddressPool",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "7"},
        "spec": {"addresses": list(addresses)},
    }


def balanced(name: str, address: str) -> dict[str, Any]:
    status = {"loadBalancer": {"ingress": [{"ip": address}]}} if address else {}
    service = a_service("demo", name, "10.254.0.77")
    return {**service, "spec": {**service["spec"], "type": "LoadBalancer"}, "status": status}


def by_ref(items: Sequence[Manifest]) -> dict[ObjectRef, Manifest]:
    return {ObjectRef.of(item): item for item in items}


def codes(problems: Sequence[Problem]) -> list[str]:
    return [problem.code for problem in problems]


def container(item: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = item["spec"]["template"]["spec"]["containers"][0]
    return found


def test_everything_of_the_release_is_ours(tmp_path: Path) -> None:
    found = by_ref(list(metallb.manifests(a_metallb(tmp_path))))
    assert {owner(item) for item in found.values()} == {"metallb"}
    assert {NAMESPACE_REF, POOL_DEFINITION, CONTROLLER, SPEAKER, CERTIFICATE} <= set(found)


def test_without_the_section_nothing_is_asked_for_and_nothing_deleted(tmp_path: Path) -> None:
    before = [live(item) for item in metallb.manifests(a_metallb(tmp_path))]
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16", state=a_state(objects=before, owned=before))
    plan = planning.make([Phase(metallb.CAPABILITY), Phase(metallb.POOLS)], world, ["cp1", "w1"], 0.0)
    assert (plan.changes, plan.problems, plan.notices, plan.incomplete) == ((), (), (), ())
    assert [*metallb.CAPABILITY.probes(world.cluster, "cp1"), *metallb.reads(world.cluster)] == []


def test_images_come_from_where_the_topology_says(tmp_path: Path) -> None:
    digest = "sha256:" + "5" * 64
    text = topology(tmp_path) + "\nimages:\n  mirrors: {quay.io: 'registry.corp.test:5000/quay'}\n" + (
        f"  tags: {{quay.io/metallb/controller: v0.16.2}}\n  digests: {{quay.io/metallb/speaker: '{digest}'}}"
    )  # fmt: skip
    found = by_ref(list(metallb.manifests(a_world(tmp_path, text, hosts(), a_state()))))
    assert container(found[CONTROLLER])["image"] == "registry.corp.test:5000/quay/metallb/controller:v0.16.2"
    assert container(found[SPEAKER])["image"] == f"registry.corp.test:5000/quay/metallb/speaker:v0.16.1@{digest}"


def test_the_webhooks_secret_is_made_once_and_never_read(tmp_path: Path) -> None:
    world = a_metallb(tmp_path)
    made = by_ref(list(metallb.manifests(world)))[CERTIFICATE]
    assert made["metadata"]["labels"][GENERATED_LABEL] == "true"
    assert "data" not in made
    assert CERTIFICATE not in set(metallb.reads(world.cluster))
    there = a_metallb(tmp_path, said={"certificate": present("secret/metallb-webhook-cert\n")})
    assert CERTIFICATE not in by_ref(list(metallb.manifests(there)))


def test_speakers_on_control_planes_announce_when_they_shall(tmp_path: Path) -> None:
    plain = by_ref(list(metallb.manifests(a_metallb(tmp_path))))
    told = by_ref(list(metallb.manifests(a_metallb(tmp_path, "announce_from_control_planes: true"))))
    assert container(told[SPEAKER])["args"] == [*container(plain[SPEAKER])["args"], "--ignore-exclude-lb"]
    assert container(told[CONTROLLER]) == container(plain[CONTROLLER])


def test_speakers_that_notice_a_loss_sooner_are_given_every_setting_and_start_anew(tmp_path: Path) -> None:
    """Speakers refuse to start where one of their settings is missing."""
    plain = by_ref(list(metallb.manifests(a_metallb(tmp_path))))
    fast = by_ref(list(metallb.manifests(a_metallb(tmp_path, "fast_failover: true"))))
    assert set(fast) - set(plain) == {MEMBERLIST}
    settings = json.loads(fast[MEMBERLIST]["data"]["config.json"])
    assert set(settings) == SETTINGS
    before, after = (found[SPEAKER]["spec"]["template"]["metadata"]["annotations"] for found in (plain, fast))
    assert set(after) - set(before) == {"k8snet-provision/memberlist-sha256"}
    assert codes(list(refusals.of_release(a_metallb(tmp_path, "fast_failover: true")))) == []


def test_a_release_without_those_settings_is_refused_them(tmp_path: Path) -> None:
    old = manifest().replace(b"name: metallb-memberlist-config", b"name: another")
    world = a_world(tmp_path, topology(tmp_path, more="fast_failover: true", data=old), hosts(), a_state())
    assert codes(list(refusals.of_release(world))) == ["K8N333"]


def test_pools_are_what_metallb_has_to_be_told(tmp_path: Path) -> None:
    text = topology(tmp_path, "192.0.2.64/28, 2001:db8::10-2001:db8::1f").replace(
        "[{addresses", "[{name: lan, auto_assign: false, interfaces: [eth1], addresses"
    )
    pool, advertisement = metallb.pools(a_world(tmp_path, text, hosts(), a_state()))
    assert pool["spec"] == {"addresses": ["192.0.2.64-192.0.2.79", "2001:db8::10-2001:db8::1f"], "autoAssign": False}
    assert advertisement["spec"] == {"ipAddressPools": ["lan"], "interfaces": ["eth1"]}
    assert {owner(pool), owner(advertisement)} == {"metallb-pools"}


def test_a_pool_that_is_no_longer_asked_for_is_deleted(tmp_path: Path) -> None:
    old = owned_by("metallb-pools", a_pool("old", "192.0.2.10-192.0.2.11"))
    world = a_metallb(tmp_path, owned=[old])
    plan = planning.make([Phase(metallb.POOLS)], world, ["cp1", "w1"], 0.0)
    assert [change.name for change in plan.changes if change.after is None] == ["IPAddressPool metallb-system/old"]


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
    world = a_world(tmp_path, topology(tmp_path), answers, a_state())
    plan = planning.make([Phase(metallb.POOLS)], world, ["cp1", "w1"], 0.0)
    assert [item.target for item in plan.incomplete] == ["w1"]


def test_a_run_without_nodes_says_that_nobody_asked(tmp_path: Path) -> None:
    world = a_world(tmp_path, topology(tmp_path), {"cp1": hosts()["cp1"]}, a_state())
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
