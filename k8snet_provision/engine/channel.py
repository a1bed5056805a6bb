"""Runs one command on a transport: exact bytes in, exact bytes out, bounded in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import gevent
import paramiko

from k8snet_provision.engine.script import Output

CHUNK = 65536


class Lost(Exception):
    """The connection ended, or gave no answer in time, while a command ran. The text says which."""


def execute(transport: paramiko.Transport, command: str, stdin: bytes, timeout: float) -> Output:
    """Runs `command` through the login shell; raises Lost. `timeout` is in seconds, for all of it."""
    started = time.monotonic()
    timer = gevent.Timeout(timeout)
    try:
        with timer:
            code, stdout, stderr = _converse(transport, command, stdin)
    except gevent.Timeout as expired:
        if expired is not timer:
            raise
        raise Lost(f"did not finish within {timeout:g} s") from None
    except (EOFError, OSError, paramiko.SSHException):
        raise Lost("closed the connection before the command could run") from None
    seconds = time.monotonic() - started
    if code == -1 and not transport.is_active():
        raise Lost(f"closed the connection after {seconds:.1f} s, while the command was running")
    return Output(code, stdout, stderr, seconds)


def _converse(transport: paramiko.Transport, command: str, stdin: bytes) -> tuple[int, bytes, bytes]:
    channel = transport.open_session()
    # Both outputs and the input move at once: a remote side that fills one window never blocks another.
    sender = gevent.spawn(_send, channel, stdin)
    errors = gevent.spawn(_drain, channel.recv_stderr)
    try:
        channel.exec_command(command)
        stdout = _drain(channel.recv)
        stderr: bytes = errors.get()
        code = channel.recv_exit_status()
        # Closed, not killed: a sender stopped within a packet would spoil the connection for the next command.
        channel.close()
        sender.join()
        return code, stdout, stderr
    except BaseException:  # the connection is given up
        gevent.killall([sender, errors])
        raise


def _drain(receive: Callable[[int], bytes]) -> bytes:
    parts = []
    while part := receive(CHUNK):
        parts.append(part)
    return b"".join(parts)


def _send(channel: paramiko.Channel, data: bytes) -> None:
    """A command may end without reading its input; what is left unread is no failure."""
    with suppress(OSError, EOFError):
        channel.sendall(data)
        channel.shutdown_write()
