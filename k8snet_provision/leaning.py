"""Leaning: what a look at a part of the hosts may not say before it has seen the others too.

Some reasons to refuse are about hosts together: "no node is in the pool's network" may be true of each half of a
cluster and not of the whole. A shard that comes to such a reason looks at the rest of the hosts and judges again, which
in a cluster that is well never happens.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift.shards import Part, leaned_on
from k8snet_provision.observe import Observation
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.seen import World

UNREACHED = "host"
"""What planning calls a host that gave no answer at all."""


def on_others(plan: Plan, given: Sequence[Problem], part: Part, without: Callable[[], Plan]) -> bool:
    """Whether the cluster is refused for a reason that hosts of other shards may disprove.

    A shard that has not the cluster leaves to the one that has it what it comes to `without` its own hosts.
    """
    found = _of_cluster(plan) - frozenset(given)
    return bool(found - _of_cluster(without()) if found and not part.whole else found)


def misses(incomplete: Iterable[Incomplete], others: Collection[str]) -> bool:
    """Whether something could not be said for want of a host that is another shard's."""
    return any(item.target in others for item in incomplete)


def without(world: World, part: Part) -> World:
    """As seen by a shard that has none of these hosts."""
    kept = set(leaned_on(world.cluster))
    seen = {host: seen for host, seen in world.observation.hosts.items() if host in kept}
    unreached = {host: why for host, why in world.observation.unreached.items() if host in kept}
    return replace(world, observation=Observation(seen, unreached))


def of_part(plan: Plan, hosts: Sequence[str], part: Part, *, saw_all: bool) -> Plan:
    """What a part tells: of its own hosts, and of the cluster where it has it.

    Having looked at all hosts, it also tells why the cluster is refused: perhaps only its hosts have shown that. Of a
    host that others report on it tells that it was not reached: what depends on it was not judged here.
    """
    others = set(hosts) - set(part.hosts)
    changes = (change for change in plan.changes if _tells(part, others, change.target))
    problems = (
        problem
        for problem in plan.problems
        if _tells(part, others, target(problem)) or (saw_all and target(problem) == CLUSTER)
    )
    incomplete = (item for item in plan.incomplete if item.target not in others or item.what == UNREACHED)
    notices = (text for text in plan.notices if _tells(part, others, _told_of(text, hosts)))
    return replace(
        plan, changes=tuple(changes), problems=tuple(problems), incomplete=tuple(incomplete), notices=tuple(notices)
    )


def _tells(part: Part, others: Collection[str], target: str) -> bool:
    return target not in others and (target != CLUSTER or part.whole)


def _told_of(notice: str, hosts: Collection[str]) -> str:
    """The host that a notice begins with, as a problem does; otherwise the cluster."""
    host = notice.partition(": ")[0]
    return host if host in hosts else CLUSTER


def target(problem: Problem) -> str:
    """What a problem is about: a host, otherwise the cluster."""
    return problem.where if isinstance(problem.where, str) else CLUSTER


def _of_cluster(plan: Plan) -> frozenset[Problem]:
    return frozenset(p for p in plan.problems if p.severity is Severity.ERROR and target(p) == CLUSTER)
