"""Who answers at the addresses of the pools: asked from nodes, read from the kernel's neighbour table.

A UDP packet to an address of a connected network makes the kernel ask for its MAC (ARP, NDP); nothing but bash and
ip is needed, and whoever has the address need not answer the packet itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network
from itertools import chain, islice
from shlex import quote
from typing import Any

from k8snet_provision.resources.probe import Probe
from k8snet_provision.topology.host_network import Interface
from k8snet_provision.topology.values import AddressRange, IPAddress, parse_address_range

KEY = "metallb:network"

MOST = 256
"""Addresses asked for; pools may be as large as an IPv6 network."""

PATIENCE = 0.25
"""Seconds until the answers are read. In a LAN they come within 10 ms; the kernel asks once a second."""


@dataclass(frozen=True)
class NodeNetwork:
    """What a node said: its own MACs and addresses, and the MACs that answered, by address.

    `answers_for_all`: it has kube-proxy's ipvs device and answers ARP for every address that is on it.
    """

    macs: frozenset[str] = frozenset()
    interfaces: tuple[Interface, ...] = ()
    answered: tuple[tuple[IPAddress, str], ...] = ()
    answers_for_all: bool = False


def addresses(pools: Iterable[AddressRange]) -> tuple[IPAddress, ...]:
    """The first MOST addresses of the pools."""
    return tuple(islice(chain.from_iterable(map(_each, pools)), MOST))


def _each(pool: AddressRange) -> Iterator[IPAddress]:
    return (pool.first + offset for offset in range(int(pool.last) - int(pool.first) + 1))


def holds(pool: AddressRange, address: IPAddress) -> bool:
    return pool.first.version == address.version and int(pool.first) <= int(address) <= int(pool.last)


def ranges(pool: Mapping[str, Any]) -> Iterator[tuple[str, AddressRange]]:
    """Each range of an IPAddressPool as written and as addresses; without what MetalLB would not take either."""
    for text in (pool.get("spec") or {}).get("addresses") or ():
        with suppress(ValueError):
            yield text, parse_address_range(text if "-" in text else str(ip_network(text, strict=False)))


def probe(asked: Sequence[IPAddress]) -> Probe:
    """Asks for `asked`, where there are any; always tells about the node itself."""
    return Probe(KEY, _OWN + (_ask(asked) if asked else ""))


_OWN = r"""
command -v ip >/dev/null || { echo "ip (iproute2) is not installed"; exit 1; }
ip -o link | sed -n 's|.* link/[a-z0-9]* \([0-9a-f:]*\) brd .*|mac \1|p'
ip -o addr | while read -r _ device _ address _; do printf 'address %s %s\n' "$device" "$address"; done
if ip link show kube-ipvs0 >/dev/null 2>&1 && [ "$(cat /proc/sys/net/ipv4/conf/all/arp_ignore)" = 0 ]; then
  echo answers-for-all
fi
"""


def _ask(asked: Sequence[IPAddress]) -> str:
    """What is remembered is asked for anew: its host may be gone since."""
    return f"""
command -v bash >/dev/null || {{ echo "bash is not installed, with which packets are sent"; exit 1; }}
pool={quote(f" {' '.join(map(str, asked))} ")}
neighbours() {{ ip neigh | while read -r a _ device rest; do
  case $pool in *" $a "*) printf '%s %s %s\\n' "$a" "$device" "$rest" ;; esac
done; }}
neighbours | while read -r a device rest; do
  case $rest in *PERMANENT*|*NOARP*) ;; *lladdr*) ip neigh change "$a" dev "$device" nud probe ;; esac
done
bash -c 'for a in "$@"; do printf k >"/dev/udp/$a/9"; done' bash $pool 2>/dev/null
sleep {PATIENCE}
neighbours | while read -r a _ _ mac state _; do
  case $state in REACHABLE|PERMANENT) printf 'answer %s %s\\n' "$a" "$mac" ;; esac
done
echo asked
"""


def decode(text: str) -> NodeNetwork:
    """The probe's answer as data."""
    rows = [line.split() for line in text.splitlines()]
    found = [ip_interface(row[2]) for row in rows if row[:1] == ["address"] and len(row) == 3]
    devices = [row[1] for row in rows if row[:1] == ["address"] and len(row) == 3]
    return NodeNetwork(
        frozenset(row[1] for row in rows if row[:1] == ["mac"] and len(row) == 2),
        tuple(Interface(both.ip, both.network, device) for both, device in zip(found, devices, strict=True)),
        tuple((ip_address(row[1]), row[2]) for row in rows if row[:1] == ["answer"] and len(row) == 3),
        ["answers-for-all"] in rows,
    )
