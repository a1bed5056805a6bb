"""Requests from outside: what is sent, what comes back, and which certificates are good enough."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from k8snet_provision.verification import proxy_protocol, web
from k8snet_provision.verification.client import this_machine
from k8snet_provision.verification.web import NoAnswer, Request, anything, only

from .server import Signed, authority, leaf, serving

HOST = "shop.example.test"


def ask(port: int, request: Request) -> web.Answer:
    return web.ask(this_machine(), "127.0.0.1", port, request)


@contextmanager
def hearing(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """The port of a server that takes one connection, keeps what it reads up to an empty line, and answers."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection = listener.accept()[0]
            with connection:
                data = b""
                while b"Connection: close\r\n\r\n" not in data:
                    data += connection.recv(4096)
                heard.append(data)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], heard
        thread.join()


def test_host_path_and_headers_reach_the_server() -> None:
    with serving() as port:
        answer = ask(port, Request(HOST, "/a/b?c=d", {"X-Real-Ip": "192.0.2.66"}))
    assert answer.status == 200
    assert answer.body.startswith("/a/b?c=d\n")
    assert f"Host: {HOST}\n" in answer.body
    assert "X-Real-Ip: 192.0.2.66" in answer.body


def test_a_status_is_an_answer() -> None:
    with serving() as port:
        assert ask(port, Request(HOST, "/missing")).status == 404


def test_the_cookie_is_what_a_browser_sends_back() -> None:
    with serving() as port:
        assert ask(port, Request(HOST)).cookie == "taste=sweet"


def test_a_proxy_line_comes_before_everything_else() -> None:
    line = proxy_protocol.version_1(IPv4Address("192.0.2.66"), IPv4Address("192.0.2.1"), 80)
    with hearing(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, heard):
        assert ask(port, Request(HOST, first=line)).status == 204
    assert heard[0].startswith(b"PROXY TCP4 192.0.2.66 192.0.2.1 40000 80\r\nGET / HTTP/1.1\r\n")


def test_what_is_no_http_is_no_answer() -> None:
    with hearing(b"SSH-2.0-OpenSSH\r\n") as (port, _), pytest.raises(NoAnswer, match=r"SSH-2\.0-OpenSSH"):
        ask(port, Request(HOST))


def test_a_connection_that_is_closed_is_no_answer() -> None:
    with hearing(b"") as (port, _), pytest.raises(NoAnswer, match=r"connection closed without an answer from 127\.0"):
        ask(port, Request(HOST))


def test_a_port_that_nobody_has_is_no_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NoAnswer, match=f"Connection refused from 127.0.0.1:{port}"):
        ask(port, Request(HOST))
    assert not web.opens(this_machine(), "127.0.0.1", port)


def test_a_port_that_somebody_has_opens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert web.opens(this_machine(), "127.0.0.1", listener.getsockname()[1])


@pytest.fixture(scope="module")
def root() -> Signed:
    return authority("root")


@pytest.fixture(scope="module")
def between(root: Signed) -> Signed:
    return authority("between", root)


@contextmanager
def showing(tmp: Path, shown: Signed, *chain: Signed) -> Iterator[int]:
    file = tmp / "shown.pem"
    file.write_text(shown.key_pem + shown.pem + "".join(item.pem for item in chain))
    with serving(file) as port:
        yield port


def test_a_certificate_is_good_with_the_chain_that_leads_to_the_last_one_given(
    tmp_path: Path, root: Signed, between: Signed
) -> None:
    own = leaf(HOST, between)
    with showing(tmp_path, own, between) as port:
        for given in (own.pem + between.pem + root.pem, own.pem + between.pem):
            assert ask(port, Request(HOST, trust=only(given))).certificate == own.der


def test_a_certificate_given_alone_is_good_alone(tmp_path: Path) -> None:
    own = leaf(HOST)
    with showing(tmp_path, own) as port:
        assert ask(port, Request(HOST, trust=only(own.pem))).status == 200


def test_a_chain_that_is_not_shown_is_refused(tmp_path: Path, root: Signed, between: Signed) -> None:
    own = leaf(HOST, between)
    with showing(tmp_path, own) as port, pytest.raises(NoAnswer, match="certificate refused: unable to get local"):
        ask(port, Request(HOST, trust=only(own.pem + between.pem + root.pem)))


def test_another_authoritys_certificate_is_refused(tmp_path: Path, root: Signed) -> None:
    with showing(tmp_path, leaf(HOST)) as port, pytest.raises(NoAnswer, match="certificate refused: self-signed"):
        ask(port, Request(HOST, trust=only(root.pem)))


def test_another_names_certificate_is_refused(tmp_path: Path, root: Signed) -> None:
    with (
        showing(tmp_path, leaf("other.example.test", root)) as port,
        pytest.raises(NoAnswer, match="Hostname mismatch"),
    ):
        ask(port, Request(HOST, trust=only(root.pem)))


def test_an_expired_certificate_is_refused(tmp_path: Path, root: Signed) -> None:
    own = leaf(HOST, root, days=-1)
    with showing(tmp_path, own) as port, pytest.raises(NoAnswer, match="certificate has expired"):
        ask(port, Request(HOST, trust=only(own.pem + root.pem)))


def test_any_certificate_is_read_where_it_does_not_matter(tmp_path: Path) -> None:
    own = leaf("other.example.test", days=-1)
    with showing(tmp_path, own) as port:
        assert ask(port, Request(HOST, trust=anything())).certificate == own.der
