"""The small values of the topology: networks, addresses, ranges, names, and how each of them is written.

Every parser raises PydanticCustomError whose type is the problem's code and whose context holds what was
expected and a hint, so that a wrong value ends as one problem with its file and line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

from pydantic_core import PydanticCustomError

IPNetwork: TypeAlias = IPv4Network | IPv6Network
IPAddress: TypeAlias = IPv4Address | IPv6Address

MALFORMED = "K8N102"
HOST_BITS = "K8N104"

# RFC 1123 section 2.1 and the DNS limits of RFC 1035 section 2.3.4: labels of 63, names of 253 characters.
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:ms|s|m|h))+\Z|0\Z")


def refuse(
    text: str, expected: str, hint: str = "", code: str = MALFORMED, hidden: bool = False
) -> PydanticCustomError:
    """The error that becomes a problem: what is wrong, what was expected, what to do; `hidden`: found what is not."""
    # The text is a template to pydantic; braces in a value must not be read as its placeholders.
    return PydanticCustomError(code, "{text}", {"text": text, "expected": expected, "hint": hint, "hidden": hidden})


@dataclass(frozen=True)
class PortRange:
    """Ports from `first` to `last`, both included; `str()` is the form of the apiserver's flag."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def __contains__(self, port: object) -> bool:
        return isinstance(port, int) and self.first <= port <= self.last

    def overlaps(self, other: PortRange) -> bool:
        """True when at least one port is in both."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class AddressRange:
    """Addresses of one family from `first` to `last`, both included; `str()` is MetalLB's form."""

    first: IPAddress
    last: IPAddress

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


def parse_port_range(value: Any) -> PortRange:
    """`30000-32767` as a PortRange; refuses anything else, reversed ends and ports outside 1-65535."""
    if isinstance(value, PortRange):
        return value
    match = re.fullmatch(r"\s*([0-9]{1,5})\s*-\s*([0-9]{1,5})\s*", value) if isinstance(value, str) else None
    if match is None:
        raise refuse("not a range of ports", "first-last, such as 30000-32767")
    first, last = int(match[1]), int(match[2])
    if not 1 <= first <= last <= 65535:
        raise refuse("not a range of ports", "1 <= first <= last <= 65535")
    return PortRange(first, last)


def parse_network(value: Any) -> IPNetwork:
    """A network in CIDR form; host bits are refused, for the apiserver would silently drop them."""
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    example = "a network such as 10.254.0.0/16 or fd00:254::/108"
    if not isinstance(value, str) or not re.fullmatch(r"\s*[0-9a-fA-F.:]{2,45}/[0-9]{1,3}\s*", value):
        raise refuse("not a network in CIDR form", example)
    try:
        network = ip_network(value.strip(), strict=False)
    except ValueError:
        raise refuse("not a network in CIDR form", example) from None
    if ip_address(value.strip().partition("/")[0]) != network.network_address:
        raise refuse("the network has host bits set", str(network), f"write {network}", HOST_BITS)
    return network


def parse_address(value: Any) -> IPAddress:
    """An IPv4 or IPv6 address without a zone and without a prefix length."""
    if isinstance(value, IPv4Address | IPv6Address):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"\s*[0-9a-fA-F.:]{2,45}\s*", value):
            return ip_address(value.strip())
    except ValueError:
        pass
    raise refuse("not an IP address", "an address such as 192.0.2.10 or 2001:db8::10")


def parse_address_range(value: Any) -> AddressRange:
    """`192.0.2.10-192.0.2.20` or a network in CIDR form, as MetalLB writes its pools."""
    if isinstance(value, AddressRange):
        return value
    if isinstance(value, str) and "-" in value:
        first, last = (parse_address(end) for end in value.split("-", 1))
        if first.version != last.version or int(first) > int(last):
            raise refuse("not a range of addresses", "first-last of one family, in ascending order")
        return AddressRange(first, last)
    network = parse_network(value)
    return AddressRange(network[0], network[-1])


def parse_domain(value: Any) -> str:
    """A domain name of RFC 1123 labels in lower case, without a trailing dot."""
    if not isinstance(value, str) or not is_domain(value.removesuffix(".")):
        raise refuse(
            "not a DNS name",
            "labels of a-z, 0-9 and '-' (RFC 1123), each up to 63 characters, 253 in all",
            code="K8N143",
        )
    return value.removesuffix(".")


def is_domain(name: str) -> bool:
    """True for dot-separated RFC 1123 labels within DNS's limits."""
    return 0 < len(name) <= 253 and all(_LABEL.match(label) for label in name.split("."))


def parse_duration(value: Any) -> str:
    """A Go duration as kube-proxy's configuration holds it: `1s`, `500ms`, `1m30s`."""
    if not isinstance(value, str) or len(value) > 32 or not _DURATION.match(value):
        raise refuse("not a duration", "a number with a unit, such as 500ms, 1s or 1m30s")
    return value


def parse_path(value: Any) -> str:
    """An absolute path on a host, without control characters and without `..`."""
    if not isinstance(value, str) or not value.startswith("/") or not value.isprintable():
        raise refuse("not an absolute path", "a path that begins with /")
    if ".." in value.split("/") or len(value) > 4096:
        raise refuse("not an absolute path", "a path without '..', at most 4096 characters")
    return value


def parse_text(value: Any) -> str:
    """Text for a configuration file: any characters but control characters other than tab and newline."""
    if not isinstance(value, str):
        raise refuse("not text", "text; with several lines, begin it with |")
    if any(not char.isprintable() and char not in "\t\n" for char in value):
        raise refuse("the text holds control characters", "printable characters, tabs and line ends")
    return value


def parse_node_port_address(value: Any) -> IPNetwork | str:
    """A network, or `primary` for the node's own addresses."""
    return value if value == "primary" else parse_network(value)


def parse_bind_address(value: Any) -> str:
    """`0.0.0.0:10256` or `[::]:10256`: an address and a port to listen on."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})", value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match[3]) <= 65535:
        raise refuse("not an address with a port", "an address and a port such as 0.0.0.0:10256 or [::]:10256")
    parse_address(match[1] or match[2])
    return str(value)


def split_list(value: Any) -> Any:
    """A comma-separated string or a single network as a list; a list as it is."""
    if isinstance(value, str):
        return [item.strip() for item in value.split(",")]
    return [value] if isinstance(value, IPv4Network | IPv6Network) else value
