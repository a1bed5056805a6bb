"""Which runs are rolled back, and which later ones are in the way."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from k8snet_provision.change import Change, Kind
from k8snet_provision.problems import Origin, Problem, ProblemsFound
from k8snet_provision.rollback.selection import Known, choose, in_the_way, rolls_back, verb
from k8snet_provision.runs.model import Run, State, this_process
from k8snet_provision.saved_plan.model import SavedPlan
from tests.rollback.runs import a_run

FIRST, SECOND, THIRD, FOURTH = (f"2026112{day}T020000Z-{day:04x}" for day in (1, 2, 3, 4))


def setting(name: str = "net.a", before: str = "0", after: str = "1", host: str = "w1") -> Change:
    return Change("kernel", host, Kind.SYSCTL, name, before, after)


def known(*runs: Run) -> Known:
    return Known.of(runs)


def ids(runs: list[Run]) -> list[str]:
    return [run.id for run in runs]


def test_the_newest_run_that_changed_anything_and_still_stands_is_meant() -> None:
    runs = known(
        a_run(FIRST, [setting()]),
        a_run(SECOND, [setting()], rolled_back_by=THIRD),
        a_run(THIRD, [setting()], verb=f"rollback of {SECOND}"),
        a_run(FOURTH, [setting()], begun=()),
    )
    assert ids(choose(runs, [])) == [FIRST]


def test_a_run_that_was_killed_before_it_changed_anything_is_meant_before_the_one_before_it() -> None:
    killed = a_run(SECOND, [setting()], begun=(), ended="")
    assert killed.state is State.CUT_SHORT
    assert ids(choose(known(a_run(FIRST, [setting()]), killed), [])) == [SECOND]


def test_several_go_newest_first_whatever_order_they_are_named_in() -> None:
    runs = known(a_run(FIRST, [setting()]), a_run(SECOND, [setting()]))
    chosen = choose(runs, [FIRST, SECOND, FIRST])
    assert ids(chosen) == [SECOND, FIRST]
    assert rolls_back(a_run(THIRD, verb=verb(chosen))) == (SECOND, FIRST)


def test_what_was_rolled_back_is_nothing_to_do_until_its_rollback_is_rolled_back() -> None:
    first = a_run(FIRST, [setting()], rolled_back_by=SECOND)
    second = a_run(SECOND, [setting()], verb=f"rollback of {FIRST}")
    assert choose(known(first, second), [FIRST]) == []
    assert ids(choose(known(first, second), [SECOND])) == [SECOND]
    undone = a_run(SECOND, [setting()], verb=f"rollback of {FIRST}", rolled_back_by=THIRD)
    assert ids(choose(known(first, undone), [FIRST])) == [FIRST]


def test_unknown_ids_are_refused_all_at_once() -> None:
    with pytest.raises(ProblemsFound) as refused:
        choose(known(a_run(FIRST)), ["x", SECOND])
    assert [problem.code for problem in refused.value.problems] == ["K8N430", "K8N430"]
    assert FIRST in refused.value.problems[0].expected


def test_a_run_that_has_not_ended_is_refused() -> None:
    run = a_run(FIRST, [setting()], ended="")
    running = replace(run, events=(replace(run.events[0], details=this_process()), *run.events[1:]))
    assert running.details["pid"] == str(os.getpid())
    with pytest.raises(ProblemsFound, match=f"K8N431 the run {FIRST} has not ended yet"):
        choose(known(running), [])


def test_a_later_run_that_touched_the_same_is_named_with_the_way_out() -> None:
    first, second = a_run(FIRST, [setting()]), a_run(SECOND, [setting(before="1", after="2"), setting("net.b")])
    (problem,) = in_the_way(known(first, second), [first])
    assert str(problem) == (
        f"rollback: K8N433 the later run {SECOND} (apply) changed the same: sysctl net.a on w1; hint: roll it back "
        f"first, or both together: rollback INVENTORY {SECOND} {FIRST}"
    )
    assert in_the_way(known(first, second), [second, first]) == []


def test_a_later_run_that_touched_other_things_is_not_in_the_way() -> None:
    first = a_run(FIRST, [setting()])
    others = a_run(SECOND, [setting("net.b"), setting(host="w2")])
    untouched = a_run(THIRD, [setting()], begun=())
    assert in_the_way(known(first, others, untouched), [first]) == []


def test_a_later_run_and_what_rolled_it_back_cancel_out() -> None:
    first = a_run(FIRST, [setting()])
    second = a_run(SECOND, [setting()], rolled_back_by=THIRD)
    third = a_run(THIRD, [setting()], verb=f"rollback of {SECOND}")
    assert in_the_way(known(first, second, third), [first]) == []


def test_a_rollback_that_came_to_no_end_is_gone_on_with() -> None:
    first = a_run(FIRST, [setting()])
    second = a_run(SECOND, [setting()], verb=f"rollback of {FIRST}", ended="")
    assert in_the_way(known(first, second), [first]) == []
    assert known(first, second).unfinished([first]) == [second]
    assert known(replace(first, events=a_run(FIRST, rolled_back_by=SECOND).events), second).unfinished([first]) == [
        second
    ]


def test_runs_of_one_second_are_told_apart_by_what_rolls_back_what() -> None:
    first, back = (f"20261121T020000Z-{end}" for end in ("ffff", "0000"))
    run = a_run(first, [setting()], rolled_back_by=back)
    undone = a_run(back, [setting()], verb=f"rollback of {first}")
    assert ids(list(known(run, undone).runs)) == [back, first]
    assert in_the_way(known(run, undone), [undone]) == []


def test_a_later_run_whose_plan_cannot_be_read_is_in_the_way() -> None:
    def load() -> SavedPlan:
        raise ProblemsFound([Problem("K8N411", "was saved by a newer k8snet-provision", Origin("plan.json"))])

    first, second = a_run(FIRST, [setting()]), replace(a_run(SECOND, [setting()]), load=load)
    (problem,) = in_the_way(known(first, second), [first])
    assert (problem.code, SECOND in problem.text) == ("K8N435", True)
