"""Every test here speaks to a real sshd on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .sshd import Sshd


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One server on many addresses, shared by tests that do not harm it."""
    addresses = tuple(f"127.0.9.{last}" for last in range(1, 51))
    server = Sshd(tmp_path_factory.mktemp("sshd"), addresses).start()
    yield server
    server.stop()


@pytest.fixture
def own_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server of the test's own, which may be stopped, frozen or given another key."""
    server = Sshd(tmp_path / "sshd", ("127.0.10.1",)).start()
    yield server
    server.stop()
