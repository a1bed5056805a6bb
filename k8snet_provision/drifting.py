"""drift: one look, compared and watched. It asks; it never writes, neither on a host nor in the cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from k8snet_provision import assets, dry_run, leaning, looking, planning, workflow
from k8snet_provision.capability import Site
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import (
    Finding,
    Report,
    Shard,
    Watch,
    accepting,
    exceptions,
    installed_look,
    looked_at,
    of_plan,
    picture,
    shards,
    watch,
    who,
)
from k8snet_provision.drift.accepting import Asked
from k8snet_provision.drift.excusing import excuse
from k8snet_provision.drift.installed_fleet import InstalledFleet
from k8snet_provision.drift.shards import Part
from k8snet_provision.engine.fleet import Output, Script
from k8snet_provision.engine.this_machine import ThisMachine
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.saved_plan import tool
from k8snet_provision.seen import World
from k8snet_provision.session import AS_FINDINGS, Request, Session


@dataclass(frozen=True)
class Judged:
    """What was made of what was seen, for one part."""

    plan: Plan
    findings: tuple[Finding, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()


@contextmanager
def session(request: Request) -> Iterator[Session]:
    """A session whose inventory is sound, its known exceptions too; raises ProblemsFound."""
    with workflow.session(request, AS_FINDINGS) as opened:
        _exceptions(opened)
        yield opened


def look(session: Session, shard: Shard | None = None, asked: Asked | None = None) -> Report:
    """Everything that is not as it should be, now; what could not be seen stands beside it, and what is excused.

    Of a shard: what its hosts have, and where it has the cluster, what the cluster has. All shards together find what
    one look at everything does. `asked`: what becomes a known exception. Raises ProblemsFound where it cannot, and
    where the exceptions are not sound.
    """
    entries = _exceptions(session)
    report = _look(session, shard)
    if asked:
        entries = accepting.accept(report, asked, session.request.inventory, entries)
    return excuse(report, entries, whole=not (session.request.limit or shard))


def site(phases: Site) -> Site:
    """All that is asked: what a plan of these phases rests on, and what is watched."""
    return (*phases, *(watched.phase for watched in _watches()))


def _watches() -> Sequence[Watch]:
    watches: Sequence[Watch] = assets.deploy_module("watched").WATCHES
    return watches


def _exceptions(session: Session) -> tuple[exceptions.Entry, ...]:
    entries, wrong = exceptions.read(session.cluster.inventory)
    if wrong:
        raise ProblemsFound(wrong)
    return entries


def _look(session: Session, shard: Shard | None) -> Report:
    started = datetime.now(UTC)
    watches, asked = _watches(), site(session.site)
    part = shards.part(session.cluster, session.hosts, session.connections, watches, shard)
    judged = _judged(session, asked, watches, part) if part.seen or part.whole else _nothing(session)
    whole = set(session.cluster.control_planes) <= set(session.hosts)
    covered = looked_at.looked_at(session.site, watches, session.cluster, part.hosts, whole)
    begun = started.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Report(
        cluster=session.cluster.name,
        inventory=str(session.request.inventory),
        started=begun,
        seconds=time.monotonic() - session.started,
        tool=tool.version(),
        facts=judged.plan.facts,
        hosts=part.hosts,
        cluster_looked_at=part.whole,
        findings=judged.findings,
        incomplete=judged.incomplete,
        notices=judged.plan.notices,
        picture=picture.places(session.cluster),
        looked_at=covered if part.whole or not whole else _without_cluster(covered),
        last_complete="" if judged.incomplete or session.request.limit else begun,
        topology=str(session.cluster.origin()),
        shard=shard,
    )


def _judged(session: Session, asked: Site, watches: Sequence[Watch], part: Part) -> Judged:
    here = ThisMachine() if session.request.cluster_from_here else None
    looks = {name: installed_look.of_host(asked, session.cluster, name) for name in _installed(session)}
    fleet = InstalledFleet(session.fleet, looks) if looks else session.fleet
    world = looking.look(asked, session.cluster, part.seen, fleet, here=here)
    world = dry_run.foresee(session.site, world)
    given = session.warnings
    plan, found, unknown = _compared(session, world, given, watches, part)
    rest = [host for host in session.hosts if host not in part.seen]
    saw_all = not rest
    if rest:
        leans = leaning.on_others(plan, given, part, lambda: _plan(session, leaning.without(world, part), given))
        if leans or leaning.misses((*plan.incomplete, *unknown), rest):
            world, saw_all = looking.further(asked, world, rest, fleet), True
            plan, found, unknown = _compared(session, world, given, watches, part)
    told = plan if part.all else leaning.of_part(plan, session.hosts, part, saw_all=saw_all)
    written = watch.written_in(watches, world, found)
    traces = _traces(fleet, who.files(told.changes, written))
    of_change = of_plan.findings(told, str(session.request.inventory), partial(who.of_change, world, traces))
    known = (replace(one, who=one.who or who.of_files(traces, one.target, written.get(one, ()))) for one in found)
    return Judged(told, (*of_change, *known), tuple(dict.fromkeys([*told.incomplete, *unknown])))


def _installed(session: Session) -> Sequence[str]:
    """The hosts that are asked by their installed look."""
    return [member.name for member in session.cluster.members] if session.request.installed_look else ()


def _traces(fleet: looking.Asked, paths: Mapping[str, Sequence[str]]) -> who.Traces:
    """What the hosts' file systems keep of these files."""
    asked = {host: Script(who.SCRIPT, who.asked(of_host), timeout=15) for host, of_host in paths.items()}
    answers = fleet.run(asked) if asked else {}
    return {
        place: told
        for host, answer in answers.items()
        if isinstance(answer, Output)
        for place, told in who.traces(host, paths[host], answer.stdout).items()
    }


def _compared(
    session: Session, world: World, given: Sequence[Problem], watches: Sequence[Watch], part: Part
) -> tuple[Plan, list[Finding], list[Incomplete]]:
    return _plan(session, world, given), *watch.ask(watches, world, part.hosts, whole=part.whole)


def _plan(session: Session, world: World, given: Sequence[Problem]) -> Plan:
    return planning.make(session.site, world, session.hosts, session.started, given)


def _nothing(session: Session) -> Judged:
    """A shard that has no host of an inventory says so, and speaks to nobody."""
    return Judged(Plan(session.cluster.name, {}))


def _without_cluster(covered: looked_at.LookedAt) -> looked_at.LookedAt:
    only = {name: tuple(target for target in targets if target != CLUSTER) for name, targets in covered.items()}
    return {name: targets for name, targets in only.items() if targets}
