"""Links: the connections of one run; where several inventories name a host, it is connected to once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from gevent.lock import BoundedSemaphore

from k8snet_provision.engine.hops import Hops
from k8snet_provision.engine.link import Guest, Link
from k8snet_provision.inventory.connection import Connection


class Links:
    """Of one inventory: each name has its own. They are opened by whoever speaks to the host first."""

    def __init__(self) -> None:
        self.hops = Hops()
        self._links: dict[Connection, Link] = {}

    @property
    def size(self) -> int:
        """Connections that may be open at once."""
        return len(self._links)

    def link(self, connection: Connection) -> Link:
        """Connects to nobody yet."""
        return self._links.setdefault(connection, Link(connection, self.hops))

    def close(self) -> None:
        for link in self._links.values():
            link.close()
        self.hops.close()


class SharedLinks(Links):
    """Of several inventories that are looked at once; at most `forks` hosts are spoken to at a time in all.

    Whoever will ask for connections says so first (`expect`), and gives them back (`release`): each is closed after
    the last one that has it, and not before.
    """

    def __init__(self, forks: int) -> None:
        super().__init__()
        self.slots = BoundedSemaphore(forks)
        self._expected: Counter[Connection] = Counter()

    @property
    def size(self) -> int:
        return len(self._expected)

    def expect(self, connections: Iterable[Connection]) -> None:
        self._expected.update(map(login, connections))

    def link(self, connection: Connection) -> Link:
        key = login(connection)
        known = self._links.setdefault(key, Link(connection, self.hops, once=True))
        return known if known.connection == connection else Guest(connection, known)

    def release(self, connections: Iterable[Connection]) -> None:
        self._expected.subtract(map(login, connections))
        for key in [key for key in self._links if self._expected[key] <= 0]:
            self._links.pop(key).close()


def login(connection: Connection) -> Connection:
    """What makes it the same host and the same login there, whatever it is called and however its key is judged."""
    return replace(connection, name="", known_hosts=None, host_key_checking=True, connect_timeout=0.0)
