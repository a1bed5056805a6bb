"""`watch` on a lab."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.hosts.labs import LabCluster


class Watch:
    """`watch` under way, and what it has printed so far."""

    def __init__(self, cluster: LabCluster, printed: Path, *options: str) -> None:
        command = [sys.executable, "-m", "k8snet_provision", "watch", str(cluster.inventory), "--every", "1s", *options]
        self._printed = printed
        with printed.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)

    @property
    def said(self) -> list[str]:
        return self._printed.read_text().splitlines()

    def waits_for(self, what: Callable[[str], bool], after: int = 0) -> int:
        """The number of lines up to one that is so; fails the test when it does not come."""
        ends = time.monotonic() + 60
        while not (found := [number for number, line in enumerate(self.said) if number >= after and what(line)]):
            assert time.monotonic() < ends and self.process.poll() is None, self.said
            time.sleep(0.1)
        return found[0] + 1

    def ends(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)
