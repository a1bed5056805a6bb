"""A rollback is a run like any other: locked, kept in a journal, through the same gates."""

from __future__ import annotations

from k8snet_provision import commit_confirm, etcd_snapshot, rollout
from k8snet_provision.applying import Applying, Care, Ended
from k8snet_provision.rollback.making import Rollback
from k8snet_provision.rollback.selection import verb
from k8snet_provision.runs import journal
from k8snet_provision.runs.model import Event, now
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
        event = Event(now(), "rolled_back", text=ended.run_id)
        for other in rollback.runs:
            journal.mark(session.fleet, session.cluster.control_planes, other, event)
            # Hosts that waited for a confirmation have nothing to go back to any more.
            commit_confirm.confirm(session.fleet, session.hosts, other.id)
    return ended
