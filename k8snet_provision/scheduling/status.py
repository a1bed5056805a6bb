"""What the looks of an inventory came to, and when the next one is due. Asks this machine only."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from k8snet_provision.drift import memory, memory_file
from k8snet_provision.drift.memory import Look, Memory, Verdict
from k8snet_provision.exits import Exit
from k8snet_provision.problems import Problem
from k8snet_provision.scheduling import installing
from k8snet_provision.scheduling.units import PREFIX, STATE_DIRECTORY

EXITS: Mapping[Verdict, Exit] = {
    Verdict.IN_SYNC: Exit.SAME,
    Verdict.DRIFT: Exit.DIFFERS,
    Verdict.FAILED: Exit.FAILED,
    Verdict.INCOMPLETE: Exit.INCOMPLETE,
}

WORST = (Exit.FAILED, Exit.INCOMPLETE, Exit.DIFFERS, Exit.SAME)


@dataclass(frozen=True)
class Scheduled:
    """A timer as systemd has it: the most seconds between two looks, when it fires next, how its service ended."""

    timer: str
    interval: int
    next: str = ""
    active: bool = False
    result: str = ""


@dataclass(frozen=True)
class Status:
    """`last` is the newest look at the whole inventory; `problem` why it may not be known."""

    inventory: Path
    last: Look | None
    good: Look | None
    scheduled: Scheduled | None
    now: datetime
    problem: Problem | None = None

    @property
    def stale(self) -> bool:
        """Whether the newest look is older than two intervals, or would be if it had not been missed."""
        return bool(self.last and self.scheduled and age(self.last, self.now) > 2 * self.scheduled.interval)

    @property
    def exit(self) -> Exit:
        return Exit.INCOMPLETE if self.last is None or self.stale else EXITS[self.last.verdict]


def age(look: Look, now: datetime) -> float:
    """Seconds since it was begun."""
    return (now - datetime.fromisoformat(look.started)).total_seconds()


def of(inventories: Sequence[Path], state: Path | None, now: datetime) -> list[Status]:
    """Of these inventories; of all that have a timer on this machine where none is named."""
    known = {inventory: (name, interval) for name, inventory, interval in installing.all_installed()}
    asked = [path.absolute() for path in inventories] or list(known)
    return [_status(inventory, known.get(inventory), state, now) for inventory in asked]


def exit_of(found: Sequence[Status]) -> Exit:
    """The worst of them; what was never looked at is not in sync."""
    return next((code for code in WORST if any(status.exit is code for status in found)), Exit.INCOMPLETE)


def _status(inventory: Path, known: tuple[str, int] | None, state: Path | None, now: datetime) -> Status:
    services = known or memory_file.path(STATE_DIRECTORY, inventory).exists()
    place = state or (STATE_DIRECTORY if services else memory_file.directory())
    remembered, problem = memory_file.recall(place, inventory)
    return Status(inventory, _newest(remembered), remembered.good, _scheduled(*known) if known else None, now, problem)


def _newest(known: Memory) -> Look | None:
    return next((look for look in reversed(known.looks) if not look.part), None)


def _scheduled(name: str, interval: int) -> Scheduled:
    timer, service = f"{PREFIX}{name}.timer", f"{PREFIX}{name}.service"
    listed = _json(["systemctl", "list-timers", "--all", "--output=json", timer])
    due = next((item.get("next") for item in listed if item.get("unit") == timer), None) or 0
    active = _said(["systemctl", "is-active", timer]) == "active"
    result = _said(["systemctl", "show", "--property=Result", "--value", service])
    return Scheduled(timer, interval, _moment(due / 1_000_000) if due else "", active, result)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _json(command: list[str]) -> list[dict[str, Any]]:
    try:
        found = json.loads(_said(command) or "[]")
    except ValueError:
        return []
    return found if isinstance(found, list) else []


def _said(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def to_json(status: Status) -> dict[str, Any]:
    return {
        "inventory": str(status.inventory),
        "exit": int(status.exit),
        "stale": status.stale,
        "last": memory.look_to_json(status.last) if status.last else None,
        "last_complete": memory.look_to_json(status.good) if status.good else None,
        "schedule": vars(status.scheduled) if status.scheduled else None,
        "problem": str(status.problem) if status.problem else None,
    }
