"""history, as its users run it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.runs import journal, local
from k8snet_provision.runs.model import Event, State, now
from tests.program import run
from tests.runs.test_runs import FILE, SAVED

pytestmark = pytest.mark.programs


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "hosts.yml").write_text("all: {hosts: {h1: {}}}\n")
    return tmp_path / "hosts.yml"


def begun(inventory: Path) -> journal.Journal:
    with Fleet({}) as fleet:
        told = journal.begin(fleet, [], "", SAVED, "apply", inventory)
        told.phase = "kubelet"
        told.step("h1", "write /etc/x", "started")
        return told


def test_runs_are_listed_newest_first_and_shown_by_their_id(inventory: Path) -> None:
    first = begun(inventory)
    first.ended(State.FAILED)
    second = begun(inventory)
    second.passed("kubelet", "h1", 2.5)
    second.ended(State.DONE)
    listed = run("history", str(inventory))
    assert listed.code == 0, listed
    assert [line.split()[:2] for line in listed.out.splitlines()] == [
        [name, state] for name, state in sorted([(first.run_id, "failed"), (second.run_id, "done")], reverse=True)
    ]
    shown = run("history", second.run_id)
    assert "kubelet on h1 passed after 2.5 s" in shown.out
    assert FILE.after and FILE.after not in shown.out
    by_its_directory = run("history", str(local.root() / second.run_id))
    assert (by_its_directory.code, by_its_directory.out) == (0, shown.out)


def test_programs_read_the_same(inventory: Path) -> None:
    told = begun(inventory)
    told.ended(State.DONE)
    (listed,) = json.loads(run("history", str(inventory), "--output", "json").out)["runs"]
    shown = json.loads(run("history", told.run_id, "-o", "json").out)
    assert (listed["id"], listed["state"], shown["events"][-1]["event"]) == (told.run_id, "done", "ended")


def test_a_run_that_waits_is_said_to_wait_until_it_is_confirmed_everywhere(inventory: Path) -> None:
    told = begun(inventory)
    told.awaits(["cp1", "h1"], "2999-01-01T00:00:00Z")
    told.ended(State.DONE)
    waits = "waits to be confirmed, or its hosts go back from 2999-01-01T00:00:00Z on: cp1, h1"
    assert waits in run("history", str(inventory)).out
    assert waits in run("history", told.run_id).out
    (listed,) = json.loads(run("history", str(inventory), "-o", "json").out)["runs"]
    assert (listed["state"], listed["awaits_confirmation"]) == ("done", ["cp1", "h1"])
    confirmed(told, "cp1")
    assert (
        "waits to be confirmed, or its hosts go back from 2999-01-01T00:00:00Z on: h1"
        in run("history", str(inventory)).out
    )
    confirmed(told, "h1")
    (line,) = run("history", str(inventory)).out.splitlines()
    assert (line.split()[:2], "wait" in line) == ([told.run_id, "done"], False)


def confirmed(told: journal.Journal, host: str) -> None:
    with Fleet({}) as fleet:
        event = Event(now(), "confirmed", details={host: ""})
        journal.mark(fleet, [], local.read(told.run_id), event)


def test_a_run_that_nobody_confirmed_is_said_to_have_gone_back(inventory: Path) -> None:
    told = begun(inventory)
    told.awaits(["h1"], "2026-11-21T02:10:00Z")
    told.ended(State.DONE)
    assert (
        "not confirmed: its hosts went back by themselves from 2026-11-21T02:10:00Z on: h1"
        in run("history", told.run_id).out
    )


def test_a_run_whose_rollback_was_rolled_back_stands_again(inventory: Path) -> None:
    first = begun(inventory)
    first.ended(State.DONE)
    with Fleet({}) as fleet:
        undone = first
        for told in ("rolled back", "stands again"):
            rollback = journal.begin(fleet, [], "", SAVED, f"rollback of {undone.run_id}", inventory)
            rollback.ended(State.DONE)
            journal.mark(fleet, [], local.read(undone.run_id), Event(now(), "rolled_back", text=rollback.run_id))
            lines = run("history", str(inventory)).out.splitlines()
            (line,) = [line for line in lines if line.startswith(first.run_id)]
            assert told in line
            undone = rollback
    assert "stands again" in run("history", first.run_id).out.splitlines()[0]


def test_other_inventories_runs_are_not_listed(inventory: Path, tmp_path: Path) -> None:
    begun(inventory).ended(State.DONE)
    (tmp_path / "other.yml").write_text("all: {hosts: {h1: {}}}\n")
    listed = run("history", str(tmp_path / "other.yml"))
    assert (listed.code, listed.out) == (0, "")
    assert "no run is kept on this machine" in listed.err


@pytest.mark.parametrize("what", ["20261121T020013Z-3f2a", "no/such/inventory", "../x"])
def test_what_is_not_there_is_one_message(inventory: Path, what: str) -> None:
    shown = run("history", what)
    assert shown.code == 1
    assert len(shown.err.splitlines()) == 1
    assert "K8N" in shown.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--resume", "--anew"), "K8N400"),
        (("--resume", "--limit", "h1"), "K8N400"),
        (("--skip", "K8N001"), "K8N460"),
        (("--confirm-within", "soon"), "K8N44"),
        (("--max-failures", "-1"), "K8N400"),
        (("--pause", "x"), "K8N400"),
    ],
)
def test_words_that_make_no_sense_change_nothing(inventory: Path, words: tuple[str, ...], said: str) -> None:
    refused = run("apply", str(inventory), "--yes", *words)
    assert refused.code == 1
    assert said in refused.err
    assert len(refused.err.splitlines()) == 1
