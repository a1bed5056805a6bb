"""Programs of the machine that make the lab's parts: each has a time limit and ends when we end."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

# The kernel kills the child when the thread that started it is gone, however that happened.
DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")

# What is mounted in this namespace is gone with its last process, so nothing stays mounted after a crash.
PRIVATE_MOUNTS = ("unshare", "--mount", "--propagation", "private", "--")


class ProgramFailed(Exception):
    """A program ended with another status than 0, ran out of time or was stopped; says which and its last lines."""


class Programs:
    """Runs programs, possibly several at once from different threads; `stop` ends all of them."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def run(
        self,
        command: tuple[str, ...],
        seconds: float,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> str:
        """Run `command` for at most `seconds` and return its standard output. Raises ProgramFailed."""
        variables = {**os.environ, **(environment or {})}
        with self._start(command, variables, directory) as process:
            try:
                output, errors = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise ProgramFailed(f"{' '.join(command)}: did not end within {seconds:.0f} s") from None
            finally:
                self._forget(process)
        if process.returncode:
            last = " / ".join((output + errors).strip().splitlines()[-4:])
            raise ProgramFailed(f"{' '.join(command)}: ended with {process.returncode}: {last}")
        return output

    def _start(
        self, command: tuple[str, ...], variables: Mapping[str, str], directory: Path | None
    ) -> subprocess.Popen[str]:
        with self._lock:
            if self._stopped:
                raise ProgramFailed(f"{command[0]}: not started, because another step failed")
            pipe = subprocess.PIPE
            process = subprocess.Popen(
                (*DIES_WITH_US, *command), stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe,
                text=True, errors="replace", env=variables, cwd=directory,
            )  # fmt: skip
            self._running.add(process)
            return process

    def _forget(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._running.discard(process)

    def stop(self) -> None:
        """Kill what runs and start nothing any more."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                process.kill()
