"""Observation: every probe of a host as one script over one connection, decoded."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe, Seen, State, Unknown


@dataclass(frozen=True)
class Observation:
    """What was seen of each host; `unreached` says why for those that gave no answer at all."""

    hosts: Mapping[str, HostSeen]
    unreached: Mapping[str, str]

    def host(self, name: str) -> HostSeen:
        if name in self.hosts:
            return self.hosts[name]
        raise Unknown(name, "host", self.unreached.get(name, "it was not observed"))


class Answer(Protocol):
    """What a fleet returns for a host that ran the script."""

    code: int
    stdout: bytes


def compose(probes: Iterable[Probe], boundary: str) -> str:
    """One POSIX sh script: each probe in a subshell, its output closed by `BOUNDARY index status`.

    The boundary is random for each run, so no file's content can pass for the end of an answer.
    """
    parts = [
        f"( {probe.script}\n) </dev/null 2>/dev/null; printf '\\n{boundary} {index} %d\\n' \"$?\""
        for index, probe in enumerate(probes)
    ]
    return "LC_ALL=C; export LC_ALL\n" + "\n".join(parts) + "\n"


def new_boundary() -> str:
    return secrets.token_hex(16)


def decode(host: str, probes: Iterable[Probe], boundary: str, output: bytes) -> HostSeen:
    """Splits a script's output; a probe without a closing line (host died half way) is unknown."""
    answers: dict[str, Seen] = {}
    rest = output
    for index, probe in enumerate(probes):
        head, found, rest = rest.partition(f"\n{boundary} {index} ".encode())
        if not found:
            answers[probe.key] = Seen(State.UNKNOWN, why="the answer was cut short")
            continue
        status, _, rest = rest.partition(b"\n")
        answers[probe.key] = _seen(int(status), head)
    return HostSeen(host, answers)


def _seen(status: int, data: bytes) -> Seen:
    if status == 0:
        return Seen(State.PRESENT, data)
    if status == ABSENT_CODE:
        return Seen(State.ABSENT)
    why = data.decode("utf-8", "replace").strip()[-500:]
    return Seen(State.UNKNOWN, why=why or f"the probe ended with status {status}")
