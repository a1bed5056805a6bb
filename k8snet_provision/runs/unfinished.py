"""Runs that ended without an end, and what of a new plan is the rest of one of them.

What was done already is recognised by looking: the plan made now does not have it any more. What is left must be
what the run was about to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem
from k8snet_provision.runs.codes import Code
from k8snet_provision.runs.model import ID, Run, State

FOLLOWS = (Kind.RESTART, Kind.RELOAD, Kind.RULES)
"""Changes that only a half done one makes necessary: what was written has not taken effect yet."""

RESUMABLE = (State.CUT_SHORT, State.INTERRUPTED, State.FAILED)


def cut_short(runs: Sequence[Run]) -> Run | None:
    """The newest run, when it ended without a word; elder ones have been answered for when it began."""
    return runs[0] if runs and runs[0].state is State.CUT_SHORT else None


def resumable(runs: Sequence[Run]) -> Run | None:
    """The newest run, when it did not come to its end; a rollback goes on by being asked for again."""
    return runs[0] if runs and runs[0].state in RESUMABLE and not _rolls_back(runs[0]) else None


def _rolls_back(run: Run) -> str:
    """The ids of the runs that it was to undo; empty for an apply."""
    return " ".join(ID.findall(run.verb)) if run.verb.startswith("rollback") else ""


def half_done(run: Run) -> str:
    """What it was doing when it ended, for people."""
    ended = {(e.phase, e.target) for e in run.events if e.event in ("passed", "put_back")}
    open_ = [(phase, target) for phase, target in run.begun if (phase, target) not in ended]
    done = len(set(run.begun) & ended)
    words = [f"{done} {'batch was' if done == 1 else 'batches were'} done"] if done else []
    words += [f"{phase} on {target} had begun{_step(run, phase, target)}" for phase, target in open_]
    return "; ".join(words) or "nothing had begun"


def _step(run: Run, phase: str, target: str) -> str:
    """The last one; those of the cluster ran on a control plane."""
    steps = [e for e in run.events if e.step and e.phase == phase and target in (e.target, CLUSTER)]
    if not steps:
        return ""
    last = steps[-1]
    return f" ({last.step}: {last.event.removeprefix('step_')})"


def refusal(run: Run, inventory: str) -> Problem:
    """For an apply that would begin over a run that was cut short."""
    undoes = _rolls_back(run)
    ways = f"`apply {inventory} --resume` goes on with it, `rollback {inventory} {run.id}` goes back"
    on = f"`rollback {inventory} {undoes}` goes on with it" if undoes else ways
    hint = f"{on}, `apply {inventory} --anew` leaves it and plans from what is there"
    text = f"the run {run.id} of {run.details.get('who', 'somebody')}{', a rollback,' if undoes else ''} was cut short"
    return Problem(Code.CUT_SHORT, text, CLUSTER, half_done(run), hint=hint)


def nothing_to_resume(inventory: str, runs: Sequence[Run]) -> Problem:
    found = f"the newest run, {runs[0].id}, is {runs[0].state}" if runs else "no run"
    hint = f"`apply {inventory}` plans from what is there"
    return Problem(Code.NOTHING_TO_RESUME, "there is no run to go on with", "--resume", found, hint=hint)


def moved(run: Run, now: Plan) -> Iterator[Problem]:
    """Changes of the plan made now that are no part of the run: somebody was there meanwhile."""
    planned = {(change.phase, change.address): change for change in run.saved.plan.changes}
    begun = {target for _, target in run.begun}
    hint = "look at it; then `apply --anew`, or roll the run back"
    for change in now.changes:
        was = planned.get((change.phase, change.address))
        if was is None and not (change.kind in FOLLOWS and change.target in begun):
            text = f"{change.kind} {change.name} would be changed, which the run did not mean to"
            yield Problem(Code.MOVED, text, change.target, hint=hint)
        elif was is not None and not _same_end(was, change):
            text = f"{change.kind} {change.name} would become something else than the run meant"
            yield Problem(Code.MOVED, text, change.target, hint=hint)


def _same_end(was: Change, now: Change) -> bool:
    """The texts of secrets are not kept; that they are the inventory's is compared with the inventory."""
    if was.secret or now.secret:
        return was.action == now.action
    sent = [change.details.get("manifest") for change in (was, now)]
    return was.after == now.after or (sent[0] is not None and sent[0] == sent[1])
