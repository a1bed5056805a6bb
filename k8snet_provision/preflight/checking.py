"""The preflight of an apply: everything that concerns the plan is asked once, and everything that is wrong is said."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from k8snet_provision.capability import Site, members
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.plan import Plan
from k8snet_provision.preflight import certificates, clocks, health, ingress, judging, nodes, space, workloads
from k8snet_provision.preflight.asking import ask
from k8snet_provision.preflight.codes import refuse_unskippable
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import Probe
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

SKIPPED = "skipped by --skip"


def check(
    fleet: Fleet, world: World, site: Site, cluster: Cluster, plan: Plan, skip: Collection[str] = ()
) -> list[Problem]:
    """Why the plan should not be begun now; nothing is asked for a plan without changes. Changes nothing.

    Errors are reasons not to begin. Those whose code `skip` names come back as warnings that say so. Raises
    ProblemsFound where `skip` names what cannot be skipped.
    """
    refuse_unskippable(skip)
    if not plan.changes:
        return []
    lost = world.observation.unreached
    written = _written(site, cluster, plan)
    hosts = tuple(dict.fromkeys((*cluster.control_planes, *written)))
    loads = {host: space.load(written.get(host, ())) for host in hosts}
    asked = {host: _probes(world, cluster, host, loads[host]) for host in hosts if host not in lost}
    answers, seen = ask(fleet, asked, world.state.reader, _questions(world, plan))
    found = [judging.unreached(host, lost[host]) for host in hosts if host in lost]
    found += judging.of_hosts(answers, cluster, loads)
    found += judging.of_cluster(seen, cluster, plan)
    return [_skipped(problem) if problem.code in skip else problem for problem in found]


def _written(site: Site, cluster: Cluster, plan: Plan) -> Mapping[str, Sequence[Change]]:
    """The changes on each host. What goes through the API although it concerns a node writes nothing there."""
    direct = {phase.name: members(phase, cluster) for phase in site if not phase.capability.from_control_plane}
    found: dict[str, list[Change]] = {}
    for change in plan.changes:
        if change.target != CLUSTER and change.target in direct.get(change.phase, ()):
            found.setdefault(change.target, []).append(change)
    return found


def _probes(world: World, cluster: Cluster, host: str, load: space.Load) -> list[Probe]:
    """The clock is read first and last."""
    first, last = clocks.probes()
    control_plane = host in cluster.control_planes
    own = health.probes(world.prelude) if control_plane else ()
    return [first, space.probe(load.directories), certificates.probe(control_plane, world.prelude), *own, last]


def _questions(world: World, plan: Plan) -> list[Probe]:
    """None where no control plane read the cluster: what is not asked is unknown."""
    if not world.state.reader:
        return []
    asked = [nodes.probe(world.prelude), workloads.probe(world.prelude)]
    again = ingress.renewed(plan.changes, world.topology.ingress)
    return [*asked, *([ingress.probe(world.prelude)] if again else [])]


def _skipped(problem: Problem) -> Problem:
    return replace(problem, text=f"{problem.text}; {SKIPPED}", severity=Severity.WARNING)
