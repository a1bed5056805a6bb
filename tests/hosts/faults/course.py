"""The course of one cell: a run that is struck, what it leaves, the way forth and the way back."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from k8snet_provision.run_lock import SECONDS as LOCK_SECONDS
from tests.hosts.faults import aftermath
from tests.hosts.faults.aftermath import Before, Changes
from tests.hosts.faults.cells import Cell
from tests.hosts.faults.desk import Desk
from tests.hosts.faults.faults import Scene
from tests.hosts.faults.table import Row

clean: dict[Path, Mapping[str, Any]] = {}
"""Labs that are as a cell has begun with them: what is applied there, with nothing to change."""

PUT_AWAY = 30.0
"""Seconds in which a host's own script, which outlives its connection, has put away what it staged."""


def run(cell: Cell, desk: Desk, row: Row) -> None:
    """Raises AssertionError with all that was printed where a promise is not kept."""
    before = _begin(cell, desk)
    desk.write(cell.subject.new)
    row.exit = code = _struck(cell, desk)
    said, changes = desk.printed.read_text(), desk.changes()
    assert code in cell.fault.exits | {0}, said
    _look(desk, before, changes, row)
    assert code != 0 or desk.differs() == "", f"exit code 0 is false\n{said}"
    aftermath.age_locks(desk.cluster, desk.lab)
    if cell.back:
        row.resume = "-"
    else:
        said += _forth(desk, row, code)
        _nothing_left(desk, before, changes)
    back = desk.goes_on("rollback", "--yes")
    desk.write(cell.subject.old)
    row.rollback = _told(left := desk.differs())
    assert left == "" and back.code == 0, f"{left}\nrollback: {back}\nthe run: {said}"
    _nothing_left(desk, before, changes)
    assert list(aftermath.unplanned(desk.lab, before, ())) == [], "files are not what they were"
    clean[desk.cluster.inventory] = cell.subject.old


def _forth(desk: Desk, row: Row, code: int) -> str:
    """Goes on with the run to its end; what was printed."""
    # Killed after its last gates a run may have ended all the same: then there is none to go on with.
    nothing_to_resume = code == 0 or desk.ended_well()
    resumed = desk.goes_on("apply", "--resume", "--yes")
    row.resume = _told(left := desk.differs())
    told = f"\nresume: {resumed}"
    assert left == "" and resumed.code == (1 if nothing_to_resume else 0), f"{left}{told}\n{desk.printed.read_text()}"
    return told


def _told(left: str) -> str:
    return "differs" if left else "diff 0"


def _begin(cell: Cell, desk: Desk) -> Before:
    """A lab that a cell has left in another state begins anew; one that no cell has used is fresh."""
    desk.write(cell.subject.old)
    applied = clean.pop(desk.cluster.inventory, None)
    if applied is None and desk.used:
        restored = desk.cluster.lab("restore", "fresh")
        assert restored.code == 0, restored
    desk.used = True
    desk.cluster.settle()  # also after a cell in which the API was away: an apply refuses while a node is silent
    if applied != cell.subject.old:
        made = desk.cluster.tool("apply", "--yes", "--anew", timeout=600)
        assert made.code == 0, made
        assert desk.differs() == ""
    return aftermath.look(desk.cluster, desk.lab)


def _struck(cell: Cell, desk: Desk) -> int:
    """Runs apply, lets the fault befall it at its moment, waits for its end, lifts the fault; the exit code."""
    subject, fault = cell.subject, cell.fault
    with _prepared(cell, desk) as scene:
        there = desk.waits_for(lambda events: fault.at.reached(events, subject.phase, subject.host), scene.run)
        assert there, f"the run ended before the moment came\n{desk.printed.read_text()}"
        fault.befall(scene)
        scene.struck = True
        return scene.run.wait(timeout=900)


@contextmanager
def _prepared(cell: Cell, desk: Desk) -> Iterator[Scene]:
    scene = Scene(desk.cluster, desk.lab, cell.subject.host, cell.subject.phase)
    cell.fault.prepare(scene)
    try:
        scene.started = desk.start()
        yield scene
    finally:
        if scene.started is not None:
            scene.started.kill()  # does nothing once it has ended
            scene.started.wait(timeout=30)
        cell.fault.lift(scene)


def _look(desk: Desk, before: Before, changes: Changes, row: Row) -> None:
    """Files at once, as they lie there; then what is left of the work on them, objects and locks."""
    files = aftermath.files(desk.lab, before, changes)
    row.state = f"files: {files}"
    assert files.neither == (), row.state
    ends = time.monotonic() + PUT_AWAY
    while (strays := aftermath.strays(desk.lab, before, changes)) and time.monotonic() < ends:
        time.sleep(0.5)
    row.strays = ", ".join(strays) or "none"
    unplanned = list(aftermath.unplanned(desk.lab, before, changes))
    assert unplanned == [], f"changed and not in the plan: {unplanned}"
    desk.waits_for_api()
    objects = aftermath.in_cluster(desk.cluster, changes)
    row.state = f"files: {files}; objects: {objects}"
    row.lock = ", ".join(aftermath.locks(desk.cluster, desk.lab)) or "none"
    assert objects.neither == (), row.state


def _nothing_left(desk: Desk, before: Before, changes: Changes) -> None:
    """Of what the struck run could not give back nothing keeps others out once its time is over."""
    assert aftermath.strays(desk.lab, before, changes) == []
    ends = time.monotonic() + LOCK_SECONDS
    while (locks := aftermath.locks(desk.cluster, desk.lab)) and time.monotonic() < ends:
        time.sleep(1)
    assert locks == []
