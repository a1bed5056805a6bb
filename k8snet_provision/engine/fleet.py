"""All hosts of an inventory, spoken to at once over connections that stay open."""

from __future__ import annotations

import resource
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from types import TracebackType
from typing import Any, TypeVar

import gevent
from gevent.pool import Pool

from k8snet_provision.engine.batch import Deploy, Failed, Progress, deploy_batch
from k8snet_provision.engine.links import Links, SharedLinks
from k8snet_provision.engine.script import CannotReach, Installed, Output, Script, Unreachable
from k8snet_provision.inventory.connection import Connection

__all__ = ["Deploy", "Failed", "Fleet", "Installed", "Output", "Progress", "Script", "Unreachable"]

T = TypeVar("T")

OTHER_FILES = 256  # what the process has open beside its connections, generously


class Fleet:
    """Connections by host name, opened on demand, at most `forks` hosts at a time. A context manager.

    A host that fails is a value in the answer, never an exception; the others go on. `shared` links are also
    those of other fleets, which all have said what they expect of them; without, the connections are this fleet's own.
    """

    def __init__(
        self, connections: Mapping[str, Connection], forks: int = 100, shared: SharedLinks | None = None
    ) -> None:
        self._connections = tuple(connections.values())
        self._shared = shared
        self._own = shared or Links()
        self._links = {name: self._own.link(connection) for name, connection in connections.items()}
        self._forks = forks
        _allow_open_files(self._own.size)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def connect(self, names: Iterable[str]) -> dict[str, Unreachable | None]:
        """Connects; None for a host that answered. Connected hosts stay as they are."""
        return self._each(names, lambda name: self._links[name].open())

    def run(self, scripts: Mapping[str, Script | Installed]) -> dict[str, Output | Unreachable]:
        """Runs each host's script, connecting on demand."""
        return self._each(scripts, lambda name: self._links[name].run(scripts[name]))

    def dial(self, name: str, address: str, port: int, timeout: float) -> socket.socket:
        """A TCP connection opened by a host; raises OSError, also when the host itself is lost."""
        try:
            return self._links[name].dial(address, port, timeout)
        except CannotReach as failure:
            raise ConnectionError(str(failure.unreachable)) from None

    def deploy(
        self,
        batch: Mapping[str, Sequence[Any]],
        deploy: Deploy,
        progress: Progress | None = None,
        mirror: str = "",
    ) -> dict[str, Failed | None]:
        """Runs a pyinfra deploy with each host's changes, on the open connections; None for a host that is done.

        `progress` and `mirror` are those of `deploy_batch`.
        """
        return deploy_batch(self._links, batch, deploy, progress, self._forks, mirror)

    def close(self) -> None:
        """Ends every connection of its own; then the Fleet stays usable: the next call connects again.

        Shared ones are given back, and end with the last fleet that has them.
        """
        if self._shared:
            self._shared.release(self._connections)
        else:
            self._own.close()

    def _each(self, names: Iterable[str], work: Callable[[str], T]) -> dict[str, T | Unreachable]:
        pool = Pool(self._forks)
        try:
            jobs = {name: pool.spawn(self._answer, work, name) for name in names}
            gevent.joinall(list(jobs.values()), raise_error=True)
        finally:
            pool.kill()
        return {name: job.get() for name, job in jobs.items()}

    def _answer(self, work: Callable[[str], T], name: str) -> T | Unreachable:
        try:
            with self._shared.slots if self._shared else nullcontext():
                return work(name)
        except CannotReach as failure:
            return failure.unreachable


def _allow_open_files(connections: int) -> None:
    """A shell's usual limit of 1,024 open files is fewer than the connections to 1,000 hosts need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
