"""Run: a plan that was begun, and the events of carrying it out, as JSON lines and back."""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from k8snet_provision.change import Change
from k8snet_provision.saved_plan.model import SavedPlan

ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{4}")


class State(StrEnum):
    UNDER_WAY = "under way"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CUT_SHORT = "cut short"
    """Its program ended without a word: what it was doing may be half done."""
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Event:
    """Something that happened at `at` (UTC, ISO 8601).

    begun (`text` is the verb, `details` who and what), batch, step_started, step_done, step_failed, passed (gates
    too; `seconds` since its batch began), failed, putting_back, put_back, not_put_back, snapshot, hook, ended
    (`text` is a State), rolled_back (`text` is the id of the run that did it, or why there was nothing to do),
    resumed, awaits (`text` is when the first of the hosts in `details` goes back by itself), confirmed (the hosts in
    `details` do not).
    """

    at: str
    event: str
    phase: str = ""
    target: str = ""
    step: str = ""
    text: str = ""
    seconds: float = 0.0
    details: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> bytes:
        """Without what is empty."""
        return (json.dumps({key: value for key, value in asdict(self).items() if value}) + "\n").encode()


@dataclass(frozen=True)
class Run:
    """`load` reads the plan, which is large, when it is asked for; it raises ProblemsFound."""

    id: str
    events: tuple[Event, ...]
    load: Callable[[], SavedPlan] = field(compare=False, repr=False)

    @cached_property
    def saved(self) -> SavedPlan:
        return self.load()

    @property
    def verb(self) -> str:
        """apply, resume, or "rollback of ID"."""
        return self._first.text

    @property
    def details(self) -> Mapping[str, str]:
        """who (user@host), inventory (absolute path), cluster, host, pid, started (of the process), changes."""
        return self._first.details

    @property
    def _first(self) -> Event:
        return self.events[0] if self.events else Event("", "begun")

    @property
    def state(self) -> State:
        """As far as this machine knows: a run of another machine that did not end is CUT_SHORT here; its lock tells."""
        if any(event.event == "rolled_back" for event in self.events):
            return State.ROLLED_BACK
        last = next((event for event in reversed(self.events) if event.event != "confirmed"), None)
        if last and last.event == "ended":
            return State(last.text)
        return State.UNDER_WAY if _is_running(self._process) else State.CUT_SHORT

    @property
    def _process(self) -> Mapping[str, str]:
        """Who carries it out now: whoever began it, or resumed it since."""
        return next((e.details for e in reversed(self.events) if e.event in ("begun", "resumed")), {})

    @property
    def begun(self) -> tuple[tuple[str, str], ...]:
        """(phase, target) of every batch that was begun, in order."""
        return tuple(dict.fromkeys((e.phase, e.target) for e in self.events if e.event == "batch"))

    @property
    def changes(self) -> tuple[Change, ...]:
        """Of what was begun, in the plan's order."""
        begun = set(self.begun)
        return tuple(change for change in self.saved.plan.changes if (change.phase, change.target) in begun)

    @property
    def awaits(self) -> tuple[str, ...]:
        """Hosts that were to go back by themselves and of which this journal does not know that they stay."""
        waits: dict[str, str] = {}
        for event in self.events:
            if event.event == "awaits":
                waits = dict(event.details)
            elif event.event in ("confirmed", "rolled_back"):
                waits = {h: "" for h in waits if event.event == "confirmed" and h not in event.details}
        return tuple(waits)

    @property
    def until(self) -> str:
        """When the first of the hosts that it awaits goes back (UTC, ISO 8601)."""
        return next((e.text for e in reversed(self.events) if e.event == "awaits"), "")

    @property
    def put_back(self) -> frozenset[tuple[str, str]]:
        return frozenset((e.phase, e.target) for e in self.events if e.event == "put_back")

    @property
    def timings(self) -> dict[tuple[str, str], float]:
        """Seconds from the start of a (phase, target)'s batch until its gates had passed.

        Not of what passed in a batch that failed: it was waited for in vain, as long as a gate waits.
        """
        undone = {(e.phase, e.target) for e in self.events if e.event in ("put_back", "not_put_back")}
        passed = {(e.phase, e.target): e.seconds for e in self.events if e.event == "passed"}
        return {batch: seconds for batch, seconds in passed.items() if batch not in undone}


def new_id() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def events(data: bytes) -> tuple[Event, ...]:
    """The events of a journal; a last line that was cut short is what the journal of a killed run may end with.

    Raises ValueError for anything else that is no journal.
    """
    lines = data.split(b"\n")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(Event(**json.loads(line)))
        except (ValueError, TypeError):
            if number == len(lines):
                break
            raise ValueError(f"line {number} is no event") from None
    return tuple(found)


def this_process() -> dict[str, str]:
    """What tells later whether the run's program still runs."""
    return {"host": socket.gethostname(), "pid": str(os.getpid()), "started": _started(os.getpid())}


def _is_running(process: Mapping[str, str]) -> bool:
    if process.get("host") != socket.gethostname() or not process.get("pid", "").isdigit():
        return False
    return bool(process.get("started")) and _started(int(process["pid"])) == process["started"]


def _started(pid: int) -> str:
    """The boot and the clock tick at which a process started: a pid alone is given to others later."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()[19]}"
    except (OSError, IndexError):
        return ""


def newest_first(runs: Sequence[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: run.id, reverse=True)
