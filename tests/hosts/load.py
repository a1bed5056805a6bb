"""Requests at a steady rate from this machine, each over a connection of its own, and connections that stay open."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Answers:
    """Seconds since the load began and how each request ended: "ok", or what went wrong."""

    requests: list[tuple[float, float, str]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """What went wrong on connections that stay open."""

    @property
    def failures(self) -> Counter[str]:
        return Counter(how for _, _, how in self.requests if how != "ok") + Counter(self.kept)

    @property
    def slowest(self) -> float:
        return max((took for _, took, how in self.requests if how == "ok"), default=0.0)

    @property
    def outage(self) -> float:
        """Seconds between the last good request begun before a failure and the first good one begun after it."""
        begun = sorted(self.requests)
        bad = [index for index, (_, _, how) in enumerate(begun) if how != "ok"]
        if not bad:
            return 0.0
        first, last = begun[max(0, bad[0] - 1)], begun[min(len(begun) - 1, bad[-1] + 1)]
        return last[0] - first[0]

    def __str__(self) -> str:
        ended = f"{len(self.requests)} requests, failed: {dict(self.failures) or 0}"
        return f"{ended}, slowest {self.slowest:.2f} s, outage {self.outage:.2f} s"


class Load:
    """A context manager: load while its body runs. `rate` is requests a second, `timeout` seconds for each, `kept`
    how many connections stay open; each asks for `path`."""

    def __init__(
        self, address: str, port: int = 80, *, path: str = "/", rate: float = 50, timeout: float = 2, kept: int = 0
    ) -> None:
        self.answers = Answers()
        self._request = f"GET {path} HTTP/1.1\r\nHost: load.test\r\n\r\n".encode()
        self._place, self._rate, self._timeout = (address, port), rate, timeout
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._keep) for _ in range(kept)]
        self._pace = threading.Thread(target=self._go)
        self._began = time.monotonic()

    def __enter__(self) -> Answers:
        for thread in (*self._threads, self._pace):
            thread.start()
        return self.answers

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._pace.join()
        for thread in self._threads:
            thread.join()

    def _go(self) -> None:
        number = 0
        while not self._ended.is_set():
            thread = threading.Thread(target=self._one)
            thread.start()
            self._threads.append(thread)
            number += 1
            self._ended.wait(max(0.0, self._began + number / self._rate - time.monotonic()))

    def _one(self) -> None:
        begun = time.monotonic()
        try:
            with socket.create_connection(self._place, self._timeout) as connection:
                how = "ok" if self._ask(connection, begun) else "no 200"
        except TimeoutError:
            how = "timeout"
        except OSError as error:
            how = type(error).__name__
        self.answers.requests.append((begun - self._began, time.monotonic() - begun, how))

    def _ask(self, connection: socket.socket, begun: float) -> bool:
        connection.settimeout(max(0.05, self._timeout - (time.monotonic() - begun)))
        connection.sendall(self._request)
        return connection.recv(65536).startswith(b"HTTP/1.1 200")

    def _keep(self) -> None:
        """Asks over the same connection again and again."""
        try:
            with socket.create_connection(self._place, self._timeout) as connection:
                while not self._ended.wait(0.3):
                    if not self._ask(connection, time.monotonic()):
                        self.answers.kept.append("kept connection: no 200")
                        return
        except OSError as error:
            self.answers.kept.append(f"kept connection: {type(error).__name__}")
