"""Live progress of a roll-out on stderr: a moving line at a terminal, nothing but results elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType

from rich.console import Console
from rich.status import Status
from rich.text import Text

from k8snet_provision.reports.lines import in_one_line, line


class ConsoleProgress:
    """Implements rollout.Progress. At a terminal the current step moves and vanishes; results stay."""

    def __init__(self, err: Console, quiet: bool = False, verbose: bool = False) -> None:
        self._err = err
        self._quiet = quiet
        self._verbose = verbose
        self._status: Status | None = None
        self._started = time.monotonic()

    def __enter__(self) -> ConsoleProgress:
        if self._err.is_terminal and not self._quiet:
            self._status = self._err.status(Text("connecting"))
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.pause()

    def pause(self) -> None:
        """Takes the moving line away, for a question or a report."""
        if self._status:
            self._status.stop()

    def resume(self) -> None:
        if self._status:
            self._status.start()

    def step(self, text: str) -> None:
        if self._verbose:
            self._say(text, "dim")
        elif self._status:
            with suppress(OSError):
                self._status.update(Text(text))

    def phase(self, phase: str, changes: int) -> None:
        self.step(f"{phase}: {changes} changes")

    def batch(self, phase: str, targets: Sequence[str]) -> None:
        self.step(f"{phase}: {', '.join(targets)}")

    def waiting(self, phase: str, what: str, targets: Sequence[str]) -> None:
        self.step(f"{phase}: {', '.join(targets)}: waiting for {what}")

    def pausing(self, phase: str, seconds: float) -> None:
        self.step(f"{phase}: pausing {seconds:g} s")

    def passed(self, phase: str, target: str, seconds: float) -> None:
        self._say(f"ok      {phase:<16} {target:<12} {seconds:5.1f} s", "green")

    def failed(self, phase: str, target: str, why: str) -> None:
        self._say(f"FAILED  {phase:<16} {target:<12} {in_one_line(why)}", "red")

    def putting_back(self, phase: str, targets: Sequence[str]) -> None:
        self._say(f"putting back {phase} on {', '.join(targets)}", "yellow")

    def interrupted(self) -> None:
        self._say("interrupted: finishing the batch in hand, then stopping; once more to stop at once", "yellow")

    def said(self, line: str) -> None:
        self._say(f"  {line}", "dim")

    def _say(self, text: str, style: str) -> None:
        """A reader that has gone (`| head`, a closed terminal) must not end a roll-out in the middle."""
        if self._quiet:
            return
        try:
            line(self._err, text, style)
        except (OSError, SystemExit):  # rich ends the program when a pipe is closed
            self._quiet = True
