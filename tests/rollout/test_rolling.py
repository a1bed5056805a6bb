"""Canary, pauses, failures that may be afforded: over a real sshd."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pytest

from k8snet_provision.capability import Gate
from k8snet_provision.change import Change
from k8snet_provision.rollout import Outcome
from tests.rollout.sites import CONTROL_PLANE, HOSTS, NEW, OLD, Site, Told, follows, refuses_new

pytestmark = pytest.mark.programs


def batches_of(site: Site) -> list[str]:
    return [line.removeprefix("batch ") for line in site.told.lines if line.startswith("batch ")]


def roll(site: Site, bad: str, at_once: int | str = 1, **how: Any) -> Outcome:
    """Two phases, the first of which is refused by some hosts."""
    phases = [site.phase("files", refuses_new(site, bad), at_once=at_once), site.phase("later")]
    return site.run(phases, [*site.changes("files"), *site.marks("later")], **how)


def names(changes: Sequence[Change]) -> list[str]:
    return [f"{change.phase} {change.target}" for change in changes]


def test_the_canary_goes_first_and_alone_in_each_phase(site: Site) -> None:
    outcome = roll(site, "", at_once="100%", canary="h3")
    assert outcome.ok
    assert batches_of(site) == ["h3", "h1 h2 h4", "h3", "h1 h2", "h4"]


def test_nobody_follows_a_canary_that_fails(site: Site) -> None:
    outcome = roll(site, "h3", at_once="100%", canary="h3", max_failures=4)
    assert batches_of(site) == ["h3"]
    assert set(site.contents().values()) == {OLD}
    assert names([*outcome.put_back, *outcome.untouched]) == [
        *("files h3", "files h1", "files h2", "files h4"),
        *(f"later {host}" for host in HOSTS),
    ]


def test_a_host_that_may_fail_is_put_back_and_the_others_go_on_without_it(site: Site) -> None:
    outcome = roll(site, "h2", max_failures=1)
    assert not outcome.ok, "a failure that was afforded is a failure"
    assert set(outcome.failures["files"]) == {"h2"}
    assert site.contents() == {"h1": NEW, "h2": OLD, "h3": NEW, "h4": NEW}
    assert site.marked("later") == ["h1", "h3", "h4"]
    assert names(outcome.put_back) == ["files h2"]
    assert names(outcome.skipped) == ["later h2"]
    assert outcome.untouched == []


def test_one_failure_more_than_may_be_stops_it(site: Site) -> None:
    outcome = roll(site, "h1 h3", max_failures=1)
    assert set(outcome.failures["files"]) == {"h1", "h3"}
    assert site.contents() == {"h1": OLD, "h2": NEW, "h3": OLD, "h4": OLD}
    assert site.marked("later") == []
    assert names(outcome.untouched) == ["files h4", *(f"later {host}" for host in HOSTS)]
    assert outcome.skipped == []


def test_failures_are_counted_over_all_phases(site: Site) -> None:
    phases = [site.phase("files", refuses_new(site, "h1"), at_once=1), site.phase("later", lost("h2"), at_once=1)]
    outcome = site.run(phases, [*site.changes("files"), *site.marks("later")], max_failures=1)
    assert {phase: set(failures) for phase, failures in outcome.failures.items()} == {"files": {"h1"}, "later": {"h2"}}
    assert site.marked("later") == ["h2"]
    assert names(outcome.untouched) == ["later h3", "later h4"]


def lost(bad: str) -> Gate:
    return Gate("luck", lambda world, host, changes: f"[ {host} != {bad} ]", deadline=0.5)


def test_hosts_that_went_back_with_a_failed_one_are_left_out_but_have_not_failed(site: Site) -> None:
    outcome = roll(site, "h1", at_once=2, max_failures=1)
    assert set(outcome.failures["files"]) == {"h1"}
    assert site.contents() == {"h1": OLD, "h2": OLD, "h3": NEW, "h4": NEW}
    assert names(outcome.skipped) == ["later h1", "later h2"]
    assert site.marked("later") == ["h3", "h4"]


def test_a_host_that_is_gone_may_be_afforded_and_is_said_not_to_be_back(site: Site) -> None:
    outcome = roll(site, "", max_failures=1, dead=["h2"])
    assert set(outcome.left_broken) == {"h2"}
    assert site.contents() == {"h1": NEW, "h2": OLD, "h3": NEW, "h4": NEW}
    assert site.marked("later") == ["h1", "h3", "h4"]


def test_a_control_plane_is_never_affordable(site: Site) -> None:
    phases = [site.phase("files", refuses_new(site, CONTROL_PLANE), at_once=1)]
    outcome = site.run(phases, site.changes("files", [CONTROL_PLANE, "h1"]), max_failures=9)
    assert set(outcome.failures["files"]) == {CONTROL_PLANE}
    assert names(outcome.untouched) == ["files h1"]


def test_a_neighbour_that_cannot_be_undone_and_passed_stays_done(site: Site) -> None:
    marks = site.marks("files", ["h3"])
    phase = site.phase("files", refuses_new(site, "h1"), at_once="100%")
    outcome = site.run([phase], [*site.changes("files", ["h1"]), *marks])
    assert names(outcome.put_back) == ["files h1"]
    assert names(outcome.done) == ["files h3"]


def test_pauses_lie_between_the_batches_of_a_phase(site: Site) -> None:
    outcome = roll(site, "", at_once="100%", canary="h1", pause=0.7)
    told = [line for line in site.told.lines if line.startswith(("batch", "pausing"))]
    assert told == [
        *("batch h1", "pausing 0.7 s", "batch h2 h3 h4"),
        *("batch h1", "pausing 0.7 s", "batch h2 h3", "pausing 0.7 s", "batch h4"),
    ]
    assert outcome.seconds > 2.1


def test_an_interrupt_ends_a_pause(site: Site) -> None:
    began = time.monotonic()
    outcome = roll(site, "", pause=3600, stop=lambda: "pausing 3600 s" in site.told.lines)
    assert time.monotonic() - began < 60
    assert outcome.interrupted
    assert names(outcome.done) == ["files h1"]
    assert names(outcome.untouched)[:3] == ["files h2", "files h3", "files h4"]


def test_a_second_interrupt_in_a_pause_breaks_nothing_off(site: Site) -> None:
    class Impatient(Told):
        def pausing(self, phase: str, seconds: float) -> None:
            raise KeyboardInterrupt

    site.told = Impatient()
    outcome = roll(site, "", pause=3600)
    assert outcome.interrupted
    assert outcome.left_broken == {}
    assert names(outcome.done) == ["files h1"]


def test_nobody_waits_after_a_failure_that_ends_it(site: Site) -> None:
    outcome = roll(site, "h1", pause=3600)
    assert not any(line.startswith("pausing") for line in site.told.lines)
    assert names(outcome.done) == []


def test_the_gate_of_a_put_back_is_asked_with_failures_that_may_be(site: Site) -> None:
    phases = [site.phase("files", refuses_new(site, "h1"), follows(site), at_once=2)]
    outcome = site.run(phases, site.changes("files"), max_failures=1)
    assert names(outcome.put_back) == ["files h1", "files h2"]
    assert names(outcome.done) == ["files h3", "files h4"]
