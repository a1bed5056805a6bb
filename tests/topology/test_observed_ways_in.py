"""Pools, VIP and devices against networks as a real kernel has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision.problems import Problem
from k8snet_provision.topology.host_network import HostNetwork
from k8snet_provision.topology.observed import EDGE_RULES, FLEET_RULES, HOST_RULES, broken_on_hosts
from k8snet_provision.topology.rules import RULES

from .test_observed import bridge, look
from .ways_in import ways_in
from .written import Written

VIP = "vip: 192.0.2.100"
POOL = "- addresses: [192.0.2.200-192.0.2.220]"
MAIL = "address: 192.0.2.201"


def broken(inventory: Written, *seen: HostNetwork) -> list[Problem]:
    return list(broken_on_hosts(inventory.cluster(), seen))


def test_a_vip_in_the_hosts_network_is_sound(tmp_path: Path) -> None:
    assert broken(ways_in(tmp_path), look(host="lb1")) == []


@pytest.mark.parametrize(
    ("commands", "changes", "expected"),
    [
        ("", ((VIP, "vip: 203.0.113.100"),), "192.0.2.0/24"),
        ("", ((VIP, "vip: 203.0.113.100\n    interface: eth0"),), "192.0.2.0/24"),
        (bridge("lan1", "203.0.113.1/24"), ((VIP, "vip: 203.0.113.100\n    interface: eth0"),), "192.0.2.0/24"),
        ("ip addr add 203.0.113.100/32 dev lo;", ((VIP, "vip: 203.0.113.100"),), "192.0.2.0/24"),
        ("", ((VIP, "vip: '2001:db8::100'"),), "192.0.2.0/24"),
    ],
    ids=["another network", "with its device", "another device's network", "a /32 only", "another family"],
)
def test_a_vip_that_nobody_can_announce_is_refused(
    commands: str, changes: tuple[tuple[str, str], ...], expected: str, tmp_path: Path
) -> None:
    inventory = ways_in(tmp_path, *changes)
    (problem,) = broken(inventory, look(commands, host="lb1"))
    assert (problem.code, problem.where) == ("K8N188", "lb1")
    assert expected in problem.expected
    assert problem.hint.endswith(str(inventory.line("vip:")))


def test_a_vip_in_another_network_of_the_host_is_sound_with_its_device(tmp_path: Path) -> None:
    inventory = ways_in(tmp_path, (VIP, "vip: 203.0.113.100\n    interface: lan1"))
    assert broken(inventory, look(bridge("lan1", "203.0.113.1/24"), host="lb1")) == []


def test_a_device_that_is_not_there_is_one_problem(tmp_path: Path) -> None:
    inventory = ways_in(tmp_path, (VIP, f"{VIP}\n    interface: ens9"))
    (problem,) = broken(inventory, look(host="lb1"))
    assert (problem.code, problem.found) == ("K8N189", "ens9")
    assert "eth0" in problem.expected


def test_pools_in_the_nodes_network_are_sound(tmp_path: Path) -> None:
    assert broken(ways_in(tmp_path), look(host="w1"), look(host="w2")) == []


@pytest.mark.parametrize("pool", ["203.0.113.0/28", "192.0.2.250-192.0.3.5", "2001:db8::/120"])
def test_a_pool_in_no_nodes_network_is_refused(pool: str, tmp_path: Path) -> None:
    inventory = ways_in(tmp_path, (POOL, f"{POOL}\n      - {{name: other, addresses: ['{pool}']}}"))
    problems = broken(inventory, look(host="w1"), look(host="w2"))
    (problem,) = [problem for problem in problems if problem.code == "K8N178"]
    assert problem.where == "cluster"
    assert "192.0.2.0/24" in problem.expected or ":" in pool
    assert problem.hint.endswith(str(inventory.line("name: other")))


def test_a_pool_is_judged_once_every_node_was_seen(tmp_path: Path) -> None:
    inventory = ways_in(tmp_path, (POOL, f"{POOL}\n      - {{name: other, addresses: [203.0.113.16/28]}}"))
    other = bridge("lan1", "203.0.113.1/24")
    assert broken(inventory, look(host="w1")) == []
    assert [problem.code for problem in broken(inventory, look(host="w1"), look(host="w2"))] == ["K8N178"]
    assert broken(inventory, look(host="w1"), look(other, host="w2")) == []


@pytest.mark.parametrize("pool", ["192.0.2.240-192.0.2.255", "192.0.2.0-192.0.2.9"])
def test_a_pool_with_an_end_of_the_nodes_network_is_refused(pool: str, tmp_path: Path) -> None:
    inventory = ways_in(tmp_path, (POOL, f"{POOL}\n      - {{name: other, addresses: [{pool}]}}"))
    (problem,) = broken(inventory, look(host="w1"))
    assert (problem.code, problem.where, problem.found) == ("K8N177", "w1", pool)


def test_a_pool_on_devices_that_no_node_has_is_refused(tmp_path: Path) -> None:
    inventory = ways_in(tmp_path, (POOL, f"{POOL}\n        interfaces: [lan7]"))
    assert broken(inventory, look(host="w1")) == []
    (problem,) = broken(inventory, look(host="w1"), look(host="w2"))
    assert (problem.code, problem.found) == ("K8N179", "lan7")
    assert broken(inventory, look(host="w1"), look(bridge("lan7", "203.0.113.1/24"), host="w2")) == []


def test_codes_are_each_rules_own() -> None:
    everything = {**HOST_RULES, **EDGE_RULES, **FLEET_RULES}
    assert not everything.keys() & RULES.keys()
    assert all(code in (rule.__doc__ or "") for code, rule in everything.items())
