"""The picture that goes with a report: where requests go, and which findings are about which place."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.drift.picture import Place, places
from tests.topology.ways_in import EDGE_HOSTS, WAYS_IN
from tests.topology.written import HOSTS, replaced, write

SECURE = replaced(
    WAYS_IN,
    (
        """\
      tls:
        - hosts: [shop.example.com]
          certificate: .tls/shop.crt
          key: .tls/shop.key
""",
        "",
    ),
)
DIRECT = "    - name: direct\n      type: NodePort\n"
MAIL = "    - name: mail\n      type: LoadBalancer\n      address: 192.0.2.201\n"
INSIDE_ONLY = ((DIRECT, "    - name: direct\n"), (MAIL, "    - name: mail\n"), (", node_port: 30123", ""))
INSIDE_ONLY = (*INSIDE_ONLY, ("      external_traffic_policy: Local\n", ""))


def drawn(path: Path, *changes: tuple[str, str]) -> dict[str, Place]:
    cluster = write(path / "inventory", replaced(SECURE, *changes), EDGE_HOSTS).cluster()
    return {place.name: place for place in places(cluster)}


def arrows(drawn: dict[str, Place]) -> dict[str, tuple[str, ...]]:
    return {name: place.then for name, place in drawn.items() if place.then}


def test_behind_the_edge_requests_go_through_its_hosts(tmp_path: Path) -> None:
    picture = drawn(tmp_path, *INSIDE_ONLY)
    assert arrows(picture) == {
        "clients": ("edge",),
        "edge": ("nodes", "control-planes"),
        "nodes": ("ingress",),
        "ingress": ("services",),
        "services": ("pods",),
    }
    assert picture["edge"].about == ("VIP 192.0.2.100", "ports 80, 443, 6443")
    assert picture["edge"].hosts == ("lb1", "lb2")
    assert picture["nodes"].about == ("ports 30080, 30043",)


def test_services_that_clients_reach_by_themselves_go_past_the_controller(tmp_path: Path) -> None:
    picture = arrows(drawn(tmp_path))
    assert (picture["clients"], picture["nodes"]) == (("edge", "metallb", "nodes"), ("ingress", "services"))


def test_load_balancer_begins_at_metallb(tmp_path: Path) -> None:
    picture = drawn(tmp_path, *INSIDE_ONLY, ("pattern: node_port", "pattern: load_balancer"))
    assert picture["clients"].then == ("edge", "metallb")
    assert (picture["edge"].then, picture["metallb"].then) == (("control-planes",), ("nodes",))
    assert picture["metallb"].about == ("192.0.2.200-192.0.2.220",)


def test_host_network_begins_at_the_nodes(tmp_path: Path) -> None:
    picture = drawn(tmp_path, *INSIDE_ONLY, ("pattern: node_port", "pattern: host_network"))
    assert picture["clients"].then == ("edge", "nodes")
    assert picture["ingress"].hosts == ("w1", "w2")


def test_without_a_way_in_there_is_the_inside(tmp_path: Path) -> None:
    cluster = write(tmp_path / "inventory", "topology: {service_cidr: 10.254.0.0/16}\n", HOSTS).cluster()
    assert [place.name for place in places(cluster)] == [
        "clients",
        "nodes",
        "services",
        "pods",
        "control-planes",
        "kube-proxy",
        "dns",
    ]


def test_every_arrow_ends_at_a_place(tmp_path: Path) -> None:
    picture = drawn(tmp_path)
    assert {name for place in picture.values() for name in place.then} <= set(picture)


@pytest.mark.parametrize("phase", [phase.name for phase in assets.deploy_module("site").SITE])
def test_what_every_phase_finds_has_a_place(tmp_path: Path, phase: str) -> None:
    """`hosts` is about hosts alone: it is found where they are."""
    picture = drawn(tmp_path).values()
    assert (phase == "hosts") != any(phase in place.capabilities for place in picture)


def test_every_host_has_a_place_that_all_its_findings_are_about(tmp_path: Path) -> None:
    cluster = write(tmp_path / "inventory", SECURE, EDGE_HOSTS).cluster()
    whole = {host for place in places(cluster) if place.whole for host in place.hosts}
    assert whole == {member.name for member in cluster.members}
