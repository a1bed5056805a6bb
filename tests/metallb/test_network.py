"""Who answers at an address: asked by a real kernel of a neighbour in a network of its own."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address

from k8snet_provision.metallb import network
from k8snet_provision.metallb.network import MOST, addresses, decode, holds
from k8snet_provision.observe import compose, new_boundary
from k8snet_provision.observe import decode as decode_answers
from k8snet_provision.resources.probe import HostSeen
from k8snet_provision.topology.values import parse_address_range

# Two hosts on one wire. The first also remembers neighbours that have left since.
TWO_HOSTS = """
unshare -n sleep 20 & peer=$!
until [ "$(readlink /proc/$peer/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link set lo up
ip link add here type veth peer name there netns $peer
there() { nsenter -n -t $peer "$@"; }
there ip link set there address 02:00:00:00:00:07
there ip addr add 192.0.2.7/24 dev there
there ip addr add 2001:db8::7/64 dev there nodad
there ip link set there up
ip addr add 192.0.2.1/24 dev here
ip addr add 2001:db8::1/64 dev here nodad
ip link set here up
until there ip -o link show there | grep -q 'state UP'; do sleep 0.02; done
ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev here nud stale
ip neigh add 192.0.2.10 lladdr 02:00:00:00:00:10 dev here nud reachable
"""


def asked_of(*wanted: str) -> HostSeen:
    probe, boundary = network.probe([ip_address(text) for text in wanted]), new_boundary()
    script = f"{TWO_HOSTS}\n{compose([probe], boundary)}\nkill $peer"
    done = subprocess.run(["unshare", "-rn", "sh"], input=script.encode(), capture_output=True, timeout=30, check=False)
    return decode_answers("host", [probe], boundary, done.stdout)


def test_who_is_there_is_named_by_its_mac_and_nobody_else() -> None:
    wanted = ("192.0.2.7", "192.0.2.8", "192.0.2.9", "192.0.2.10", "2001:db8::7", "2001:db8::8")
    seen = decode(asked_of(*wanted).text(network.KEY) or "")
    assert dict(seen.answered) == {
        ip_address("192.0.2.7"): "02:00:00:00:00:07",
        ip_address("2001:db8::7"): "02:00:00:00:00:07",
    }


def test_a_node_tells_its_own_addresses_and_macs() -> None:
    seen = decode(asked_of().text(network.KEY) or "")
    assert ("192.0.2.1", "192.0.2.0/24", "here") in {
        (str(i.address), str(i.network), i.device) for i in seen.interfaces
    }
    assert seen.answered == ()
    assert len(seen.macs) == 2  # of `here` and of the loopback device
    assert not seen.answers_for_all


def test_large_pools_are_asked_in_part() -> None:
    pools = [parse_address_range(text) for text in ("192.0.2.1-192.0.2.2", "2001:db8::/64")]
    found = addresses(pools)
    assert len(found) == MOST
    assert [str(address) for address in found[:3]] == ["192.0.2.1", "192.0.2.2", "2001:db8::"]


def test_a_pool_holds_addresses_of_its_own_family_only() -> None:
    pool = parse_address_range("192.0.2.1-192.0.2.2")
    assert holds(pool, ip_address("192.0.2.2"))
    assert not holds(pool, ip_address("192.0.2.3"))
    assert not holds(pool, ip_address("::c000:202"))
