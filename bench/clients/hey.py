"""Clients outside a lab that keep a name's address for five seconds: the load generator hey, and its own /etc/hosts.

hey is written in Go, whose resolver looks at /etc/hosts again after 5 s. Each of two generators has one of the
addresses in the Ingress status (the same where there is one), so that no client can step over to another address.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision.lab import artifacts
from tests.hosts.labs import LabCluster
from tests.hosts.ways_in import Name, addresses

GENERATORS = 2
WORKERS, PACE = "5", "2"  # of a generator: requests a second of each worker
TIMEOUT = "10"  # seconds of a request
LENGTH = 40  # of the file; rewritten in place and whole, so that nobody reads half of it

ENTER = 'mount --bind "$0" /etc/hosts && exec "$@"'


@dataclass(frozen=True)
class Seen:
    """What the clients saw: answers by status code, errors by text, seconds of the slowest answer."""

    codes: Counter[str]
    errors: Counter[str]
    slowest: float

    @property
    def requests(self) -> int:
        return self.codes.total() + self.errors.total()

    @property
    def failed(self) -> int:
        return self.requests - self.codes["200"]

    def __add__(self, other: Seen) -> Seen:
        return Seen(self.codes + other.codes, self.errors + other.errors, max(self.slowest, other.slowest))


def seen(report: str) -> Seen:
    """Reads the summary; the CSV that hey can write as well has no line for a request without an answer."""
    answers, _, errors = report.partition("Error distribution:")
    slowest = re.search(r"Slowest:\s+([\d.]+)", answers)
    if slowest is None:
        raise ValueError(f"this is no summary of hey: {report!r}")
    codes = Counter({code: int(count) for code, count in re.findall(r"\[(\d+)\]\s+(\d+) responses", answers)})
    texts: Counter[str] = Counter()
    for count, text in re.findall(r"\[(\d+)\]\s+(.+)", errors):
        texts[text] += int(count)
    return Seen(codes, texts, float(slowest[1]))


class Clients(Name):
    """A context manager: 20 requests a second for `url`, whose name follows the Ingress status.

    Every request has a connection of its own. `total` says what was seen, once the body has ended.
    """

    def __init__(self, lab: LabCluster, directory: Path, url: str) -> None:
        super().__init__(lab)
        self._files = [directory / f"hosts-{number}" for number in range(GENERATORS)]
        self._host = url.split("/")[2]
        program = str(artifacts.ensure(lambda _: None).load_generator)
        asked = ["-z", "1h", "-c", WORKERS, "-q", PACE, "-t", TIMEOUT, "-disable-keepalive", url]
        self._command = [program, *asked]
        self._running: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Clients:
        self._wait()
        self._write()
        for file in self._files:
            command = ["unshare", "-m", "sh", "-c", ENTER, str(file), *self._command]
            self._running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
            time.sleep(1 / float(PACE) / GENERATORS)
        super().__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        for process in self._running:
            process.send_signal(signal.SIGINT)
        reports = [process.communicate(timeout=60)[0] for process in self._running]
        super().__exit__(*error)
        self.total = sum((seen(report) for report in reports), Seen(Counter(), Counter(), 0.0))

    def _follow(self) -> None:
        while not self._ended.wait(0.3):
            found = addresses(self._lab) or self.addresses
            if found != self.addresses:
                self.addresses = found
                self._write()

    def _wait(self, limit: float = 120) -> None:
        """An Ingress that was just made has no address yet: its status follows within a minute."""
        ends = time.monotonic() + limit
        while not self.addresses:
            if time.monotonic() > ends:
                raise TimeoutError(f"waited {limit:g} s for an address in the status of the Ingress")
            time.sleep(1)
            self.addresses = addresses(self._lab)

    def _write(self) -> None:
        for number, file in enumerate(self._files):
            text = f"{self.addresses[number % len(self.addresses)]} {self._host}".ljust(LENGTH - 1) + "\n"
            with file.open("r+b" if file.exists() else "wb", buffering=0) as opened:
                opened.write(text.encode())
