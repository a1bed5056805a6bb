"""Who listens where: the answer of a real ss, and what keeps another program from a port."""

from __future__ import annotations

import os
import socket
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from k8snet_provision.resources import listener
from k8snet_provision.resources.listener import Listener
from k8snet_provision.resources.probe import HostSeen, Probe, Seen, State, Unknown


def seen(text: str) -> HostSeen:
    return HostSeen("h", {listener.KEY: Seen(State.PRESENT, text.encode())})


def asked(probe: Probe) -> str:
    return subprocess.run(["sh", "-c", probe.script], capture_output=True, text=True, check=True, timeout=20).stdout


def test_a_real_listener_is_found_with_its_program() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (found,) = [item for item in listener.read(seen(asked(listener.probe()))) if item.port == port]
    assert found.address == ip_address("127.0.0.1")
    assert found.pid == os.getpid()
    assert found.programs == (Path("/proc/self/comm").read_text().strip(),)


LINES = {
    '0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=7,fd=9),("nginx",pid=8,fd=9))': Listener(80, None, 4, ("nginx",), 7),
    "*:10256 *:*": Listener(10256, None, 0),
    "[::]:443 [::]:*": Listener(443, None, 6),
    "127.0.0.1%lo:53 0.0.0.0:*": Listener(53, ip_address("127.0.0.1"), 4),
    "[fe80::1]%eth0:53 [::]:*": Listener(53, ip_address("fe80::1"), 6),
}


@pytest.mark.parametrize("line", LINES)
def test_every_form_of_an_address_is_read(line: str) -> None:
    assert listener.read(seen(f"LISTEN 0 4096 {line}\n")) == [LINES[line]]


def test_an_answer_that_cannot_be_read_is_unknown() -> None:
    with pytest.raises(Unknown, match="cannot be read"):
        listener.read(seen("ss failed\n"))


VIP = ip_address("192.0.2.100")


@pytest.mark.parametrize(
    ("held", "wanted", "kept"),
    [
        (Listener(80, None, 4), VIP, True),
        (Listener(80, None, 0), VIP, True),
        (Listener(80, None, 6), VIP, False),
        (Listener(80, VIP, 4), VIP, True),
        (Listener(80, ip_address("192.0.2.1"), 4), VIP, False),
        (Listener(80, ip_address("192.0.2.1"), 4), None, True),
        (Listener(81, None, 4), VIP, False),
    ],
)
def test_a_port_is_kept_by_the_same_address_or_by_all_of_them(
    held: Listener, wanted: listener.IPAddress | None, kept: bool
) -> None:
    assert bool(listener.holders([held], wanted, 80)) is kept
