"""What is said of runs that did not come to their end, and which of them --resume goes on with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision import around
from k8snet_provision.change import Change, Kind
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.plan import Plan
from k8snet_provision.runs import local, mirror, unfinished
from k8snet_provision.runs.model import Event, Run, State
from tests.runs.test_runs import FILE, OTHER, SAVED

AT = "2026-11-21T02:00:00Z"
FIRST, SECOND = "20261121T020000Z-aaaa", "20261121T030000Z-bbbb"
BATCH = Event(AT, "batch", "kubelet", "h1")
STEP = Event(AT, "step_started", "kubelet", "h1", "write /etc/x")


def a_run(*events: Event, verb: str = "apply", name: str = FIRST) -> Run:
    return Run(name, (Event(AT, "begun", text=verb, details={"who": "ops@desk"}), *events), lambda: SAVED)


def ended(state: State) -> Event:
    return Event(AT, "ended", text=str(state))


@pytest.mark.parametrize(
    ("run", "cut", "resumed"),
    [
        (a_run(BATCH), True, True),
        (a_run(BATCH, ended(State.DONE)), False, False),
        (a_run(BATCH, ended(State.FAILED)), False, True),
        (a_run(BATCH, ended(State.INTERRUPTED)), False, True),
        (a_run(BATCH, ended(State.CUT_SHORT)), True, True),
        (a_run(BATCH, verb=f"rollback of {SECOND}"), True, False),
    ],
    ids=["killed", "done", "failed", "interrupted", "interrupted twice", "a rollback that was killed"],
)
def test_which_runs_keep_another_from_beginning_and_which_can_be_gone_on_with(
    run: Run, cut: bool, resumed: bool
) -> None:
    assert (unfinished.cut_short([run]) is not None, unfinished.resumable([run]) is not None) == (cut, resumed)


def test_an_elder_run_has_been_answered_for() -> None:
    assert unfinished.cut_short([a_run(BATCH, ended(State.DONE), name=SECOND), a_run(BATCH)]) is None


def test_what_was_half_done_is_named_with_its_step() -> None:
    told = str(unfinished.refusal(a_run(BATCH, STEP), "inventory/prod"))
    assert "ops@desk was cut short (found kubelet on h1 had begun (write /etc/x: started))" in told
    assert f"rollback inventory/prod {FIRST}" in told


def test_a_rollback_goes_on_by_what_it_was_to_undo() -> None:
    told = str(unfinished.refusal(a_run(BATCH, verb=f"rollback of {SECOND}"), "inventory/prod"))
    assert f"`rollback inventory/prod {SECOND}` goes on with it" in told
    assert "--resume" not in told


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (FILE, False),
        (replace(FILE, before="half done"), False),
        (replace(FILE, after="else"), True),
        (Change("kubelet", "h1", Kind.RESTART, "kubelet", "", ""), False),
        (Change("kubelet", "h2", Kind.RESTART, "kubelet", "", ""), True),
        (Change("coredns", "h1", Kind.FILE, "/etc/y", None, "new"), True),
    ],
    ids=["left to do", "half done", "something else", "its restart", "a restart elsewhere", "a change more"],
)
def test_only_the_rest_of_a_run_is_gone_on_with(change: Change, moved: bool) -> None:
    problems = list(unfinished.moved(a_run(BATCH), Plan("lab", {}, (change, OTHER))))
    assert bool(problems) == moved
    assert all(problem.code == "K8N424" for problem in problems)


def test_a_run_that_another_machine_went_on_with_is_told_as_that_machine_left_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, there = a_run(BATCH), a_run(BATCH, Event(AT, "resumed"), ended(State.DONE))
    monkeypatch.setattr(local, "runs_of", lambda inventory: [here])
    for known in ([there], []):
        monkeypatch.setattr(mirror, "on_hosts", lambda fleet, hosts, known=known: known)
        with Fleet({}) as fleet:
            (run,) = around.known_runs(fleet, ["cp1"], Path("/i"))
        assert run.state is (State.DONE if known else State.CUT_SHORT)
