"""Who listens on a port, as this machine itself tells, with and without ss."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision.ingress import ports
from k8snet_provision.ingress.ports import Holder
from k8snet_provision.resources.probe import HostSeen, Seen, State
from tests.shell import ask

NEEDED = ("awk", "sed", "cat", "sort", "head", "tr", "ls", "sh")


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def holders(port: int, path: str) -> list[Holder]:
    done = subprocess.run(
        ["/bin/sh"], input=ports.probe([port]).script.encode(), capture_output=True, timeout=60, check=True,
        env={"PATH": path},
    )  # fmt: skip
    return list(ports.holders(HostSeen("here", {ports.KEY: Seen(State.PRESENT, done.stdout)})))


@pytest.mark.parametrize("with_ss", [True, False])
def test_the_program_that_listens_is_named(tmp_path: Path, listening: int, with_ss: bool) -> None:
    for name in (*NEEDED, *(("ss",) if with_ss else ())):
        program = shutil.which(name)
        assert program, name
        (tmp_path / name).symlink_to(program)
    (found,) = holders(listening, str(tmp_path))
    comm = Path("/proc/self/comm").read_text().strip()
    assert (found.port, found.pid, found.program) == (listening, str(os.getpid()), comm)
    assert found.pod == ""


def test_a_free_port_has_no_holder() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = int(server.getsockname()[1])
    assert list(ports.holders(ask(ports.probe([port])))) == []
