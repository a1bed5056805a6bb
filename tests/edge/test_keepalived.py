"""keepalived's configuration, and where a host holds the VIP: by what the hosts say of their networks."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from k8snet_provision.edge import keepalived
from k8snet_provision.edge.keepalived import Seat
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.edge import Edge
from k8snet_provision.topology.host_network import HostNetwork, Interface
from tests.deploys.edge_world import HOSTS, NODE_PORT, a_cluster


def network(host: str, *places: str) -> HostNetwork:
    """`eth0=192.0.2.31/24` and so on."""
    found = [(ip_interface(address), device) for device, address in (place.split("=") for place in places)]
    return HostNetwork(host, tuple(Interface(both.ip, both.network, device) for both, device in found))


def edge_of(cluster: Cluster) -> Edge:
    assert cluster.topology.edge is not None
    return cluster.topology.edge


def seat(cluster: Cluster, host: str, *networks: HostNetwork) -> Seat | None:
    return keepalived.seat(cluster, edge_of(cluster), {found.host: found for found in networks}, host)


LB1, LB2 = network("lb1", "eth0=192.0.2.31/24"), network("lb2", "eth0=192.0.2.32/24", "eth0=192.0.2.100/32")


def test_each_host_names_the_other_and_the_first_ranks_first(tmp_path: Path) -> None:
    cluster = a_cluster(tmp_path)
    assert seat(cluster, "lb1", LB1, LB2) == Seat("eth0", ip_address("192.0.2.31"), (ip_address("192.0.2.32"),), 200)
    assert seat(cluster, "lb2", LB1, LB2) == Seat("eth0", ip_address("192.0.2.32"), (ip_address("192.0.2.31"),), 199)


def test_a_host_that_was_not_reached_is_a_peer_by_its_address_in_the_inventory(tmp_path: Path) -> None:
    cluster = a_cluster(tmp_path)
    assert seat(cluster, "lb1", LB1) == seat(cluster, "lb1", LB1, LB2)


def test_of_a_host_that_is_managed_over_another_network_the_vips_network_counts(tmp_path: Path) -> None:
    hosts = HOSTS.replace("192.0.2.31", "198.51.100.31").replace("192.0.2.32", "198.51.100.32")
    cluster = a_cluster(tmp_path, hosts=hosts)
    both = [network(f"lb{n}", f"mgmt=198.51.100.3{n}/24", f"bond0.7=192.0.2.3{n}/24") for n in (1, 2)]
    assert seat(cluster, "lb1", *both) == Seat("bond0.7", ip_address("192.0.2.31"), (ip_address("192.0.2.32"),), 200)


def test_of_several_addresses_the_inventorys_is_taken(tmp_path: Path) -> None:
    several = network("lb1", "eth0=192.0.2.5/24", "eth0=192.0.2.31/24")
    found = seat(a_cluster(tmp_path), "lb1", several, LB2)
    assert found is not None and found.address == ip_address("192.0.2.31")


@pytest.mark.parametrize("elsewhere", ["eth0=198.51.100.31/24", "eth0=192.0.2.100/24", "eth0=2001:db8::1/64"])
def test_a_host_without_an_address_of_its_own_there_has_no_seat(tmp_path: Path, elsewhere: str) -> None:
    assert seat(a_cluster(tmp_path), "lb1", network("lb1", elsewhere), LB2) is None


def test_a_device_that_is_named_wins(tmp_path: Path) -> None:
    cluster = a_cluster(tmp_path, NODE_PORT.replace("192.0.2.100}", "192.0.2.100, interface: eth1}"))
    found = seat(cluster, "lb1", network("lb1", "eth0=192.0.2.31/24", "eth1=192.0.2.41/24"), LB2)
    assert found is not None and (found.device, found.address) == ("eth1", ip_address("192.0.2.41"))


def test_an_ipv6_vip_is_told_to_ipv6_peers(tmp_path: Path) -> None:
    cluster = a_cluster(tmp_path, NODE_PORT.replace("192.0.2.100", "2001:db8::100"))
    both = [network(f"lb{n}", f"eth0=192.0.2.3{n}/24", "eth0=fe80::1/64", f"eth0=2001:db8::3{n}/64") for n in (1, 2)]
    found = seat(cluster, "lb1", *both)
    assert found == Seat("eth0", ip_address("2001:db8::31"), (ip_address("2001:db8::32"),), 200)
    assert "        2001:db8::100/128 dev eth0\n" in keepalived.configuration(edge_of(cluster), "lb1", found)


SEAT = Seat("eth0", ip_address("192.0.2.31"), (ip_address("192.0.2.32"),), 200)


def test_the_vip_stays_where_it_is_unless_the_topology_wants_it_back(tmp_path: Path) -> None:
    edge = edge_of(a_cluster(tmp_path))
    stays = keepalived.configuration(edge, "lb1", SEAT)
    returns = keepalived.configuration(edge.model_copy(update={"preempt": True}), "lb1", SEAT)
    assert ("\n    nopreempt\n" in stays, "nopreempt" in returns) == (True, False)
    assert "state MASTER" not in stays + returns


def test_fractions_of_a_second_and_the_version_that_knows_them(tmp_path: Path) -> None:
    text = keepalived.configuration(edge_of(a_cluster(tmp_path)), "lb1", SEAT)
    assert "    vrrp_version 3\n" in text
    assert "    advert_int 0.2\n" in text


def test_a_host_that_is_alone_speaks_to_everybody(tmp_path: Path) -> None:
    text = keepalived.configuration(edge_of(a_cluster(tmp_path)), "lb1", replace(SEAT, peers=()))
    assert "unicast" not in text


@pytest.mark.parametrize("name", ["a b", "a\n}\nvrrp_script x {", "lb1 # ", "$(reboot)", "läb"])
def test_a_name_writes_no_line_of_its_own(tmp_path: Path, name: str) -> None:
    edge = edge_of(a_cluster(tmp_path))
    lines = keepalived.configuration(edge, name, SEAT).splitlines()
    plain = keepalived.configuration(edge, "lb1", SEAT).splitlines()
    changed = [line for line, other in zip(lines, plain, strict=True) if line != other]
    assert len(changed) == 1
    assert changed[0].startswith("    router_id ") and len(changed[0].split()) == 2
