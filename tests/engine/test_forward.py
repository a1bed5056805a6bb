"""TCP connections that a host opens for us, through a real sshd."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.verification.client import of_host
from k8snet_provision.verification.web import Request, anything, ask
from tests.verification.server import leaf, serving

from .sshd import Sshd, free_port


def test_a_request_goes_through_the_host(sshd: Sshd) -> None:
    with serving() as port, Fleet({"h1": sshd.connection()}) as fleet:
        answer = ask(of_host(fleet, "h1"), "127.0.0.1", port, Request("shop.example.test", "/there"))
    assert (answer.status, answer.body.splitlines()[0]) == (200, "/there")


def test_tls_goes_through_the_host(sshd: Sshd, tmp_path: Path) -> None:
    own = leaf("shop.example.test")
    (tmp_path / "own.pem").write_text(own.key_pem + own.pem)
    with serving(tmp_path / "own.pem") as port, Fleet({"h1": sshd.connection()}) as fleet:
        request = Request("shop.example.test", trust=anything())
        assert ask(of_host(fleet, "h1"), "127.0.0.1", port, request).certificate == own.der


def test_the_end_of_what_is_sent_reaches_the_server(sshd: Sshd) -> None:
    """A megabyte there and back: more than any buffer on the way holds."""
    data = bytes(range(256)) * 4096
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo() -> None:
            connection = listener.accept()[0]
            with connection:
                got = b""
                while part := connection.recv(65536):
                    got += part
                connection.sendall(got)

        thread = threading.Thread(target=echo)
        thread.start()
        with (
            Fleet({"h1": sshd.connection()}) as fleet,
            fleet.dial("h1", "127.0.0.1", listener.getsockname()[1], 5) as sock,
        ):
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(10)
            back = b""
            while part := sock.recv(65536):
                back += part
        thread.join()
    assert back == data


def test_a_refused_connection_is_an_os_error(sshd: Sshd) -> None:
    with Fleet({"h1": sshd.connection()}) as fleet, pytest.raises(OSError, match="connect failed"):
        fleet.dial("h1", "127.0.0.1", free_port(), 5)


def test_a_host_that_is_lost_is_an_os_error(own_sshd: Sshd) -> None:
    connection = own_sshd.connection()
    own_sshd.stop()
    with Fleet({"h1": connection}) as fleet, pytest.raises(OSError, match="refused the connection"):
        fleet.dial("h1", "127.0.0.1", 80, 5)


def test_the_hosts_own_address_is_the_clients(sshd: Sshd) -> None:
    with Fleet({"h1": sshd.connection()}) as fleet:
        assert of_host(fleet, "h1").source("127.0.0.1") == "127.0.0.1"
