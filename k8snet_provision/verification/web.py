"""One HTTP request over a connection of its own, with all that a check wants to set or see."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from types import MappingProxyType

from k8snet_provision.verification.client import Client

SECONDS = 5.0
"""For connecting, and again for each part of the answer."""
LONGEST = 65536


@dataclass(frozen=True)
class Door:
    """Where a client knocks: an address with its ports."""

    name: str
    address: str
    http: int = 80
    https: int = 443


@dataclass(frozen=True)
class Request:
    """`first` is sent before everything else, where a PROXY line belongs. `trust`: HTTPS, checked against it."""

    host: str
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict)
    first: bytes = b""
    trust: ssl.SSLContext | None = None


@dataclass(frozen=True)
class Answer:
    """Header names are in lower case; of several with one name the last. `certificate`: DER, over TLS."""

    status: int
    headers: Mapping[str, str]
    body: str
    certificate: bytes = b""

    @property
    def cookie(self) -> str:
        """What a browser would send back: name=value, empty without one."""
        return self.headers.get("set-cookie", "").partition(";")[0]


class NoAnswer(Exception):
    """The request came to nothing; the text says how."""


def ask(client: Client, address: str, port: int, request: Request) -> Answer:
    """GET. Raises NoAnswer; a certificate that `trust` does not accept is one of its reasons."""
    try:
        with closing(client.dial(address, port, SECONDS)) as sock:
            sock.settimeout(SECONDS)
            sock.sendall(request.first)
            if request.trust is None:
                return _exchange(sock, request)
            with request.trust.wrap_socket(sock, server_hostname=request.host) as secure:
                return _exchange(secure, request)
    except (OSError, EOFError, http.client.HTTPException) as error:
        raise NoAnswer(f"{_told(error)} from {address}:{port}") from None


def get(client: Client, door: Door, request: Request) -> Answer:
    """`ask` at the door's port for the request's scheme."""
    return ask(client, door.address, door.https if request.trust else door.http, request)


def opens(client: Client, address: str, port: int, seconds: float = 1.5) -> bool:
    """Whether a connection comes about. A firewall that drops, and policy Local's, is seen by the time-out."""
    try:
        client.dial(address, port, seconds).close()
    except OSError:
        return False
    return True


def anything() -> ssl.SSLContext:
    """Trusts every certificate: for questions that are not about certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def only(pem: str) -> ssl.SSLContext:
    """Trusts the last certificate of a chain alone, so that the server must show all that lead to it.

    Raises ssl.SSLError for text that holds no certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=pem[pem.rfind("-----BEGIN CERTIFICATE") :])
    return context


def _exchange(sock: socket.socket, request: Request) -> Answer:
    certificate = sock.getpeercert(binary_form=True) if isinstance(sock, ssl.SSLSocket) else None
    connection = http.client.HTTPConnection(request.host)
    connection.sock = sock
    connection.putrequest("GET", request.path, skip_accept_encoding=True)
    for name, value in {"Connection": "close", **request.headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read(LONGEST).decode("utf-8", "replace")
    headers = MappingProxyType({name.lower(): value for name, value in answer.getheaders()})
    return Answer(answer.status, headers, body, certificate or b"")


def _told(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.RemoteDisconnected | EOFError):
        return "connection closed without an answer"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate refused: {error.verify_message}"
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__
