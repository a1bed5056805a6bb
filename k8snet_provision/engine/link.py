"""One host's connection: opened on demand, reused by everything that speaks to the host."""

from __future__ import annotations

import socket

import paramiko
from gevent.lock import BoundedSemaphore, RLock

from k8snet_provision.engine.channel import Lost, execute
from k8snet_provision.engine.forward import forward
from k8snet_provision.engine.hops import Hops
from k8snet_provision.engine.host_keys import HostKeyPolicy
from k8snet_provision.engine.privilege import (
    Framed,
    frame,
    frame_installed,
    needs_sudo,
    never_started,
    not_installed,
    probe,
    refusal,
)
from k8snet_provision.engine.script import CannotReach, Installed, Output, Script
from k8snet_provision.engine.transport import Endpoint, hang_up, open_transport
from k8snet_provision.inventory.connection import Connection

CHANNELS = 9
"""Scripts at once on one connection; sshd takes ten (MaxSessions), and one that was just closed may still count."""


class Link:
    """A host's transport and privilege. Every method raises CannotReach, and nothing else, for a host's fault.

    `once`: a host that could not be reached is not tried again, which is asked of one look by several inventories.
    """

    def __init__(self, connection: Connection, hops: Hops, *, once: bool = False) -> None:
        self.connection = connection
        self._hops = hops
        self._once = once
        self._lock = RLock()
        self._channels = BoundedSemaphore(CHANNELS)
        self._transport: paramiko.Transport | None = None
        self._failed: CannotReach | None = None

    def open(self) -> None:
        """Connects, unless connected; proves that sudo works where root goes through it."""
        with self._lock:
            if self._transport is not None and self._transport.is_active():
                return
            if self._failed and self._once:
                raise self._failed
            try:
                self._connect()
            except CannotReach as failure:
                self._failed = failure
                raise

    def _connect(self) -> None:
        self._transport = open_transport(self._endpoint(), self._hops.last(self.connection))
        try:
            self._prove_privilege()
        except CannotReach:
            self.close()
            raise

    def run(self, script: Script | Installed) -> Output:
        """Runs a script. After a time-out the connection is closed; the next script opens a new one."""
        with self._channels:
            self.open()
            if isinstance(script, Installed):
                framed, missing = frame_installed(script, self.connection), not_installed
            else:
                framed, missing = frame(script, self.connection), never_started
            answer = self._execute(framed, script.timeout)
        output = framed.unwrap(answer)
        if output is None:
            raise missing(self.connection, answer)
        return output

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        """A TCP connection opened by the host; raises OSError where it cannot connect. `timeout` is in seconds."""
        self.open()
        assert self._transport is not None
        return forward(self._transport, address, port, timeout)

    def host_key(self) -> paramiko.PKey:
        """The key that the host has shown; connects for it."""
        self.open()
        assert self._transport is not None
        return self._transport.get_remote_server_key()

    def close(self) -> None:
        """Ends the connection; a script that still runs on it is reported as lost."""
        transport, self._transport = self._transport, None
        if transport is not None:
            hang_up(transport)

    def _prove_privilege(self) -> None:
        if needs_sudo(self.connection):
            answer = self._execute(probe(self.connection), self.connection.connect_timeout)
            refused = refusal(self.connection, answer)
            if refused is not None:
                raise refused

    def _execute(self, framed: Framed, timeout: float) -> Output:
        assert self._transport is not None
        try:
            return execute(self._transport, framed.command, framed.stdin, timeout)
        except Lost as lost:
            self.close()
            raise CannotReach(
                f"{self.connection.name} {lost}",
                "what was sent may still be running there; look at the host before trying again",
            ) from None

    def _endpoint(self) -> Endpoint:
        c, policy = self.connection, host_key_policy(self.connection)
        return Endpoint(c.name, c.address, c.port, c.user, c.key_file, c.password, policy, c.connect_timeout)


class Guest(Link):
    """Another inventory's name for a host that is spoken to already: the same login, judged by its own known_hosts."""

    def __init__(self, connection: Connection, host: Link) -> None:
        self.connection = connection
        self._host = host

    def open(self) -> None:
        key, c = self._host.host_key(), self.connection
        host_key_policy(c).check(c.address, c.port, key)

    def run(self, script: Script | Installed) -> Output:
        self.open()
        return self._host.run(script)

    def dial(self, address: str, port: int, timeout: float) -> socket.socket:
        self.open()
        return self._host.dial(address, port, timeout)

    def close(self) -> None:
        """The connection is the host's, and others may still speak to it."""


def host_key_policy(connection: Connection) -> HostKeyPolicy:
    return HostKeyPolicy(connection.known_hosts, connection.host_key_checking)
