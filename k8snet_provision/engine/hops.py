"""Jump hosts: one transport per hop, shared by every target behind it."""

from __future__ import annotations

import paramiko
from gevent.lock import BoundedSemaphore

from k8snet_provision.engine.host_keys import HostKeyPolicy
from k8snet_provision.engine.script import CannotReach
from k8snet_provision.engine.transport import Endpoint, hang_up, open_transport
from k8snet_provision.inventory.connection import Connection, Hop

Route = tuple[Endpoint, ...]


class Hops:
    """Open transports of the jump hosts, keyed by the way to them."""

    def __init__(self) -> None:
        self._open: dict[Route, paramiko.Transport] = {}
        self._locks: dict[Route, BoundedSemaphore] = {}

    def last(self, connection: Connection) -> paramiko.Transport | None:
        """The transport of the last hop before the target, None without a jump; raises CannotReach."""
        route = tuple(_endpoint(hop, connection) for hop in connection.jump)
        return self._transport(route) if route else None

    def _transport(self, route: Route) -> paramiko.Transport:
        with self._locks.setdefault(route, BoundedSemaphore()):
            transport = self._open.get(route)
            if transport is None or not transport.is_active():
                before = self._transport(route[:-1]) if route[:-1] else None
                transport = self._open[route] = _open(route[-1], before)
            return transport

    def close(self) -> None:
        """Closes every hop; targets behind them are closed before by their owner."""
        for transport in self._open.values():
            hang_up(transport)
        self._open.clear()


def _open(hop: Endpoint, before: paramiko.Transport | None) -> paramiko.Transport:
    try:
        return open_transport(hop, before)
    except CannotReach as failure:
        reason = f"the jump host does not let us through: {failure.unreachable.reason}"
        raise CannotReach(reason, failure.unreachable.hint) from None


def _endpoint(hop: Hop, connection: Connection) -> Endpoint:
    """The hop is held to the target's own host-key policy and key; the target's password is not shown to it."""
    return Endpoint(
        label=hop.host,
        address=hop.host,
        port=hop.port,
        user=hop.user or connection.user,
        key_file=connection.key_file,
        password=None,
        host_keys=HostKeyPolicy(connection.known_hosts, connection.host_key_checking),
        timeout=connection.connect_timeout,
    )
