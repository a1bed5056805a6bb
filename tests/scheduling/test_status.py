"""drift status: what the looks came to, as words, JSON and exit code, without any host and without systemd."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from k8snet_provision.drift import Finding, memory_file
from k8snet_provision.drift.looks import Failed
from k8snet_provision.exits import Exit
from k8snet_provision.problems import Problem
from k8snet_provision.reports.drift import status as words
from k8snet_provision.scheduling import status
from k8snet_provision.scheduling.status import Scheduled, Status
from tests.drift.reports import INVENTORY, ON_CP1, report
from tests.program import run

NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
TIMER = Scheduled("k8snet-drift-lab.timer", 900, "2026-11-29T12:05:00Z", True, "success")


def look(place: Path, *found: Finding, minutes: int = 5, unseen: tuple[str, ...] = (), part: str = "") -> None:
    started = (NOW - timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")
    memory_file.remember(report(*found, started=started, unseen=unseen), place, part)


def told(place: Path, scheduled: Scheduled | None = None) -> tuple[Status, str]:
    (found,) = status.of([Path(INVENTORY)], place, NOW)
    found = Status(found.inventory, found.last, found.good, scheduled, NOW, found.problem)
    printed = io.StringIO()
    words.show(Console(file=printed, width=200), [found])
    return found, printed.getvalue()


@pytest.mark.parametrize(
    ("found", "unseen", "code", "said"),
    [
        ((), (), Exit.SAME, "in sync"),
        ((ON_CP1,), (), Exit.DIFFERS, "drift: 1 warning"),
        ((ON_CP1,), ("node1",), Exit.INCOMPLETE, "incomplete: 1 warning, 1 incomplete"),
    ],
)
def test_the_last_look_is_told_and_is_the_exit_code(tmp_path: Path, found, unseen, code: Exit, said: str) -> None:
    look(tmp_path, *found, unseen=unseen)
    seen, printed = told(tmp_path)
    assert seen.exit is code
    assert f"  {said} · 5m ago (2026-11-29T11:55:00Z), in 1.2 s" in printed


def test_what_was_never_looked_at_is_not_in_sync(tmp_path: Path) -> None:
    seen, printed = told(tmp_path)
    assert seen.exit is Exit.INCOMPLETE and "never looked at" in printed


def test_a_failed_look_says_why_and_when_all_was_seen_last(tmp_path: Path) -> None:
    look(tmp_path, minutes=60)
    memory_file.remember_failures([Failed(INVENTORY, (Problem("K8N001", "cannot be read", "x"),))], tmp_path)
    seen, printed = told(tmp_path)
    assert seen.exit is Exit.FAILED
    assert "failed: x: K8N001 cannot be read" in printed and "saw everything last 1h ago" in printed


def test_a_look_at_a_part_is_no_look_at_the_inventory(tmp_path: Path) -> None:
    look(tmp_path, ON_CP1, minutes=10)
    look(tmp_path, minutes=5, part="cp1")
    assert told(tmp_path)[0].exit is Exit.DIFFERS


@pytest.mark.parametrize(("minutes", "code"), [(30, Exit.SAME), (31, Exit.INCOMPLETE)])
def test_one_that_is_older_than_twice_the_interval_says_nothing_of_now(
    tmp_path: Path, minutes: int, code: Exit
) -> None:
    look(tmp_path, minutes=minutes)
    seen, printed = told(tmp_path, TIMER)
    assert seen.exit is code
    assert ("more than twice the 15m between two looks" in printed) == (code is Exit.INCOMPLETE)
    assert "next look 2026-11-29T12:05:00Z (k8snet-drift-lab.timer)" in printed


def test_a_timer_that_is_off_is_told(tmp_path: Path) -> None:
    look(tmp_path)
    assert "is not active" in told(tmp_path, Scheduled("k8snet-drift-lab.timer", 900))[1]


def test_of_several_the_worst_counts(tmp_path: Path) -> None:
    def one(minutes: int, *found: Finding) -> Status:
        place = tmp_path / str(len(list(tmp_path.iterdir())))
        look(place, *found, minutes=minutes)
        return told(place)[0]

    good, bad = one(1), one(1, ON_CP1)
    assert status.exit_of([good, good]) is Exit.SAME
    assert status.exit_of([good, bad]) is Exit.DIFFERS
    assert status.exit_of([]) is Exit.INCOMPLETE


def test_a_damaged_memory_is_told_and_left_where_it_is(tmp_path: Path) -> None:
    file = memory_file.path(tmp_path, Path(INVENTORY))
    file.write_text("{")
    seen, printed = told(tmp_path)
    assert seen.exit is Exit.INCOMPLETE and "K8N760" in printed and file.read_text() == "{"


def test_the_command(tmp_path: Path) -> None:
    look(tmp_path, ON_CP1)
    ran = run("drift", "status", INVENTORY, "--state", str(tmp_path), "--output", "json")
    (found,) = json.loads(ran.out)["inventories"]
    assert (ran.code, found["exit"], found["last"]["verdict"], found["schedule"]) == (2, 2, "drift", None)


def test_install_says_what_it_needs_where_there_is_no_systemd(tmp_path: Path) -> None:
    """Where systemd runs it says what else is missing; nothing is installed either way: there is no such inventory."""
    ran = run("drift", "install", str(tmp_path / "none"))
    assert ran.code == 1 and ran.out == ""
    assert "K8N767 systemd does not run on this machine" in ran.err or "K8N001" in ran.err
