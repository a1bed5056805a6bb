"""Which keys are offered: the one the inventory names, or else the agent's and the user's own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision.engine.fleet import Fleet, Unreachable
from k8snet_provision.inventory.connection import Connection

from .sshd import Sshd, make_key


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The socket of an SSH agent of the test's own, which holds no key yet."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        process.poll()
        assert process.returncode is None
        os.sched_yield()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    monkeypatch.setenv("HOME", str(tmp_path))
    yield socket
    process.terminate()
    process.wait(5)


def add(key: Path) -> None:
    subprocess.run(["ssh-add", "-q", str(key)], check=True)


def connect(connection: Connection) -> Unreachable | None:
    with Fleet({"h1": connection}) as fleet:
        return fleet.connect(["h1"])["h1"]


def test_without_a_named_key_the_agents_keys_are_tried(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    add(make_key(tmp_path / "another"))
    add(sshd.home / "client_key")
    assert connect(sshd.connection(key_file=None)) is None


def test_a_named_key_is_the_only_one(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    add(sshd.home / "client_key")
    refused = connect(sshd.connection(key_file=str(make_key(tmp_path / "wrong"))))
    assert refused is not None
    assert f"offered the key {tmp_path}/wrong" in refused.reason
    assert "agent" not in refused.reason


def test_a_key_with_a_passphrase_is_taken_from_the_agent(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    key = tmp_path / "locked"
    key.write_bytes((sshd.home / "client_key").read_bytes())
    key.chmod(0o600)
    Path(f"{key}.pub").write_bytes((sshd.home / "client_key.pub").read_bytes())
    add(key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "secret", "-f", str(key)], check=True)
    assert connect(sshd.connection(key_file=str(key))) is None


def test_the_users_own_key_is_tried_last(sshd: Sshd, agent: Path, tmp_path: Path) -> None:
    own = tmp_path / ".ssh" / "id_ed25519"
    own.parent.mkdir()
    own.write_bytes((sshd.home / "client_key").read_bytes())
    assert connect(sshd.connection(key_file=None)) is None


def test_nothing_to_offer_is_said(sshd: Sshd, agent: Path) -> None:
    refused = connect(sshd.connection(key_file=None))
    assert refused is not None
    assert "offered nothing: no key, no password, no agent" in refused.reason


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_other_kinds_of_keys_log_in(own_sshd: Sshd, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / kind, kind)
    (own_sshd.home / "authorized_keys").write_bytes(Path(f"{key}.pub").read_bytes())
    assert connect(own_sshd.connection(key_file=str(key))) is None
