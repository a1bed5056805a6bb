"""Which runs are rolled back, and which later ones stand in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.rollback.codes import Code
from k8snet_provision.runs.model import Run, State
from k8snet_provision.saved_plan.codes import Code as SavedPlanCode

VERB = "rollback of "
"""How the verb of a run begins that rolls others back; their ids follow, newest first, with commas between."""

SHOWN = 3
"""Things that are named of a later run before the rest is only counted."""


def verb(runs: Iterable[Run]) -> str:
    return VERB + ", ".join(run.id for run in runs)


def rolls_back(run: Run) -> tuple[str, ...]:
    """The ids of the runs that this one was to roll back; none for any other run."""
    return tuple(run.verb.removeprefix(VERB).split(", ")) if run.verb.startswith(VERB) else ()


@dataclass(frozen=True)
class Known:
    """All runs that are known of, newest first."""

    runs: Sequence[Run]

    @classmethod
    def of(cls, runs: Iterable[Run]) -> Known:
        """Ids tell the second of a run's beginning; within one, what rolls another run back came after it."""
        by_id = {run.id: run for run in runs}

        def depth(run: Run) -> int:
            undone = [by_id[run_id] for run_id in rolls_back(run) if run_id in by_id and run_id != run.id]
            return 1 + max(map(depth, undone), default=0)

        return cls(sorted(by_id.values(), key=lambda run: (run.id.partition("-")[0], depth(run), run.id), reverse=True))

    def since(self, run: Run) -> list[Run]:
        """Those that began after it."""
        return list(self.runs[: self.runs.index(run)])

    def find(self, run_id: str) -> Run | None:
        return next((run for run in self.runs if run.id == run_id), None)

    def is_undone(self, run: Run) -> bool:
        """Rolled back by a run that was not rolled back itself. One that is not kept any more was not."""
        by = [event.text for event in run.events if event.event == "rolled_back"]
        last = self.find(by[-1]) if by else None
        return bool(by) and (last is None or not self.is_undone(last))

    def unfinished(self, chosen: Iterable[Run]) -> list[Run]:
        """Rollbacks of nothing but `chosen` that did not come to their end."""
        ids = {run.id for run in chosen}
        undone_by = {e.text for run in chosen for e in run.events if e.event == "rolled_back"}
        return [run for run in self.runs if rolls_back(run) and {*rolls_back(run)} <= ids and run.id not in undone_by]


def choose(known: Known, ids: Sequence[str]) -> list[Run]:
    """The runs that are meant, newest first; without `ids` the newest one that changed anything and still stands.

    One that was cut short counts, whatever it did: whoever killed it means it, and not the one before. A rollback is
    only rolled back when it is named. None when there is nothing to roll back. Raises ProblemsFound.
    """
    if not ids:
        counts = (run for run in known.runs if run.begun or run.state is State.CUT_SHORT)
        found = next((run for run in counts if not rolls_back(run) and not known.is_undone(run)), None)
        chosen = [found] if found else []
    else:
        unknown = [run_id for run_id in dict.fromkeys(ids) if known.find(run_id) is None]
        if unknown:
            raise ProblemsFound(_unknown(run_id, known) for run_id in unknown)
        chosen = [run for run in known.runs if run.id in ids and not known.is_undone(run)]
    if under_way := [run for run in chosen if run.state is State.UNDER_WAY]:
        raise ProblemsFound(map(_under_way, under_way))
    return chosen


def _unknown(run_id: str, known: Known) -> Problem:
    there = ", ".join(run.id for run in known.runs[:SHOWN])
    expected = f"one of {there}{' ...' if len(known.runs) > SHOWN else ''}" if there else ""
    hint = "k8snet-provision history INVENTORY lists them"
    return Problem(Code.UNKNOWN_RUN, "no such run of this inventory is known", "rollback", run_id[:60], expected, hint)


def _under_way(run: Run) -> Problem:
    hint = "wait until it has ended, or interrupt it"
    return Problem(Code.UNDER_WAY, f"the run {run.id} has not ended yet", "rollback", hint=hint)


def in_the_way(known: Known, chosen: Sequence[Run]) -> list[Problem]:
    """Later runs that touched what `chosen` touched. Rolled-back ones count no more, nor what rolled them back."""
    if not chosen:
        return []
    ids, later = {run.id for run in chosen}, known.since(chosen[-1])
    touched = {change.address for run in chosen for change in changes(run)}
    gone = {run.id for run in later if known.is_undone(run)}
    passed_over = ids | gone | {run.id for run in known.unfinished(chosen)}
    others = [run for run in later if run.id not in passed_over]
    others = [run for run in others if not (rolls_back(run) and {*rolls_back(run)} <= gone)]
    return [problem for run in others for problem in _touching(run, touched, ids)]


def _touching(run: Run, touched: set[str], ids: set[str]) -> Iterator[Problem]:
    try:
        same = [change for change in changes(run) if change.address in touched]
    except ProblemsFound as unreadable:
        yield from unreadable.problems
        return
    if same:
        names = list(dict.fromkeys(_named(change) for change in same))
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        text = f"the later run {run.id} ({run.verb}) changed the same: {', '.join(names[:SHOWN])}{more}"
        hint = (
            f"roll it back first, or both together: rollback INVENTORY {' '.join(sorted({run.id, *ids}, reverse=True))}"
        )
        yield Problem(Code.LATER_RUN, text, "rollback", hint=hint)


def _named(change: Change) -> str:
    return f"{change.kind} {change.name}" + ("" if change.target == CLUSTER else f" on {change.target}")


def changes(run: Run) -> tuple[Change, ...]:
    """Of the batches that were begun. Raises ProblemsFound when the run's plan cannot be read."""
    if not run.begun:
        return ()
    try:
        return run.changes
    except ProblemsFound as found:
        raise ProblemsFound(_newer(run, problem) for problem in found.problems) from None


def _newer(run: Run, problem: Problem) -> Problem:
    if problem.code != SavedPlanCode.NEWER_FORMAT:
        return problem
    text = f"the run {run.id} was kept by a newer k8snet-provision"
    hint = "roll it back with the k8snet-provision that carried it out"
    return Problem(Code.NEWER_FORMAT, text, problem.where, problem.found, problem.expected, hint)
