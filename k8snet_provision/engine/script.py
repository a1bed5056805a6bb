"""What is sent to a host and what comes back, as plain data."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Script:
    """POSIX sh text and what its standard input holds.

    Both travel over the connection's standard input, so neither is limited by the length of an argument
    list nor seen in a process list. `root` asks for the connection's privilege (sudo where the inventory
    says become). `timeout` is in seconds, from sending to the last byte of output.
    """

    text: str
    stdin: bytes = field(default=b"", repr=False)
    root: bool = True
    timeout: float = 30.0
    boundary: str = ""
    """What is new in the text each time; without it the text is what a host may have installed."""


@dataclass(frozen=True)
class Installed:
    """A program that is on the host, run as root without arguments: by sudo without a password, unless root logs in.

    It prints `mark` as its first line. Everything that it is told is its standard input.
    """

    path: str
    stdin: bytes
    mark: str
    timeout: float = 30.0


@dataclass(frozen=True)
class Output:
    """What a script left: exit code (-1 when a signal ended it), exact bytes, duration in seconds."""

    code: int
    stdout: bytes
    stderr: bytes
    seconds: float


@dataclass(frozen=True)
class Unreachable:
    """Why a host gave no answer, in one sentence, and what to do about it."""

    reason: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.reason}; {self.hint}" if self.hint else self.reason


class CannotReach(Exception):
    """Raised between the engine's own modules; a Fleet hands out its `unreachable` instead."""

    def __init__(self, reason: str, hint: str = "") -> None:
        self.unreachable = Unreachable(reason, hint)
        super().__init__(str(self.unreachable))
