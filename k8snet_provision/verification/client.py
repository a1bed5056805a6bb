"""Who asks from outside the cluster: the operator's machine, or a host of the inventory through its SSH connection."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Callable
from dataclasses import dataclass

from k8snet_provision.engine.fleet import Fleet, Script, Unreachable

HERE = "operator's machine"

Dial = Callable[[str, int, float], socket.socket]


@dataclass(frozen=True)
class Client:
    """`dial(address, port, seconds)` opens a TCP connection and raises OSError.

    `source(address)` is the address that it is opened from; raises OSError where there is no way there.
    """

    name: str
    dial: Dial
    source: Callable[[str], str]

    @property
    def is_here(self) -> bool:
        return self.name == HERE


def this_machine() -> Client:
    """Connections of this process."""
    return Client(HERE, _connect, _own_address)


def of_host(fleet: Fleet, name: str) -> Client:
    """Connections that a host of the inventory opens for us."""

    def dial(address: str, port: int, seconds: float) -> socket.socket:
        return fleet.dial(name, address, port, seconds)

    def source(address: str) -> str:
        return _address_of(fleet, name, address)

    return Client(name, dial, source)


def _connect(address: str, port: int, seconds: float) -> socket.socket:
    return socket.create_connection((address, port), seconds)


def _own_address(address: str) -> str:
    """A UDP socket that is connected sends nothing, and knows its own address."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address, 9))
        return str(sock.getsockname()[0])


def _address_of(fleet: Fleet, name: str, address: str) -> str:
    answer = fleet.run({name: Script(f"ip -o route get {shlex.quote(address)}", root=False)})[name]
    if isinstance(answer, Unreachable):
        raise ConnectionError(answer.reason)
    words = answer.stdout.decode("utf-8", "replace").split()
    if "src" not in words[:-1]:
        raise ConnectionError(f"{name} has no route to {address}")
    return words[words.index("src") + 1]
