"""Opens an authenticated SSH transport, or says in one sentence why that cannot be."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import gevent
import paramiko

from k8snet_provision.engine.host_keys import HostKeyPolicy
from k8snet_provision.engine.login import log_in
from k8snet_provision.engine.script import CannotReach

DEAD_PEER_MS = 20_000  # unacknowledged data older than this ends the connection (tcp(7), TCP_USER_TIMEOUT)
KEEPALIVE_SECONDS = 10  # an idle connection is probed this often, and given up after DEAD_PEER_MS

# paramiko and pyinfra report failures to their loggers and raise them too; the exceptions are what is told.
for _name in ("paramiko", "pyinfra"):
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


@dataclass(frozen=True)
class Endpoint:
    """One SSH server and the login there. Seconds of `timeout` bound each phase: TCP, handshake, login."""

    label: str
    address: str
    port: int
    user: str
    key_file: str | None
    password: str | None = field(repr=False)
    host_keys: HostKeyPolicy
    timeout: float

    @property
    def where(self) -> str:
        """How a message names it: the inventory's name and, where it differs, the address."""
        address = f"{self.address}:{self.port}" if self.port != 22 else self.address
        return self.label if self.label == address else f"{self.label} ({address})"


class SSHTransport(paramiko.Transport):
    """paramiko's transport, waking an idle connection once a second instead of ten times."""

    _active_check_timeout = 1.0


def open_transport(endpoint: Endpoint, through: paramiko.Transport | None) -> paramiko.Transport:
    """Connects, checks the host key, logs in; raises CannotReach. `through` is the last hop's transport."""
    with _phase(endpoint, "a connection"):
        sock = _direct(endpoint) if through is None else _tunnel(endpoint, through)
    transport = SSHTransport(sock)
    try:
        with _phase(endpoint, "the SSH handshake"):
            _handshake(transport, endpoint)
        endpoint.host_keys.check(endpoint.address, endpoint.port, transport.get_remote_server_key())
        with _phase(endpoint, "the login"):
            log_in(transport, endpoint.user, endpoint.where, endpoint.key_file, endpoint.password)
    except BaseException:
        hang_up(transport)
        raise
    return transport


def hang_up(transport: paramiko.Transport) -> None:
    """Closes a transport; one that is tunnelled through a dead hop cannot even say goodbye."""
    with suppress(OSError, EOFError, paramiko.SSHException):
        transport.close()


@contextmanager
def _phase(endpoint: Endpoint, awaited: str) -> Iterator[None]:
    """Bounds one phase and turns everything that can go wrong in it into CannotReach."""
    timer = gevent.Timeout(endpoint.timeout)
    try:
        with timer:
            yield
    except gevent.Timeout as expired:
        if expired is not timer:
            raise
        raise _timed_out(endpoint, awaited) from None
    except socket.gaierror as error:
        raise CannotReach(
            f"the address of {endpoint.where} cannot be resolved: {error.strerror}",
            "set ansible_host to an address, or add the name to DNS",
        ) from None
    except ConnectionRefusedError:
        raise CannotReach(
            f"{endpoint.where} refused the connection on port {endpoint.port}",
            "is sshd running there, on this port (ansible_port)?",
        ) from None
    except TimeoutError:
        raise _timed_out(endpoint, awaited) from None
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise CannotReach(f"{awaited} to {endpoint.where} failed: {_told(error)}") from None


def _timed_out(endpoint: Endpoint, awaited: str) -> CannotReach:
    return CannotReach(
        f"no answer from {endpoint.where} within {endpoint.timeout:g} s, waiting for {awaited}",
        "is the host up, and does a firewall let SSH through?",
    )


def _told(error: BaseException) -> str:
    """An exception's own words; EOFError and some of paramiko's have none."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).strip().splitlines()[0] if str(error).strip() else "the other side closed the connection"


def _direct(endpoint: Endpoint) -> socket.socket:
    sock = socket.create_connection((endpoint.address, endpoint.port), endpoint.timeout)
    # Without NODELAY one command on loopback takes 44 ms instead of 3 ms.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAD_PEER_MS)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_SECONDS)
    return sock


def _tunnel(endpoint: Endpoint, through: paramiko.Transport) -> paramiko.Channel:
    try:
        return through.open_channel(
            "direct-tcpip", (endpoint.address, endpoint.port), ("127.0.0.1", 0), timeout=endpoint.timeout
        )
    except paramiko.ChannelException as refused:
        raise CannotReach(
            f"the jump host could not connect to {endpoint.where}: {refused.text.lower()}",
            "is the host up, does its sshd listen there, and does the jump host allow TCP forwarding?",
        ) from None


def _handshake(transport: paramiko.Transport, endpoint: Endpoint) -> None:
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = endpoint.timeout
    endpoint.host_keys.prefer(transport, endpoint.address, endpoint.port)
    transport.start_client(timeout=endpoint.timeout)
    transport.set_keepalive(KEEPALIVE_SECONDS)
