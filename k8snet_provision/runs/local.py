"""Runs on the operator's machine: one directory each, for the operator's eyes only."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import NoReturn

from k8snet_provision.problems import Origin, Problem, ProblemsFound, Severity
from k8snet_provision.runs import model
from k8snet_provision.runs.codes import Code
from k8snet_provision.runs.model import ID, Event, Run
from k8snet_provision.saved_plan import file as saved_plans
from k8snet_provision.saved_plan import model as saved_plan
from k8snet_provision.saved_plan.model import SavedPlan

KEPT = 50
"""Runs of one inventory that are kept; elder ones go when another begins."""

PLAN = "plan.json"
EVENTS = "events.jsonl"


def root() -> Path:
    """$XDG_STATE_HOME/k8snet-provision/runs, by default below ~/.local/state."""
    home = os.environ.get("XDG_STATE_HOME", "")
    state = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    return state / "k8snet-provision" / "runs"


def make(run_id: str, saved: SavedPlan, first: Event) -> Path:
    """The run's directory with its plan and its first event, on disk; raises ProblemsFound."""
    directory = root() / run_id
    try:
        root().mkdir(mode=0o700, parents=True, exist_ok=True)
        root().chmod(0o700)
        directory.mkdir(mode=0o700)
        _write(directory / PLAN, (json.dumps(saved_plan.to_json(saved)) + "\n").encode())
        append(run_id, first)
        _sync(directory)
        _sync(root())
    except OSError as error:
        shutil.rmtree(directory, ignore_errors=True)
        _refuse(directory, Code.NOT_KEPT, f"the journal of the run cannot be written: {error.strerror}")
    return directory


def append(run_id: str, event: Event) -> None:
    """The event is on disk when this returns; raises OSError."""
    with os.fdopen(os.open(root() / run_id / EVENTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "wb") as file:
        file.write(event.line())
        file.flush()
        os.fsync(file.fileno())


def read(run_id: str) -> Run:
    """Raises ProblemsFound."""
    directory = root() / run_id
    if not ID.fullmatch(run_id) or not directory.is_dir():
        hint = "k8snet-provision history INVENTORY lists them"
        _refuse(directory, Code.UNKNOWN, f"there is no run {run_id[:60]!r} on this machine", hint=hint)
    try:
        return Run(run_id, model.events((directory / EVENTS).read_bytes()), partial(saved_plans.read, directory / PLAN))
    except (OSError, ValueError) as error:
        _refuse(directory / EVENTS, Code.DAMAGED, f"the journal of the run cannot be read: {error}")


def runs() -> tuple[list[Run], list[Problem]]:
    """All of this machine, newest first; what cannot be read is told beside them."""
    found, problems = [], []
    names = sorted((path.name for path in root().glob("*") if ID.fullmatch(path.name)), reverse=True)
    for name in names:
        try:
            found.append(read(name))
        except ProblemsFound as damaged:
            problems += [Problem(**{**vars(p), "severity": Severity.WARNING}) for p in damaged.problems]
    return found, problems


def runs_of(inventory: Path) -> list[Run]:
    """Those of one inventory, newest first."""
    path = str(inventory.resolve())
    return [run for run in runs()[0] if run.details.get("inventory") == path]


def prune(inventory: Path) -> None:
    """Removes the eldest runs of an inventory that are too many; whatever did not end stays."""
    for run in runs_of(inventory)[KEPT:]:
        if run.state not in (model.State.CUT_SHORT, model.State.UNDER_WAY):
            shutil.rmtree(root() / run.id, ignore_errors=True)


def copy(run: Run) -> None:
    """Keeps a run that was read from a host here as well; raises ProblemsFound."""
    if not (root() / run.id).exists():
        make(run.id, run.saved, run.events[0])
        for event in run.events[1:]:
            append(run.id, event)


def _write(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _refuse(path: Path, code: Code, text: str, hint: str = "") -> NoReturn:
    raise ProblemsFound([Problem(code, text, Origin(str(path)), hint=hint)])


def named(ids: Iterable[str]) -> list[Run]:
    """Raises ProblemsFound with all that cannot be read."""
    found: list[Run] = []
    problems: list[Problem] = []
    for run_id in ids:
        try:
            found.append(read(run_id))
        except ProblemsFound as unknown:
            problems += unknown.problems
    if problems:
        raise ProblemsFound(problems)
    return found
