"""What keeps a host from being reached is said in one sentence, with what to do."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from k8snet_provision.engine.fleet import Fleet, Unreachable
from k8snet_provision.inventory.connection import Connection

from .sshd import Sshd, make_key

pytestmark = pytest.mark.programs


def refusal(connection: Connection) -> Unreachable:
    with Fleet({connection.name: connection}) as fleet:
        answer = fleet.connect([connection.name])[connection.name]
    assert answer is not None
    assert "\n" not in str(answer)
    return answer


def test_a_changed_host_key_names_file_and_line(own_sshd: Sshd, tmp_path: Path) -> None:
    make_key(tmp_path / "other")
    own_sshd.trust(tmp_path / "other.pub")
    answer = refusal(own_sshd.connection())
    assert "has changed" in answer.reason
    assert f"{own_sshd.home}/known_hosts:2 has ssh-ed25519 SHA256:" in answer.reason
    assert f"-R '[127.0.10.1]:{own_sshd.port}'" in answer.hint


def test_an_unknown_host_key_is_refused_with_its_fingerprint(own_sshd: Sshd) -> None:
    (own_sshd.home / "known_hosts").write_text("")
    answer = refusal(own_sshd.connection())
    assert f"not in {own_sshd.home}/known_hosts" in answer.reason
    assert "ssh-ed25519 SHA256:" in answer.reason


@pytest.mark.parametrize("known_hosts", [None, "/nonexistent/known_hosts"])
def test_without_known_hosts_nobody_is_trusted(sshd: Sshd, known_hosts: str | None) -> None:
    assert "host key" in refusal(sshd.connection(known_hosts=known_hosts)).reason


def test_host_key_checking_is_off_only_where_the_inventory_says_so(sshd: Sshd) -> None:
    connection = sshd.connection(known_hosts=None, host_key_checking=False)
    with Fleet({"h1": connection}) as fleet:
        assert fleet.connect(["h1"]) == {"h1": None}


def test_a_wrong_key_says_what_was_offered_and_what_is_allowed(sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "wrong")
    answer = refusal(sshd.connection(key_file=str(key)))
    assert "refused the login of root" in answer.reason
    assert f"the key {key}" in answer.reason


def test_a_key_with_a_passphrase_is_not_asked_for(sshd: Sshd, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", passphrase="secret")
    answer = refusal(sshd.connection(key_file=str(key)))
    assert "has a passphrase" in answer.reason
    assert answer.hint == f"run: ssh-add {key}"


def test_a_missing_key_file_is_named(sshd: Sshd) -> None:
    answer = refusal(sshd.connection(key_file="/nonexistent/key"))
    assert answer.reason == "cannot read the SSH key /nonexistent/key: No such file or directory"


def test_a_public_key_is_no_private_key(sshd: Sshd) -> None:
    answer = refusal(sshd.connection(key_file=str(sshd.home / "client_key.pub")))
    assert "is no private SSH key" in answer.reason


def test_a_name_that_does_not_resolve(sshd: Sshd) -> None:
    answer = refusal(sshd.connection(address="no-such-host.invalid"))
    assert "cannot be resolved" in answer.reason


def test_a_host_that_never_answers_times_out_in_the_phase_it_hangs() -> None:
    with socket.create_server(("127.0.10.9", 0)) as silent:
        port = silent.getsockname()[1]
        connection = Connection("silent", "127.0.10.9", port, connect_timeout=3, key_file="/dev/null")
        answer = refusal(connection)
    assert "within 3 s, waiting for the SSH handshake" in answer.reason


def test_something_that_is_not_ssh_is_recognised() -> None:
    with socket.create_server(("127.0.10.9", 0)) as server:
        import gevent

        def greet() -> None:
            peer, _ = server.accept()
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            peer.close()

        gevent.spawn(greet)
        answer = refusal(Connection("web", "127.0.10.9", server.getsockname()[1], connect_timeout=2))
    assert "the SSH handshake to web" in answer.reason
