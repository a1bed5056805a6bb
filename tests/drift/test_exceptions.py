"""Known exceptions: what an inventory says of them, and what becomes of the findings that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision import inventory
from k8snet_provision.drift import Acceptance, Code, Report, exceptions
from k8snet_provision.drift.exceptions import Entry
from k8snet_provision.drift.excusing import excuse
from k8snet_provision.exits import Exit, of_reports
from k8snet_provision.problems import Origin
from tests.drift.reports import ON_CP1, ON_NODE1, report
from tests.program import run

MARK = ON_CP1.fingerprint
HERE = Origin("group_vars/all/drift-accepted.yml", 2)
GOOD = f"""\
drift_accepted:
  - fingerprint: "{MARK}"
    until: 2026-12-31
    reason: the vendor's patch comes in January
"""


def written(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "inventory"
    (folder / "group_vars" / "all").mkdir(parents=True, exist_ok=True)
    (folder / "hosts.yml").write_text("kube_control_plane: {hosts: {cp1: }}\nkube_node: {hosts: {node1: }}\n")
    (folder / "group_vars" / "all" / "topology.yml").write_text("topology: {service_cidr: 10.254.0.0/16}\n")
    (folder / "group_vars" / "all" / "drift-accepted.yml").write_text(text)
    return folder


def read(tmp_path: Path, text: str) -> tuple[tuple[Entry, ...], list[str]]:
    entries, problems = exceptions.read(inventory.load(written(tmp_path, text)))
    folder = f"{tmp_path}/inventory/group_vars/all/"
    return entries, [str(problem).removeprefix(folder) for problem in problems]


def entry(until: str, mark: str = MARK) -> Entry:
    return Entry(Acceptance(mark, until, "known"), HERE)


def judged(*entries: Entry, seen: Report | None = None, whole: bool = True) -> Report:
    return excuse(seen or report(ON_CP1, ON_NODE1), entries, whole=whole)


def test_an_exception_is_read_with_its_place(tmp_path: Path) -> None:
    (found,), problems = read(tmp_path, GOOD)
    assert problems == []
    assert found.acceptance == Acceptance(MARK, "2026-12-31", "the vendor's patch comes in January")
    assert str(found.where).endswith("drift-accepted.yml:2")


@pytest.mark.parametrize("text", ["", "drift_accepted:\n", "drift_accepted: []\n"])
def test_none_are_none(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == ((), [])


def test_all_that_is_wrong_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    text = f"""\
drift_accepted:
  - fingerprint: 1234567890123456
    until: 31.12.2026
    reason: "  "
  - just text
  - fingerprint: "{MARK}"
    until: "2026-02-30"
    resaon: known
  - {{fingerprint: "{MARK}", until: 2026-12-31, reason: known}}
  - {{fingerprint: "{MARK}", until: 2026-12-31, reason: known, by: [me]}}
  - {{fingerprint: "{MARK}", until: 2027-12-31, reason: known too}}
"""
    entries, problems = read(tmp_path, text)
    expected = {
        ":2: K8N762 the exception's fingerprint is not one": "in quotes",
        ":3: K8N762 the exception's until is not one": "YYYY-MM-DD",
        ":4: K8N762 the exception's reason is not one": "why",
        ":5: K8N762 an exception is no mapping": "keys fingerprint, until, reason",
        ":6: K8N762 an exception has no reason": "",
        ":7: K8N762 the exception's until is not one": "2026-02-30",
        ":8: K8N762 an exception has an unknown key": "did you mean reason?",
        ":10: K8N762 the exception's by is not one": "text",
        ":11: K8N762 an exception is written twice": "drift-accepted.yml:9",
    }
    assert len(problems) == len(expected)
    for start, more in expected.items():
        (line,) = [line for line in problems if line.startswith(f"drift-accepted.yml{start}")]
        assert more in line
    assert len(entries) == 2


@pytest.mark.parametrize("text", ["drift_accepted: known\n", "drift_accepted: {a: b}\n"])
def test_what_is_no_list_is_told(tmp_path: Path, text: str) -> None:
    _, (line,) = read(tmp_path, text)
    assert line.startswith("drift-accepted.yml:1: K8N762 drift_accepted is no list")


def test_lint_and_drift_tell_what_is_wrong_before_any_host_is_asked(tmp_path: Path) -> None:
    folder = written(tmp_path, GOOD.replace("2026-12-31", "soon"))
    for command in ("lint", "drift"):
        ran = run(command, str(folder))
        assert ran.code == 1
        assert f"{folder}/group_vars/all/drift-accepted.yml:3: K8N762 " in ran.out + ran.err


def test_what_is_accepted_does_not_count_and_is_told(tmp_path: Path) -> None:
    told = judged(entry("2026-12-31"), seen=report(ON_CP1))
    assert (told.findings, [item.finding for item in told.accepted], told.notices) == ((), [ON_CP1], ())
    assert of_reports([told]) is Exit.SAME


def test_the_rest_counts() -> None:
    told = judged(entry("2026-12-31"))
    assert told.findings == (ON_NODE1,)
    assert of_reports([told]) is Exit.DIFFERS


@pytest.mark.parametrize(
    ("until", "when"), [("2026-11-29", "today"), ("2026-11-30", "tomorrow"), ("2026-12-06", "in 7 days")]
)
def test_it_holds_to_the_end_of_its_last_day_and_says_so_a_week_before(until: str, when: str) -> None:
    told = judged(entry(until), seen=report(ON_CP1, started="2026-11-29T23:59:59Z"))
    assert len(told.accepted) == 1
    (notice,) = told.notices
    assert MARK in notice and f"ends {when}, on {until}" in notice


def test_after_its_last_day_the_finding_counts_again_and_the_end_is_told_loudly() -> None:
    told = judged(entry("2026-11-28"), seen=report(ON_CP1, started="2026-11-29T00:00:00Z"))
    ended, found = told.findings
    assert (found, told.accepted) == (ON_CP1, ())
    assert (ended.code, ended.severity, ended.target) == (Code.EXCEPTION_ENDED, "critical", "cp1")
    assert "2026-11-28" in ended.text and "known" in ended.text and str(HERE) in ended.text
    assert f"--accept {MARK}" in ended.mend
    assert of_reports([told]) is Exit.DIFFERS


def test_one_that_excuses_nothing_can_be_removed() -> None:
    told = judged(entry("2026-12-31"), entry("2026-01-01", "0" * 16), seen=report(ON_NODE1))
    assert len(told.notices) == 2 and told.findings == (ON_NODE1,)
    for mark, notice in zip((MARK, "0" * 16), told.notices, strict=True):
        assert mark in notice and "can be removed" in notice and str(HERE) in notice


@pytest.mark.parametrize(("seen", "whole"), [(report(), False), (report(unseen=("node1",)), True)])
def test_nothing_is_said_of_one_whose_finding_may_be_there(seen: Report, whole: bool) -> None:
    assert judged(entry("2026-12-31"), seen=seen, whole=whole).notices == ()
