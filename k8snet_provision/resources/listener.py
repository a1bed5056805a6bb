"""Who listens on which TCP port of a host, by the name of the program."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "listeners:tcp"

IPAddress = IPv4Address | IPv6Address

_PROGRAM = re.compile(r'\("(?P<name>[^"]*)",pid=(?P<pid>[0-9]+)')


@dataclass(frozen=True)
class Listener:
    """`address` is None for one that listens on all of the host's addresses, of `family` 4 or 6 or of both (0).

    `programs` are the names of all processes that hold the socket; empty where the kernel itself does.
    """

    port: int
    address: IPAddress | None
    family: int
    programs: tuple[str, ...] = ()
    pid: int = 0

    def keeps_from(self, address: IPAddress | None, port: int) -> bool:
        """Whether another program cannot listen on that address (None: all of them) and port."""
        if port != self.port:
            return False
        if address is None:
            return True
        if self.address is None:
            return self.family in (0, address.version)
        return self.address == address

    def __str__(self) -> str:
        name = ", ".join(self.programs) or "the kernel"
        return f"{name} (pid {self.pid})" if self.pid else name


def probe() -> Probe:
    return Probe(
        KEY,
        'command -v ss >/dev/null || { echo "ss (iproute2) is not installed"; exit 1; }; ss -Hltnp || echo "ss failed"',
    )


def read(seen: HostSeen) -> list[Listener]:
    """Every TCP listener of the host's own network; raises Unknown."""
    lines = (seen.text(KEY) or "").splitlines()
    try:
        return [_listener(line.split(maxsplit=5)) for line in lines if line.strip()]
    except (ValueError, IndexError):
        raise Unknown(seen.host, KEY, "the answer of ss cannot be read") from None


def _listener(words: Sequence[str]) -> Listener:
    """`LISTEN 0 4096 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=7,fd=9),...)`; `*` is IPv4 and IPv6."""
    host, _, port = words[3].rpartition(":")
    bare = host.partition("%")[0].strip("[]")
    address = None if bare == "*" else ip_address(bare)
    found = list(_PROGRAM.finditer(words[5])) if len(words) > 5 else []
    return Listener(
        port=int(port),
        address=None if address is None or address.is_unspecified else address,
        family=0 if address is None else address.version,
        programs=tuple(dict.fromkeys(match["name"] for match in found)),
        pid=int(found[0]["pid"]) if found else 0,
    )


def holders(listeners: Sequence[Listener], address: IPAddress | None, port: int) -> list[Listener]:
    """Those that keep another program from listening there."""
    return [listener for listener in listeners if listener.keeps_from(address, port)]
