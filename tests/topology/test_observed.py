"""What only hosts know, asked of a real kernel in a network namespace of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from k8snet_provision.problems import Problem, Severity
from k8snet_provision.topology.host_network import HostNetwork, decode, script
from k8snet_provision.topology.observed import HOST_RULES, broken_on_hosts

from .written import TOPOLOGY, Written, replaced, write

NODE = "ip link add eth0 type bridge; ip addr add 192.0.2.21/24 dev eth0; ip link set eth0 up; ip link set lo up;"


def look(commands: str = "", host: str = "w1") -> HostNetwork:
    """The network of a fresh namespace after `commands`."""
    asked = f"set -e; {NODE} {commands}\nset +e\n{script(ipvs=True)}"
    namespace = ["unshare", "--user", "--map-root-user", "--net", "sh", "-s"]
    done = subprocess.run(namespace, input=asked, capture_output=True, text=True, check=True, timeout=20)
    return decode(host, done.stdout)


def broken(inventory: Written, seen: HostNetwork) -> list[Problem]:
    return list(broken_on_hosts(inventory.cluster(), [seen]))


def bridge(name: str, *addresses: str) -> str:
    adds = " ".join(f"ip addr add {address} dev {name};" for address in addresses)
    return f"ip link add {name} type bridge; ip link set {name} up; {adds}"


def test_a_fresh_host_has_no_problem(tmp_path: Path) -> None:
    seen = look()
    assert seen.unknown == ()
    assert broken(write(tmp_path), seen) == []


def test_facts_are_those_of_the_kernel() -> None:
    seen = look("ip route add 198.51.100.0/24 via 192.0.2.1; ip route add default via 192.0.2.1")
    assert seen.kernel == tuple(map(int, os.uname().release.split(".")[:2]))
    assert str(seen.local_ports) == Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().strip().replace(
        "\t", "-"
    )
    assert [(str(route.network), route.connected) for route in seen.routes if route.network.version == 4] == [
        ("192.0.2.0/24", True),
        ("198.51.100.0/24", False),
    ]
    assert ("192.0.2.21", "eth0") in {(str(item.address), item.device) for item in seen.interfaces}


@pytest.mark.parametrize(
    ("commands", "code", "severity", "says"),
    [
        (bridge("docker0", "10.254.7.1/24"), "K8N126", Severity.ERROR, "10.254.7.0/24 of docker0"),
        (bridge("docker0", "10.244.7.1/24"), "K8N127", Severity.ERROR, "10.244.7.0/24 of docker0"),
        (bridge("lan0", "10.252.0.1/14", "10.244.0.1/32"), "K8N126", Severity.ERROR, "10.252.0.0/14 of lan0"),
        ("ip route add 10.254.9.0/24 via 192.0.2.1", "K8N126", Severity.WARNING, "10.254.9.0/24, which is routed"),
        ("ip route add 10.248.0.0/13 via 192.0.2.1", "K8N126", Severity.WARNING, "10.248.0.0/13"),
        ("ip route add 10.192.0.0/10 via 192.0.2.1", "K8N127", Severity.WARNING, "10.192.0.0/10"),
        ("echo 32000 60999 > /proc/sys/net/ipv4/ip_local_port_range", "K8N131", Severity.ERROR,
         "30000-32767 and 32000-60999"),
    ],
)  # fmt: skip
def test_a_clash_is_found_and_names_the_topologys_line(
    commands: str, code: str, severity: Severity, says: str, tmp_path: Path
) -> None:
    inventory = write(tmp_path)
    found = [problem for problem in broken(inventory, look(commands)) if problem.code == code]
    assert [(problem.where, problem.severity) for problem in found] == [("w1", severity)]
    assert says in str(found[0])
    assert str(inventory.path) in found[0].hint


@pytest.mark.parametrize(
    "commands",
    [
        bridge("cni0", "10.244.1.1/24") + "ip route add 10.244.2.0/24 via 192.0.2.22",
        "ip route add blackhole 10.244.3.0/26",
        bridge("kube-ipvs0", "10.254.0.1/32", "10.254.0.10/32"),
        "echo 30500 60999 > /proc/sys/net/ipv4/ip_local_port_range;"
        "echo 30000-32767 > /proc/sys/net/ipv4/ip_local_reserved_ports",
        "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6",
    ],
    ids=["pod network", "pod block", "ClusterIPs of ipvs mode", "reserved ports", "no IPv6"],
)
def test_what_the_cluster_made_itself_is_no_clash(commands: str, tmp_path: Path) -> None:
    seen = look(commands)
    assert seen.unknown == ()
    assert broken(write(tmp_path), seen) == []


def test_nftables_mode_needs_its_kernel(tmp_path: Path) -> None:
    inventory = write(tmp_path)
    old, new = HostNetwork("w1", kernel=(5, 12)), HostNetwork("w1", kernel=(5, 13))
    assert [problem.code for problem in broken(inventory, old)] == ["K8N152"]
    assert broken(inventory, new) == []


def test_ipvs_mode_needs_its_modules_and_those_of_its_scheduler(tmp_path: Path) -> None:
    mode = "mode: ipvs\n    ipvs: {scheduler: wlc, strict_arp: true}"
    inventory = write(tmp_path, replaced(TOPOLOGY, ("mode: nftables\n    nftables: {masquerade_all: false}", mode)))
    (problem,) = broken(inventory, HostNetwork("w1", modules=frozenset({"ip_vs", "ip_vs_rr", "nf_conntrack"})))
    assert (problem.code, problem.text.rpartition(": ")[2]) == ("K8N153", "ip_vs_wlc")
    assert broken(inventory, HostNetwork("w1", modules=frozenset({"ip_vs", "ip_vs_wlc", "nf_conntrack"}))) == []
    assert broken(inventory, HostNetwork("cp1", modules=frozenset())) == []


def test_what_a_host_cannot_say_is_named_and_hides_nothing_else() -> None:
    answer = 'addresses\tnot JSON\nroutes4\t[{"dst":"10.0.0.0/8","dev":"x"}]\nroutes6\t[]\nkernel\t6.1.0-1\n'
    seen = decode("w1", answer)
    assert seen.unknown == ("addresses", "local_ports", "reserved_ports", "modules")
    assert (seen.kernel, len(seen.routes)) == ((6, 1), 1)


def test_hosts_outside_the_cluster_are_not_held_against_it(tmp_path: Path) -> None:
    inventory = write(tmp_path)
    assert broken(inventory, look(bridge("docker0", "10.254.7.1/24"), host="lb1")) == []


def test_codes_of_hosts_are_not_those_of_the_topology() -> None:
    from k8snet_provision.topology.rules import RULES

    assert not HOST_RULES.keys() & RULES.keys()
    assert all(code in (rule.__doc__ or "") for code, rule in HOST_RULES.items())
