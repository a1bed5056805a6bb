"""A run and its rollback over a real sshd, with their journals; nothing behind it but a file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision import rollback, workflow
from k8snet_provision.applying import Ended
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.rollback import Rollback
from k8snet_provision.runs import local, mirror
from k8snet_provision.runs.model import State
from k8snet_provision.workflow import Session
from tests.engine.sshd import Sshd
from tests.rollout.sites import Told
from tests.test_saved_plan import LATIN, Host

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd"), ("127.0.11.22",)).start()
    yield started
    started.stop()


class Operator(Host):
    """Applies, and goes back."""

    def applies(self) -> str:
        def work(session: Session) -> Ended | None:
            return workflow.apply(session, Told(), lambda plan, foretold: True)[1]

        ended = self.with_session(work)
        assert ended is not None and ended.outcome.ok and self.path.read_bytes() == LATIN
        return str(ended.run_id)

    def would_go_back(self, *ids: str) -> Rollback:
        made: Rollback = self.with_session(lambda session: rollback.make(session, ids))
        return made

    def goes_back(self, *ids: str) -> Ended:
        def work(session: Session) -> Ended:
            return rollback.carry_out(session, rollback.make(session, ids), Told())

        ended: Ended = self.with_session(work)
        return ended


@pytest.fixture
def operator(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr(mirror, "MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Operator(tmp_path, server)


def test_a_run_is_rolled_back_and_then_there_is_nothing_to_do(operator: Operator) -> None:
    run = operator.applies()
    (change,) = operator.would_go_back().plan.changes
    assert (change.phase, change.before, change.after) == ("settings", "wanted \udce9\n", "old\n")
    assert operator.path.read_bytes() == LATIN, "looking changes nothing"
    ended = operator.goes_back()
    assert (ended.outcome.ok, operator.path.read_bytes()) == (True, b"old\n")
    back = local.read(ended.run_id)
    assert (back.verb, back.state, local.read(run).state) == (f"rollback of {run}", State.DONE, State.ROLLED_BACK)
    assert operator.would_go_back().runs == () == operator.would_go_back(run).runs


def test_a_rollback_is_rolled_back_by_its_id_and_the_run_stands_again(operator: Operator) -> None:
    run = operator.applies()
    ended = operator.goes_back()
    operator.goes_back(ended.run_id)
    assert operator.path.read_bytes() == LATIN
    assert [item.id for item in operator.would_go_back().runs] == [run]
    operator.goes_back(run)
    assert operator.path.read_bytes() == b"old\n"


def test_runs_that_another_machine_began_are_known_from_the_control_planes(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = operator.applies()
    own = local.read(run)

    def mirrored(session: Session) -> None:
        session.fleet.run({"cp1": mirror.begin(run, own.saved)})
        session.fleet.run({"cp1": mirror.append(run, b"".join(event.line() for event in own.events))})

    operator.with_session(mirrored)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "elsewhere"))
    assert [item.id for item in operator.would_go_back().runs] == [run]
    operator.goes_back(run)
    assert operator.path.read_bytes() == b"old\n"
    assert operator.would_go_back().runs == ()


def test_a_run_that_was_cut_short_before_it_changed_anything_is_closed(operator: Operator) -> None:
    """Without that the next apply would ask about it for ever."""
    run = operator.applies()
    kept = local.root() / run / "events.jsonl"
    lines = [line for line in kept.read_bytes().splitlines(True) if b'"ended"' not in line]
    kept.write_bytes(b"".join(lines).replace(f'"{os.getpid()}"'.encode(), b'"4194305"'))  # no process has that number

    def close(session: Session) -> list[str]:
        return [closed.id for closed in rollback.close(session, rollback.make(session, ()))]

    assert operator.with_session(close) == [], "it is in effect"
    operator.path.write_bytes(b"old\n")
    assert operator.with_session(close) == [run]
    assert local.read(run).state is State.ROLLED_BACK
    assert operator.would_go_back().runs == ()


def test_two_runs_go_back_together_newest_first(operator: Operator) -> None:
    first = operator.applies()
    operator.path.write_bytes(b"old\n")
    time.sleep(1.1)  # ids tell the second; a program takes longer to start
    second = operator.applies()
    with pytest.raises(ProblemsFound, match="K8N433"):
        operator.would_go_back(first)
    with pytest.raises(ProblemsFound, match=f"K8N432 .* was changed by somebody else between {first} and {second}"):
        operator.would_go_back(first, second)
    assert [item.id for item in operator.would_go_back(second).runs] == [second]


def test_what_moved_is_refused_and_nothing_is_changed(operator: Operator) -> None:
    run = operator.applies()
    operator.path.write_bytes(b"by hand\n")
    with pytest.raises(ProblemsFound) as refused:
        operator.would_go_back()
    (problem,) = refused.value.problems
    assert (problem.code, problem.where, problem.found, run in problem.text) == (
        "K8N432",
        "w1",
        "line 1: by hand",
        True,
    )


def test_a_file_that_moves_after_it_was_looked_at_is_not_overwritten(operator: Operator) -> None:
    operator.applies()

    def work(session: Session) -> Ended:
        made = rollback.make(session, [])
        operator.path.write_bytes(b"by hand\n")
        return rollback.carry_out(session, made, Told())

    ended: Ended = operator.with_session(work)
    assert "changed since it was observed" in ended.outcome.failures["settings"]["w1"]
    assert operator.path.read_bytes() == b"by hand\n"
    operator.path.write_bytes(LATIN)
    assert operator.goes_back().outcome.ok, "a rollback that failed is gone on with"
    assert operator.path.read_bytes() == b"old\n"
