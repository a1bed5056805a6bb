"""What a roll-out tells its journal, and what it does when that cannot be kept: over a real sshd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from k8snet_provision.capability import Gate
from k8snet_provision.change import Change
from k8snet_provision.rollout import CUT_SHORT
from tests.rollout.sites import HOSTS, NEW, OLD, Site, refuses_new

pytestmark = pytest.mark.programs


@dataclass
class Kept:
    """A journal in memory, with the host's own beside it where `steps_dir` says."""

    steps_dir: str = ""
    full: Mapping[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> dict[str, str]:
        self.lines.append(f"begins {phase}: {' '.join(batch)}")
        return {host: why for host, why in self.full.items() if host in batch}

    def step(self, host: str, step: str, outcome: str) -> None:
        self.lines.append(f"{host} {step.split('/')[0].strip()} {outcome}")

    def passed(self, phase: str, target: str, seconds: float) -> None:
        assert seconds > 0
        self.lines.append(f"passed {target}")

    def failed(self, phase: str, target: str, why: str) -> None:
        self.lines.append(f"failed {target}: {why}")

    def putting_back(self, phase: str, targets: Sequence[str]) -> None:
        self.lines.append(f"putting back {' '.join(targets)}")

    def put_back(self, phase: str, target: str, why: str) -> None:
        self.lines.append(f"put back {target}" if not why else f"not put back {target}: {why}")


def test_each_batch_is_in_the_journal_before_its_first_step(site: Site) -> None:
    journal = Kept()
    assert site.run([site.phase("files", at_once=1)], site.changes("files", ["h1", "h2"]), journal=journal).ok
    assert journal.lines == [
        *("begins files: h1", "h1 write started", "h1 write done", "passed h1"),
        *("begins files: h2", "h2 write started", "h2 write done", "passed h2"),
    ]


def test_a_batch_that_the_journal_cannot_keep_is_not_begun(site: Site) -> None:
    journal = Kept(full={"h2": "no space left on device"})
    phases = [site.phase("files", at_once=1), site.phase("later")]
    outcome = site.run(phases, [*site.changes("files"), *site.marks("later")], journal=journal)
    said = "the journal cannot be kept: no space left on device"
    assert outcome.failures == {"files": {"h2": said}}
    assert site.contents() == {"h1": NEW, "h2": OLD, "h3": OLD, "h4": OLD}
    assert (outcome.put_back, outcome.left_broken) == ([], {})
    assert [change.target for change in outcome.untouched] == ["h2", "h3", "h4", *HOSTS]
    assert journal.lines[-2:] == ["begins files: h2", f"failed h2: {said}"]
    assert site.told.lines[-1] == "failed h2"


def test_a_host_that_cannot_keep_its_journal_may_be_afforded(site: Site) -> None:
    journal = Kept(full={"h2": "no route to host"})
    phases = [site.phase("files", at_once=2), site.phase("later")]
    outcome = site.run(phases, [*site.changes("files"), *site.marks("later")], journal=journal, max_failures=1)
    assert set(outcome.failures["files"]) == {"h2"}
    begun = [line for line in journal.lines if line.startswith("begins")]
    assert begun[:3] == ["begins files: h1 h2", "begins files: h1", "begins files: h3 h4"]
    assert site.contents() == {"h1": NEW, "h2": OLD, "h3": NEW, "h4": NEW}
    assert [(change.phase, change.target) for change in outcome.skipped] == [("files", "h2"), ("later", "h2")]
    assert (outcome.put_back, outcome.left_broken, outcome.untouched) == ([], {}, [])


def test_a_failed_batch_is_told_with_its_way_back(site: Site) -> None:
    journal = Kept()
    site.run(
        [site.phase("files", refuses_new(site, "h2"), at_once=2)], site.changes("files", HOSTS[:2]), journal=journal
    )
    at = journal.lines.index("putting back h1 h2")
    assert journal.lines[at - 2 : at] == ["passed h1", "failed h2: waited 1 s for health; last seen: it is not well"]
    assert sorted(journal.lines[at + 1 : -2]) == [
        f"{h} write {how}" for h in ("h1", "h2") for how in ("done", "started")
    ]
    assert journal.lines[-2:] == ["put back h1", "put back h2"]


def test_what_does_not_go_back_is_told_with_the_reason(site: Site) -> None:
    journal = Kept()
    never = Gate("a wonder", lambda world, host, changes: "echo nothing; exit 1", deadline=0.5)
    site.run([site.phase("files", never)], site.changes("files", ["h1"]), journal=journal)
    assert journal.lines[-1] == "not put back h1: waited 0.5 s for a wonder; last seen: nothing"


def test_what_cannot_be_undone_at_all_is_told_too(site: Site) -> None:
    journal = Kept()
    never = Gate("a wonder", lambda world, host, changes: "echo nothing; exit 1", deadline=0.5)
    site.run([site.phase("marks", never)], site.marks("marks", ["h1"]), journal=journal)
    assert "putting back h1" not in journal.lines
    assert journal.lines[-1] == "not put back h1: waited 0.5 s for a wonder; last seen: nothing"


def test_a_batch_that_is_cut_short_is_told_as_failed(site: Site) -> None:
    def script(*_: object) -> str:
        raise KeyboardInterrupt

    journal = Kept()
    site.run([site.phase("files", Gate("health", script))], site.changes("files", ["h1"]), journal=journal)
    assert journal.lines[-1] == f"failed h1: {CUT_SHORT}"


def test_an_interrupt_while_the_journal_is_written_leaves_the_batch_alone(site: Site) -> None:
    class Slow(Kept):
        def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> dict[str, str]:
            raise KeyboardInterrupt

    outcome = site.run([site.phase("files")], site.changes("files"), journal=Slow())
    assert outcome.interrupted
    assert [change.target for change in outcome.untouched] == list(HOSTS)
    assert set(site.contents().values()) == {OLD}


def test_hosts_keep_their_own_steps_where_the_journal_says(site: Site) -> None:
    mirror = site.root / "mirror"
    mirror.mkdir()
    assert site.run([site.phase("files")], site.changes("files", ["h1"]), journal=Kept(str(mirror))).ok
    words = [line.split(" ", 1)[1] for line in (mirror / "steps").read_text().splitlines()]
    assert words == [f"{when} write {site.path('h1')}" for when in ("start", "done")]
