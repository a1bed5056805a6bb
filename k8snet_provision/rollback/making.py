"""From the runs that are meant to the plan that undoes them: looked at first, refused as a whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from k8snet_provision import commit_confirm, etcd_snapshot, forecast, looking, run_lock, undoing
from k8snet_provision.around import known_runs
from k8snet_provision.capability import Phase, Site, attempt
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.forecast import Forecast
from k8snet_provision.plan import Plan
from k8snet_provision.planning import facts
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.rollback import observation, order, secrets, selection
from k8snet_provision.rollback.chain import chains
from k8snet_provision.rollback.codes import Code
from k8snet_provision.rollback.order import Arranged
from k8snet_provision.rollback.selection import Known
from k8snet_provision.rollback.standing import Found, Standing, look_at
from k8snet_provision.rollback.undo import Before, Undone, undo
from k8snet_provision.rollout.batches import batches
from k8snet_provision.runs import mirror
from k8snet_provision.runs.model import Run
from k8snet_provision.seen import World
from k8snet_provision.workflow import Session


@dataclass(frozen=True)
class Rollback:
    """`runs` newest first; none where there is nothing to roll back. `site` is in the order of undoing."""

    runs: tuple[Run, ...]
    plan: Plan
    site: tuple[Phase, ...]
    world: World | None = None
    foretold: Forecast | None = None


def make(session: Session, ids: Sequence[str]) -> Rollback:
    """Changes nothing anywhere. Raises ProblemsFound with everything for which it is refused."""
    known = Known.of(known_runs(session.fleet, session.cluster.control_planes, session.request.inventory))
    chosen = selection.choose(known, ids)
    if not chosen:
        return Rollback((), Plan(session.cluster.name, {}), ())
    problems = [*_in_the_way(session, chosen), *selection.in_the_way(known, chosen)]
    done: list[tuple[str, list[Change]]] = []
    for run in reversed(chosen):
        try:
            done.append((run.id, _changes(run, session)))
        except ProblemsFound as found:
            problems += found.problems
    problems += _not_here([change for _, changes in done for change in changes], session)
    if problems:
        raise ProblemsFound(problems)
    look = observation.phase(chains(done))
    world = looking.look([*session.site, look], session.cluster, session.hosts, session.fleet)
    apart = {phase.name for phase in session.site if phase.capability.backwards}
    return _planned(session, known, chosen, look_at(done, world, apart), world)


def _in_the_way(session: Session, chosen: Iterable[Run]) -> list[Problem]:
    """Other runs that are under way, go back by themselves or wait to be confirmed: what is seen now will not stay.

    One of `chosen` may wait: it goes back now, and is confirmed to be gone afterwards.
    """
    other = run_lock.under_way(session.fleet, session.cluster.control_planes, session.lock_path)
    told, own = commit_confirm.look(session.fleet, session.hosts), {run.id for run in chosen}
    others = {
        host: tuple(found for found in waiting if not (found.run in own and found.state == "armed"))
        for host, waiting in told.waiting.items()
    }
    return [*([other] if other else []), *commit_confirm.in_the_way(replace(told, waiting=others))]


def _changes(run: Run, session: Session) -> list[Change]:
    """What the run began, with the phases of the site table, and with its secrets from where they are kept."""

    def kept(run_id: str) -> Mapping[str, Manifest | None]:
        problems: list[Problem] = []
        for host in session.cluster.control_planes:
            try:
                return mirror.secrets(session.fleet, host, run_id)
            except ProblemsFound as found:
                problems += found.problems
        raise ProblemsFound(problems)

    changes = [replace(change, phase=order.base(change.phase)) for change in selection.changes(run)]
    return secrets.with_secrets(run.id, changes, kept)


def _not_here(changes: Sequence[Change], session: Session) -> list[Problem]:
    """What can neither be looked at nor be undone."""
    hosts = dict.fromkeys(change.target for change in changes if change.target not in (CLUSTER, *session.hosts))
    phases = {phase.name for phase in session.site}
    unknown = dict.fromkeys(change.phase for change in changes if change.phase not in phases)
    text = "a host that the run changed is not in the inventory any more"
    hint = "put it there again, with the roles it had"
    return [
        *(Problem(Code.NO_HOST, text, host, hint=hint) for host in hosts),
        *(Problem(Code.NO_PHASE, "this version has no such phase", "rollback", phase) for phase in unknown),
    ]


def _planned(session: Session, known: Known, chosen: Sequence[Run], found: Found, world: World) -> Rollback:
    undone: list[Undone] = []
    together, there = Arranged(), world
    for run in chosen:
        standing = next(item for item in found.standing if item.run == run.id)
        earlier = [other for other in known.unfinished(chosen) if run.id in selection.rolls_back(other)]
        undone.append(_undone(run, standing, session, earlier, world))
        before = undoing.world_after(there, standing.in_effect)
        there = undoing.world_after(before, undone[-1].changes)
        of = run.id.rpartition("-")[2] if len(chosen) > 1 else ""
        together += order.arranged(undone[-1].changes, session.site, before, there, of)
    if problems := [*found.problems, *(problem for item in undone for problem in item.problems)]:
        raise ProblemsFound(problems)
    plan = Plan(
        session.cluster.name,
        facts(world),
        together.changes,
        tuple(found.incomplete),
        notices=tuple(dict.fromkeys(notice for item in undone for notice in item.notices)),
        seconds=time.monotonic() - session.started,
    )
    there = undoing.world_after(world, together.changes)
    return Rollback(tuple(chosen), plan, together.site, there, _foretold(session, plan, together.site, known.runs))


def _foretold(session: Session, plan: Plan, site: Site, runs: Sequence[Run]) -> Forecast | None:
    """A phase takes as long to go back as it took to come."""
    made = forecast.of(plan, site, session.cluster, runs, batches, measured_as=order.base)
    return made and made.after(forecast.beginning(plan, runs, etcd_snapshot.needed(plan)))


def _undone(run: Run, standing: Standing, session: Session, earlier: Sequence[Run], world: World) -> Undone:
    begun = _batches(batch for other in earlier for batch in other.begun)
    passed = _batches(batch for other in earlier for batch in other.timings)
    made = undo(standing, session.site, world, Before(begun, passed), _batches(run.put_back))
    made.changes += _left_over(standing, session.site, world, {change.phase for change in made.changes})
    return made


def _left_over(standing: Standing, site: Site, world: World, undone: Collection[str]) -> Iterator[Change]:
    """Of phases of which nothing is undone: the steps that undo something leave nothing behind either."""
    begun = {change.phase for change in standing.settled} - {*undone}
    for phase in site:
        if phase.name in begun:
            yield from attempt(phase.capability.left_over, world)


def _batches(told: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    return frozenset((order.base(phase), target) for phase, target in told)
