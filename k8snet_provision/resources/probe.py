"""Probe and Seen: a question to a host, and its answer in three states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ABSENT_CODE = 4
"""Exit status by which a probe's script says "not there"; 0 says "there", anything else "could not look"."""


class State(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Probe:
    """`script` is POSIX sh, run as root in a subshell without input; its stdout is the answer.

    On an exit status other than 0 and ABSENT_CODE its stdout is the reason why it could not look. `path` is set
    where the answer is that of one file, `parameter` where it is the text of one file under /proc/sys: `observe`
    sends those of a kind together.
    """

    key: str
    script: str
    path: str = ""
    parameter: str = ""


@dataclass(frozen=True)
class Seen:
    state: State
    data: bytes = b""
    why: str = ""


class Unknown(Exception):
    """Something needed could not be observed. Never a difference, never "in sync": the result is incomplete."""

    def __init__(self, target: str, what: str, why: str) -> None:
        self.target, self.what, self.why = target, what, why
        super().__init__(f"{target}: {what} is unknown: {why}")


@dataclass(frozen=True)
class HostSeen:
    """The answers of one host, by probe key."""

    host: str
    answers: Mapping[str, Seen]

    def data(self, probe: Probe | str) -> bytes | None:
        """The answer's bytes, None when absent; raises Unknown when it could not be looked at."""
        key = probe if isinstance(probe, str) else probe.key
        seen = self.answers.get(key)
        if seen is None:
            raise Unknown(self.host, key, "it was not asked for")
        if seen.state is State.UNKNOWN:
            raise Unknown(self.host, key, seen.why or "no reason given")
        return seen.data if seen.state is State.PRESENT else None

    def text(self, probe: Probe | str) -> str | None:
        data = self.data(probe)
        return None if data is None else data.decode("utf-8", "replace")
