"""The operator's desk: a lab, the tool run on it, and the runs' journals on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8snet_provision.lab.settings import Lab
from k8snet_provision.run_lock import SECONDS as LOCK_SECONDS
from k8snet_provision.runs.model import Event, events
from tests.hosts.labs import LabCluster
from tests.program import Ran

POLL = 0.01
"""Seconds between two looks into a journal; a step takes at least some hundredths."""

Reached = Callable[[Iterable[Event]], bool]


@dataclass
class Desk:
    """`state` is the state directory; `old` are the runs that were there before the one that is looked at.

    `used`: a cell has worked with the lab.
    """

    cluster: LabCluster
    lab: Lab
    state: Path
    printed: Path
    old: set[Path] = field(default_factory=set)
    used: bool = False

    def write(self, topology: Mapping[str, Any]) -> None:
        network = str(self.lab.settings.network.network_address).rpartition(".")[0]
        self.cluster.topology(json.dumps(topology, indent=1).replace("@NETWORK@", network))

    def start(self) -> subprocess.Popen[str]:
        """apply, in a process of its own; what it prints goes to `printed`."""
        self.old = set(self._runs())
        command = [sys.executable, "-m", "k8snet_provision", "apply", str(self.cluster.inventory), "--yes"]
        with self.printed.open("w") as out:
            return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)

    def _runs(self) -> list[Path]:
        directory = self.state / "k8snet-provision" / "runs"
        return sorted(directory.glob("*T*Z-*")) if directory.is_dir() else []

    def _run(self) -> Path | None:
        """Of this lab: another one's may be under way at the same time."""
        for run in self._runs():
            if run not in self.old and str(self.cluster.inventory) in self._inventory(run):
                return run
        return None

    def _inventory(self, run: Path) -> str:
        begun = next(iter(_events(run)), None)
        return begun.details.get("inventory", "") if begun else ""

    def changes(self) -> list[dict[str, Any]]:
        """The changes of the plan that the run keeps; nothing where it never began."""
        run = self._run()
        return list(json.loads((run / "plan.json").read_text())["plan"]["changes"]) if run else []

    def ended_well(self) -> bool:
        """Whether the run's journal says that it is done, whatever became of its program."""
        run = self._run()
        told = _events(run) if run else ()
        return bool(told) and (told[-1].event, told[-1].text) == ("ended", "done")

    def waits_for(self, reached: Reached, run: subprocess.Popen[str], seconds: float = 300) -> bool:
        """Whether the journal came that far before the run ended."""
        ends = time.monotonic() + seconds
        kept: Path | None = None
        size = 0
        while run.poll() is None and time.monotonic() < ends:
            kept = kept or self._run()
            if kept and (now := _size(kept)) != size:
                size = now
                if reached(_events(kept)):
                    return True
            time.sleep(POLL)
        return False

    def waits_for_api(self, seconds: float = 240) -> None:
        """An apiserver that the run has just started anew, or left for the kubelet to start, gets its time."""
        ends = time.monotonic() + seconds
        ask = "kubectl --request-timeout=5s get --raw /readyz 2>&1 || true"
        while (said := self.cluster.on("cp1", ask).strip()) != "ok":
            assert time.monotonic() < ends, f"the API does not answer: {said}"
            time.sleep(1)

    def differs(self) -> str:
        """Why diff does not say that there is nothing to change. An API that comes back slowly is asked again."""
        for _ in range(5):
            ran = self.cluster.tool("diff")
            if ran.code != 3:
                break
        return "" if ran.code == 0 else str(ran)

    def goes_on(self, *command: str) -> Ran:
        """Another run, once the lock of a dead one has run out."""
        ends = time.monotonic() + 2 * LOCK_SECONDS
        while True:
            ran = self.cluster.tool(*command, timeout=900)
            if "K8N418" not in ran.err or time.monotonic() > ends:
                return ran
            time.sleep(3)


def _size(run: Path) -> int:
    """Bytes of its journal, which only grows."""
    try:
        return (run / "events.jsonl").stat().st_size
    except FileNotFoundError:
        return 0


def _events(run: Path) -> tuple[Event, ...]:
    try:
        return events((run / "events.jsonl").read_bytes())
    except (FileNotFoundError, ValueError):
        return ()
