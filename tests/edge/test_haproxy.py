"""HAProxy's configuration: what a port leads to, and that nothing of an inventory can write a line into it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from k8snet_provision.edge import haproxy
from k8snet_provision.edge.forwards import Server, forwards, ways_of
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.ingress import Pattern
from tests.deploys.edge_world import NODE_PORT, TOPOLOGY, a_cluster


def text(cluster: Cluster, way: Pattern | None = "node_port") -> str:
    edge = cluster.topology.edge
    assert edge is not None
    return haproxy.configuration(edge, forwards(cluster, edge, way))


def section(configuration: str, name: str) -> list[str]:
    """The lines of a section without comments."""
    lines = configuration.partition(f"\n{name}\n")[2].partition("\n\n")[0].splitlines()
    return [line.strip() for line in lines if not line.strip().startswith("#")]


def test_node_ports_are_checked_by_the_controllers_health_and_told_the_client(tmp_path: Path) -> None:
    configuration = text(a_cluster(tmp_path))
    assert section(configuration, "frontend https") == ["bind 192.0.2.100:443", "default_backend node_port-https"]
    assert section(configuration, "backend node_port-http")[-2:] == [
        "server w1 192.0.2.21:30080 check port 30054 send-proxy-v2",
        "server w2 192.0.2.22:30080 check port 30054 send-proxy-v2",
    ]
    assert section(configuration, "backend node_port-https") == [
        "server w1 192.0.2.21:30043 track node_port-http/w1 send-proxy-v2",
        "server w2 192.0.2.22:30043 track node_port-http/w2 send-proxy-v2",
    ]


def test_on_the_hosts_network_only_hosts_of_ingress_serve(tmp_path: Path) -> None:
    configuration = text(a_cluster(tmp_path), "host_network")
    assert section(configuration, "backend host_network-http")[-1] == (
        "server w2 192.0.2.22:80 check port 10254 send-proxy-v2"
    )
    assert "w1" not in configuration


def test_the_api_is_asked_over_tls_and_not_told_the_client(tmp_path: Path) -> None:
    topology = f"{TOPOLOGY}".replace("192.0.2.100}", "192.0.2.100, api: {port: 7443}}")
    configuration = text(a_cluster(tmp_path, topology), None)
    assert section(configuration, "frontend api")[0] == "bind 192.0.2.100:7443"
    assert section(configuration, "backend kube-apiserver-api")[-1] == (
        "server cp1 192.0.2.11:6443 check check-ssl verify none"
    )
    assert ways_of(configuration) == ()


def test_a_drained_node_gets_nothing_new(tmp_path: Path) -> None:
    topology = NODE_PORT.replace("192.0.2.100}", "192.0.2.100, drain: [w2]}")
    servers = [line for line in text(a_cluster(tmp_path, topology)).splitlines() if line.startswith("    server ")]
    assert [line.endswith(" weight 0") for line in servers] == [False, True, False, True]


def test_connections_that_are_open_are_not_closed_when_a_server_is_found_down(tmp_path: Path) -> None:
    assert "on-marked-down" not in text(a_cluster(tmp_path))


def test_ipv6_addresses_stand_in_brackets(tmp_path: Path) -> None:
    edge = a_cluster(tmp_path).topology.edge
    assert edge is not None
    (forward, _) = forwards(a_cluster(tmp_path), edge, "node_port")
    server = Server("w1", str(ip_address("2001:db8::21")), drained=False)
    configuration = haproxy.configuration(
        edge.model_copy(update={"vip": ip_address("2001:db8::100")}), [replace(forward, servers=(server,))]
    )
    assert "    bind [2001:db8::100]:80\n" in configuration
    assert "    server w1 [2001:db8::21]:30080 check" in configuration


def test_the_mark_is_of_the_whole_text(tmp_path: Path) -> None:
    one, other = text(a_cluster(tmp_path)), text(a_cluster(tmp_path), "host_network")
    assert len(haproxy.mark(one)) == 12
    assert haproxy.mark(one) != haproxy.mark(other)
    assert haproxy.mark("global\n    maxconn 1\n") == ""


HOSTILE = ("a b", "a\tmaxconn 1", "x # y", "läb", "a'b", "a\\nb", "-" * 70)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_haproxy_does_not_take_is_replaced(tmp_path: Path, name: str) -> None:
    cluster = a_cluster(tmp_path)
    renamed = tuple(replace(member, name=name) if member.name == "w1" else member for member in cluster.members)
    configuration = text(replace(cluster, members=renamed))
    if len(name) < 65:
        assert name not in configuration
    assert "    server server-1 192.0.2.21:30080 check port 30054 send-proxy-v2\n" in configuration


@pytest.mark.parametrize("address", ["192.0.2.21\n    server x 198.51.100.1:80", "192.0.2.21 backup", "::1%eth0 x", ""])
def test_an_address_that_is_none_ends_in_no_configuration(tmp_path: Path, address: str) -> None:
    cluster = a_cluster(tmp_path)
    moved = tuple(replace(member, address=address) if member.name == "w1" else member for member in cluster.members)
    with pytest.raises(ValueError, match="is no address"):
        text(replace(cluster, members=moved))
