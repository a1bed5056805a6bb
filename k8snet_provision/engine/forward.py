"""TCP connections that a host opens for us, through the SSH connection to it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
import paramiko

CHUNK = 65536


def forward(transport: paramiko.Transport, address: str, port: int, timeout: float) -> socket.socket:
    """A connection from the host to address:port as an ordinary socket; raises OSError with the reason.

    TLS wants a real socket, which a channel is not: so one end of a pair is handed out, and what goes in and
    out of the other end is carried over the channel. `timeout`: seconds until it is connected.
    """
    try:
        channel = transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=timeout)
    except paramiko.ChannelException as refused:
        raise ConnectionRefusedError(refused.text.lower()) from None
    except (paramiko.SSHException, EOFError) as error:
        if transport.is_active():
            raise TimeoutError(f"no connection within {timeout:g} s") from None
        raise OSError(f"the SSH connection was lost: {error}") from None
    near, far = socket.socketpair()
    gevent.spawn(_join, far, channel)
    return near


def _join(far: socket.socket, channel: paramiko.Channel) -> None:
    """Until both sides have ended what they send."""
    back = gevent.spawn(_carry, channel, far, lambda: far.shutdown(socket.SHUT_WR))
    _carry(far, channel, channel.shutdown_write)
    back.join()
    with suppress(OSError, EOFError, paramiko.SSHException):
        channel.close()
    far.close()


def _carry(source: Any, target: Any, end: Callable[[], None]) -> None:
    """One way: the end of what comes is passed on; whoever cannot take it any more gets no more."""
    with suppress(OSError, EOFError, paramiko.SSHException):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError, EOFError, paramiko.SSHException):
        end()
