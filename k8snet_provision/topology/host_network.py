"""What a host's network looks like: the script that asks for it, and its answer as data."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from ipaddress import ip_interface, ip_network
from typing import Any

from .values import IPAddress, IPNetwork, PortRange

_MODULES = "ip_vs ip_vs_rr ip_vs_wrr ip_vs_lc ip_vs_wlc ip_vs_sh ip_vs_dh ip_vs_sed ip_vs_nq ip_vs_lblc ip_vs_lblcr"

# One line per fact, so that one that a host cannot give hides no other.
FACTS = """LC_ALL=C; export LC_ALL
say() {
  case $2 in
  *"
"*) printf '%s\\t%s\\n' "$1" "$(printf '%s' "$2" | tr '\\n' ' ')" ;;
  *) printf '%s\\t%s\\n' "$1" "$2" ;;
  esac
}
say addresses "$(ip -j addr 2>/dev/null)"
say routes4 "$(ip -4 -j route show table main 2>/dev/null)"
say routes6 "$(ip -6 -j route show table main 2>/dev/null)"
say local_ports "$(cat /proc/sys/net/ipv4/ip_local_port_range 2>/dev/null)"
say reserved_ports "$(cat /proc/sys/net/ipv4/ip_local_reserved_ports 2>/dev/null)"
say kernel "$(uname -r)"
"""

# A module counts as available when it is loaded, can be loaded, or is built in; a kernel without modules is
# asked for its configuration.
MODULES = f"""found=; options=$( (gzip -dc /proc/config.gz || cat "/boot/config-$(uname -r)") 2>/dev/null)
for m in {_MODULES} nf_conntrack; do
  o=CONFIG_$(printf '%s' "$m" | tr 'a-z' 'A-Z')=y
  if [ -d "/sys/module/$m" ] || modprobe -n -q "$m" 2>/dev/null; then found="$found $m"; continue; fi
  case $options in *"$o"*) found="$found $m" ;; esac
done
say modules "$found ."
"""


def script(ipvs: bool) -> str:
    """sh that asks for everything; for modules only where ipvs is wanted, for that takes as long as all the rest."""
    return FACTS + (MODULES if ipvs else "say modules .\n")


@dataclass(frozen=True)
class Interface:
    """An address with its prefix length, and the device that has it."""

    address: IPAddress
    network: IPNetwork
    device: str


@dataclass(frozen=True)
class Route:
    """A route of the main table other than the default route; `connected`: without a gateway."""

    network: IPNetwork
    device: str
    connected: bool


@dataclass(frozen=True)
class HostNetwork:
    """What only the host knows; None or empty where it could not say.

    `modules` are those that are loaded, loadable or built in, of the ones ipvs needs.
    """

    host: str
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    local_ports: PortRange | None = None
    reserved_ports: tuple[PortRange, ...] = ()
    kernel: tuple[int, int] | None = None
    modules: frozenset[str] | None = None
    unknown: tuple[str, ...] = ()
    """Names of the facts that the host did not give."""


def decode(host: str, answer: str) -> HostNetwork:
    """The script's answer as data; facts that are missing or that nobody can read are named in `unknown`."""
    facts = dict(line.partition("\t")[::2] for line in answer.splitlines())
    unknown: list[str] = []

    def fact(name: str, parse: Any, otherwise: Any) -> Any:
        try:
            return parse(facts[name])
        except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
            unknown.append(name)
            return otherwise

    return HostNetwork(
        host,
        fact("addresses", parse_addresses, ()),
        fact("routes4", parse_routes, ()) + fact("routes6", parse_routes, ()),
        fact("local_ports", parse_ports, None),
        fact("reserved_ports", parse_port_list, ()),
        fact("kernel", parse_kernel, None),
        fact("modules", parse_modules, None),
        tuple(unknown),
    )


def parse_addresses(text: str) -> tuple[Interface, ...]:
    """The answer of `ip -j addr`; raises ValueError when it is none."""
    found = []
    for device in json.loads(text):
        for info in device.get("addr_info", ()):
            if "local" in info:
                both = ip_interface(f"{info['local']}/{info['prefixlen']}")
                found.append(Interface(both.ip, both.network, str(device["ifname"])))
    return tuple(found)


def parse_routes(text: str) -> tuple[Route, ...]:
    """The answer of `ip -j route`, empty for a family that is switched off; raises ValueError when it is none."""
    rows = json.loads(text or "[]")
    return tuple(
        Route(ip_network(row["dst"]), str(row.get("dev", "")), not {"gateway", "via", "nexthops"} & row.keys())
        for row in rows
        if row.get("dst", "default") != "default"
    )


def parse_ports(text: str) -> PortRange:
    """Two numbers, as in net.ipv4.ip_local_port_range."""
    first, last = map(int, text.split())
    return PortRange(first, last)


def parse_port_list(text: str) -> tuple[PortRange, ...]:
    """`8080,30000-32767`, as in net.ipv4.ip_local_reserved_ports."""
    ends = (item.partition("-") for item in text.strip().split(",") if item)
    return tuple(PortRange(int(first), int(last or first)) for first, _, last in ends)


def parse_kernel(text: str) -> tuple[int, int]:
    """Major and minor of a release such as 6.1.0-28-amd64."""
    match = re.match(r"([0-9]{1,6})\.([0-9]{1,6})", text)
    if match is None:
        raise ValueError(f"{text!r} is no kernel release")
    return int(match[1]), int(match[2])


def parse_modules(text: str) -> frozenset[str]:
    """Names with spaces between; a lone dot ends the list, so that an empty one differs from none."""
    names = text.split()
    if names[-1:] != ["."]:
        raise ValueError("the list of modules is cut off")
    return frozenset(names[:-1])
