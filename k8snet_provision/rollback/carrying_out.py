"""A rollback is a run like any other: locked, kept in a journal, through the same gates."""

from __future__ import annotations

from collections.abc import Iterable

from k8snet_provision import commit_confirm, etcd_snapshot, rollout
from k8snet_provision.applying import Applying, Care, Ended
from k8snet_provision.rollback.making import Rollback
from k8snet_provision.rollback.selection import verb
from k8snet_provision.runs import journal
from k8snet_provision.runs.model import Event, Run, State, now
from k8snet_provision.saved_plan import making
from k8snet_provision.workflow import Session


def carry_out(session: Session, rollback: Rollback, progress: rollout.Progress) -> Ended:
    """Exactly its plan; what could be seen of the runs is rolled back then. Raises ProblemsFound.

    There is no preflight: what a rollback is to mend may be the very thing that a preflight finds. Nor must there be
    an etcd snapshot where none could be taken on a good day.
    """
    assert rollback.world is not None
    saved = making.make(
        session.cluster,
        rollback.site,
        rollback.plan,
        limit="",
        tags="",
        extra_vars=session.request.extra_vars,
        for_record=True,
    )
    run = Applying(
        rollback.plan,
        rollback.world,
        rollback.site,
        session.cluster,
        session.fleet,
        session.connections,
        session.request.inventory,
        saved,
        Care(skip=tuple(etcd_snapshot.SKIPPABLE)),
        session.lock_path,
        rollback.plan.seconds,
    )
    ended = run.run(progress, verb(rollback.runs))
    if ended.outcome.ok and not rollback.plan.incomplete:
        _mark(session, rollback.runs, ended.run_id)
    return ended


def close(session: Session, rollback: Rollback) -> list[Run]:
    """Marks runs as rolled back that were cut short before anything of them took effect; without it the next apply
    would still ask what shall become of them. Those runs; none where something is in effect, or could not be seen."""
    if rollback.plan.changes or rollback.plan.incomplete:
        return []
    closed = [run for run in rollback.runs if run.state is State.CUT_SHORT]
    _mark(session, closed, "nothing of it was in effect")
    return closed


def _mark(session: Session, runs: Iterable[Run], how: str) -> None:
    for run in runs:
        journal.mark(session.fleet, session.cluster.control_planes, run, Event(now(), "rolled_back", text=how))
        # Hosts that waited for a confirmation have nothing to go back to any more.
        commit_confirm.confirm(session.fleet, session.hosts, run.id)
