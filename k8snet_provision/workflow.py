"""What the commands do, as short literal lists of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import gevent

from k8snet_provision import (
    applying,
    around,
    commit_confirm,
    dry_run,
    etcd_snapshot,
    forecast,
    looking,
    planning,
    rollout,
)
from k8snet_provision.applying import Applying, Ended
from k8snet_provision.around import Around
from k8snet_provision.change import CLUSTER
from k8snet_provision.forecast import Forecast
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Problem, ProblemsFound, Severity
from k8snet_provision.rollout.batches import batches
from k8snet_provision.runs import local, unfinished
from k8snet_provision.runs.model import Run, State
from k8snet_provision.saved_plan import making, moved, tool
from k8snet_provision.saved_plan.model import SavedPlan
from k8snet_provision.seen import World
from k8snet_provision.session import Request as Request
from k8snet_provision.session import Session as Session
from k8snet_provision.session import read_inventory as read_inventory
from k8snet_provision.session import session as session
from k8snet_provision.session import vault_passwords as vault_passwords
from k8snet_provision.topology import Cluster

if TYPE_CHECKING:
    from k8snet_provision.verification.plugin import Result

CANNOT_VERIFY = "K8N601"


@contextmanager
def approved_session(request: Request, approved: SavedPlan) -> Iterator[Session]:
    """A session for a saved plan: its inventory, its hosts, its phases. Raises ProblemsFound as `session` does."""
    refused = tuple(moved.before_looking(approved, tool.version(), request.extra_vars))
    planned = replace(request, inventory=Path(approved.inventory), limit=approved.limit, tags=approved.tags)
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(session(planned))
        except ProblemsFound as found:
            raise ProblemsFound([*refused, *found.problems]) from None
        yield replace(opened, approved=approved, refused=refused)


@dataclass(frozen=True)
class Looked:
    """What diff found: the plan, what it was made of, and what else is at work there."""

    plan: Plan
    world: World
    around: Around


def diff(session: Session) -> Looked:
    """Looks, asks for a dry run, compares. Changes nothing anywhere.

    Raises ProblemsFound when a saved plan was approved and it is not, to the letter, what would be done now.
    """
    world = looking.look(session.site, session.cluster, session.hosts, session.fleet, [commit_confirm.PROBE])
    told, asked = commit_confirm.told_by(world.observation), session.request.inventory
    aside = gevent.spawn(around.look, session.fleet, _control_planes(session, world), asked, told, session.lock_path)
    world, refused = dry_run.ask(session.site, world, session.fleet)
    plan = planning.make(session.site, world, session.hosts, session.started, (*session.warnings, *refused))
    others: Around = aside.get()
    plan = replace(plan, notices=(*plan.notices, *others.notices(asked)))
    if session.approved:
        found = (*session.refused, *moved.since(session.approved, saved(session, plan), session.cluster))
        if found:
            raise ProblemsFound(found)
    return Looked(plan, world, others)


def foretold(session: Session, plan: Plan, runs: Sequence[Run]) -> Forecast | None:
    """What the plan's batches will take, by the cluster's runs so far; None when there is nothing to change."""
    care = session.request.care
    taken = partial(batches, canary=care.canary)
    made = forecast.of(plan, session.site, session.cluster, runs, taken, care.pause)
    return made and made.after(forecast.beginning(plan, runs, etcd_snapshot.needed(plan)))


def saved(session: Session, plan: Plan, foretold: Forecast | None = None, *, for_record: bool = False) -> SavedPlan:
    """The plan with all it rests on, as it is kept in a file. Raises ProblemsFound where that cannot be.

    `for_record`: for a journal, which is never applied, so that nothing forbids to keep it.
    """
    asked = session.request
    return making.make(
        session.cluster, session.site, plan, limit=asked.limit, tags=asked.tags, extra_vars=asked.extra_vars,
        forecast=foretold, for_record=for_record,
    )  # fmt: skip


def apply(
    session: Session,
    progress: rollout.Progress,
    agreed: Callable[[Plan, Forecast | None], bool],
) -> tuple[Plan, Ended | None]:
    """diff, then exactly that plan, if `agreed` says so. Nothing has ended when nothing was started.

    Raises ProblemsFound with everything that forbids to begin.
    """
    looked = diff(session)
    plan, runs = looked.plan, looked.around.runs
    if errors(plan.problems) or unseen(plan, session.cluster):
        return plan, None
    again = _to_resume(session, plan, runs) if session.request.resume else None
    if not plan.changes and not (again and commit_confirm.waits(looked.around.told, again.id)):
        if again:
            applying.close(session.fleet, _control_planes(session, looked.world), again, State.DONE)
        return plan, None
    job, problems = _job(session, looked, again)
    plan = replace(plan, problems=(*plan.problems, *problems))
    if errors(problems):
        raise ProblemsFound(plan.problems)
    # Where nothing is left to do but to tell hosts that wait until when they do, there is nothing to agree to.
    if plan.changes and not agreed(plan, foretold(session, plan, runs)):
        return plan, None
    if session.request.anew and (cut := unfinished.cut_short(runs)):
        applying.close(session.fleet, _control_planes(session, looked.world), cut, State.FAILED)
    return plan, job.run(progress, again=again)


def preflight(session: Session) -> Looked:
    """diff, and what would forbid apply to begin; changes nothing."""
    looked = diff(session)
    plan = looked.plan
    if errors(plan.problems) or unseen(plan, session.cluster) or not plan.changes:
        return looked
    again = _to_resume(session, plan, looked.around.runs) if session.request.resume else None
    _, problems = _job(session, looked, again)
    return replace(looked, plan=replace(plan, problems=(*plan.problems, *problems)))


def _job(session: Session, looked: Looked, again: Run | None = None) -> tuple[Applying, list[Problem]]:
    """Carrying out a plan, and all that forbids or warns."""
    asked, plan, others = session.request, looked.plan, looked.around
    started = time.monotonic()
    job = Applying(
        plan, looked.world, session.site, session.cluster, session.fleet, session.connections, asked.inventory,
        session.approved or saved(session, plan, foretold(session, plan, others.runs), for_record=True),
        asked.care, session.lock_path,
    )  # fmt: skip
    cut = None if others.other or asked.resume or asked.anew else unfinished.cut_short(others.runs)
    found = [others.other] if others.other else []
    found += [unfinished.refusal(cut, str(asked.inventory))] if cut else []
    found += job.problems(others.told, again)
    return replace(job, seconds=plan.seconds + time.monotonic() - started), found


def _to_resume(session: Session, plan: Plan, runs: Sequence[Run]) -> Run:
    """The run to go on with; raises ProblemsFound where there is none, or this would not be the rest of it."""
    run = unfinished.resumable(runs)
    if run is None:
        raise ProblemsFound([unfinished.nothing_to_resume(str(session.request.inventory), runs)])
    now = saved(session, plan, for_record=True)
    found = [*moved.inventory(run.saved.rests_on, now.rests_on, session.cluster), *unfinished.moved(run, plan)]
    if found:
        raise ProblemsFound(found)
    return run


def as_begun(request: Request) -> Request:
    """A request to resume, for the hosts and phases of the run; of one that only the hosts know, as given."""
    run = unfinished.resumable(local.runs_of(request.inventory)) if request.resume else None
    return replace(request, limit=run.saved.limit, tags=run.saved.tags) if run else request


def _control_planes(session: Session, world: World) -> list[str]:
    """Those that answered; those that did not are not waited for again."""
    candidates = [host for host in session.cluster.control_planes if host not in world.observation.unreached]
    answered = [host for host in candidates if host in world.observation.hosts or host == world.state.reader]
    return answered or candidates


def verify(session: Session) -> tuple[World, list[Result]]:
    """Looks at what is there, then proves it by use. Pods made for it are gone afterwards."""
    # pytest and testinfra take long to load, and no other command needs them.
    from k8snet_provision.verification import run as verification
    from k8snet_provision.verification.client import of_host, this_machine
    from k8snet_provision.verification.run import CannotVerify

    world = looking.look(session.site, session.cluster, session.hosts, session.fleet)
    if world.state.seen is None:
        return world, []
    try:
        client = of_host(session.fleet, session.client) if session.client else this_machine()
        return world, verification.run(world, session.fleet, client)
    except CannotVerify as failure:
        problem = Problem(CANNOT_VERIFY, "pytest could not run the checks", CLUSTER, found=str(failure)[-1000:])
        raise ProblemsFound([problem]) from None


def unseen(plan: Plan, cluster: Cluster) -> tuple[Incomplete, ...]:
    """What keeps `apply` from starting: without the cluster and all its control planes in sight, a part of what
    must agree would change and the other part not. A node that is off changes when it is back."""
    return tuple(item for item in plan.incomplete if item.target in (CLUSTER, *cluster.control_planes))


def errors(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    return tuple(problem for problem in problems if problem.severity is Severity.ERROR)
