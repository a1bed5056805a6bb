"""Hosts behind jump hosts: one connection per hop for all of them, and the same rules on the hop."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision.engine.fleet import Fleet, Output, Script
from k8snet_provision.inventory.connection import Connection, Hop

from .sshd import Sshd, make_key

pytestmark = pytest.mark.programs


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Sshd]:
    server = Sshd(tmp_path / "bastion", ("127.0.11.1",)).start()
    yield server
    server.stop()


def behind(target: Sshd, bastion: Sshd, name: str = "h1", address: str | None = None) -> Connection:
    """A connection to the target through the bastion, trusting both, with one key for both."""
    (bastion.home / "authorized_keys").write_bytes((target.home / "client_key.pub").read_bytes())
    known = bastion.home / "both"
    known.write_text((bastion.home / "known_hosts").read_text() + (target.home / "known_hosts").read_text())
    hop = Hop("root", "127.0.11.1", bastion.port)
    return target.connection(name, address, jump=(hop,), known_hosts=str(known), connect_timeout=5)


def test_many_targets_share_one_connection_to_the_bastion(sshd: Sshd, bastion: Sshd) -> None:
    hosts = {address: behind(sshd, bastion, address, address) for address in sshd.addresses[:20]}
    with Fleet(hosts) as fleet:
        answers = fleet.run({name: Script("echo $SSH_CONNECTION") for name in hosts})
    for name, answer in answers.items():
        assert isinstance(answer, Output), answer
        assert answer.stdout.split()[2].decode() == name
    assert bastion.log().count("Accepted publickey") == 1


def test_two_hops_in_a_row(sshd: Sshd, bastion: Sshd, own_sshd: Sshd) -> None:
    connection = behind(sshd, bastion)
    (own_sshd.home / "authorized_keys").write_bytes((sshd.home / "client_key.pub").read_bytes())
    with Path(str(connection.known_hosts)).open("a") as known:
        known.write((own_sshd.home / "known_hosts").read_text())
    hops = (*connection.jump, Hop("", "127.0.10.1", own_sshd.port))
    connection = sshd.connection(jump=hops, known_hosts=connection.known_hosts)
    with Fleet({"h1": connection}) as fleet:
        answer = fleet.run({"h1": Script("echo $SSH_CONNECTION")})["h1"]
    assert isinstance(answer, Output), answer
    assert "Accepted publickey for root from 127.0.0.1" in bastion.log() + own_sshd.log()
    assert own_sshd.log().count("Accepted publickey") == 1


def test_an_unknown_hop_is_refused_without_a_question(sshd: Sshd, bastion: Sshd) -> None:
    connection = behind(sshd, bastion)
    Path(str(connection.known_hosts)).write_text((sshd.home / "known_hosts").read_text())
    with Fleet({"h1": connection}) as fleet:
        failure = fleet.connect(["h1"])["h1"]
    assert failure is not None
    assert failure.reason.startswith("the jump host does not let us through: the host key of [127.0.11.1]")


def test_a_changed_key_behind_the_bastion_is_refused(own_sshd: Sshd, bastion: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    own_sshd.trust(tmp_path / "other.pub")
    with Fleet({"h1": behind(own_sshd, bastion)}) as fleet:
        failure = fleet.connect(["h1"])["h1"]
    assert failure is not None
    assert "the host key of 127.0.10.1 has changed" in failure.reason


def test_a_target_the_bastion_cannot_reach(sshd: Sshd, bastion: Sshd) -> None:
    with Fleet({"h1": behind(sshd, bastion, address="127.0.9.99")}) as fleet:
        failure = fleet.connect(["h1"])["h1"]
    assert failure is not None
    assert failure.reason == f"the jump host could not connect to h1 (127.0.9.99:{sshd.port}): connect failed"


def test_a_bastion_that_died_is_connected_again(sshd: Sshd, bastion: Sshd) -> None:
    hosts = {address: behind(sshd, bastion, address, address) for address in sshd.addresses[:2]}
    with Fleet(hosts) as fleet:
        fleet.run({name: Script("true") for name in hosts})
        bastion.signal_children(signal.SIGKILL)
        # Whoever speaks to it first learns that it is gone; a busy machine may take a moment to say so.
        for _ in range(20):
            answers = fleet.run({name: Script("echo back") for name in hosts})
            if all(isinstance(answer, Output) for answer in answers.values()):
                break
            time.sleep(0.2)
    assert [isinstance(answer, Output) and answer.stdout for answer in answers.values()] == [b"back\n"] * 2
    assert bastion.log().count("Accepted publickey") == 2
