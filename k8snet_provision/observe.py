"""Observation: every probe of a host as one script over one connection, decoded."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from k8snet_provision.resources import files_at_once, values_at_once
from k8snet_provision.resources.files_at_once import Numbered
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
    numbered = dict(enumerate(probes))
    parts = {
        index: f"( {probe.script}\n) </dev/null 2>/dev/null; printf '\\n{boundary} {index} %d\\n' \"$?\""
        for index, probe in numbered.items()
    }
    files, values = _together(numbered)
    script = files_at_once.compose(files, boundary, parts) if files else ""
    script += values_at_once.compose(values, boundary, parts) if values else ""
    script += "".join(f"{part}\n" for index, part in parts.items() if index not in files | values)
    return f"LC_ALL=C; export LC_ALL\n{script}"


def _together(numbered: Numbered) -> tuple[Numbered, Numbered]:
    """The probes that answer together with others of their kind: files, kernel parameters."""
    files = {index: probe for index, probe in numbered.items() if probe.path}
    return files, {index: probe for index, probe in numbered.items() if probe.parameter}


def new_boundary() -> str:
    return secrets.token_hex(16)


def decode(host: str, probes: Iterable[Probe], boundary: str, output: bytes) -> HostSeen:
    """Splits a script's output; a probe without a closing line (host died half way) is unknown."""
    numbered = dict(enumerate(probes))
    files, values = _together(numbered)
    seen: dict[int, Seen] = {}
    if files:
        refused, _, sent = output.partition(f"\n{boundary} files".encode())
        seen |= files_at_once.decode(files, boundary, sent)
        seen |= _answers([index for index in files if index not in seen], boundary, refused)
        output = sent.partition(f"\n{boundary} end ".encode())[2].partition(b"\n")[2]
    if values:
        refused, _, sent = output.partition(f"\n{boundary} values\n".encode())
        seen |= values_at_once.decode(values, boundary, sent)
        seen |= _answers([index for index in values if index not in seen], boundary, refused)
        output = sent.partition(f"{boundary} end values\n".encode())[2]
    seen |= _answers([index for index in numbered if index not in files | values], boundary, output)
    return HostSeen(host, {probe.key: seen[index] for index, probe in numbered.items()})


def _answers(indexes: Iterable[int], boundary: str, output: bytes) -> dict[int, Seen]:
    """The answers of probes that ran one after another, in this order."""
    answers: dict[int, Seen] = {}
    for index in indexes:
        head, found, rest = output.partition(f"\n{boundary} {index} ".encode())
        if not found:
            answers[index] = Seen(State.UNKNOWN, why="the answer was cut short")
            continue
        status, _, output = rest.partition(b"\n")
        answers[index] = _seen(int(status), head)
    return answers


def _seen(status: int, data: bytes) -> Seen:
    if status == 0:
        return Seen(State.PRESENT, data)
    if status == ABSENT_CODE:
        return Seen(State.ABSENT)
    said = data.decode("utf-8", "replace").strip().splitlines()  # the reason is the last of what a probe says
    return Seen(State.UNKNOWN, why=said[-1][-500:] if said else f"the probe ended with status {status}")
