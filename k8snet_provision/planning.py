"""From hosts to plan: look at everything once, ask the server for a dry run, compare."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from k8snet_provision import cluster_state
from k8snet_provision.capability import Phase
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.cluster_state import ClusterState, same
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.observe import Observation, compose, decode, new_boundary
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Problem
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import HostSeen, Probe, State, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

Site = Sequence[Phase]
T = TypeVar("T")

REFUSED_BY_SERVER = "K8N301"
OBSERVATION_TIMEOUT = 60.0
"""Seconds for one host's script, once connected; the slowest part is kubectl's answer."""

PARTIAL = "cluster objects are left out: not every control plane is in --limit"


def members(phase: Phase, cluster: Cluster) -> tuple[str, ...]:
    """The hosts of a phase in the inventory's order, each once; CLUSTER is no host."""
    groups = {host for group in phase.hosts if group != CLUSTER for host in cluster.having(group)}
    return tuple(member.name for member in cluster.members if member.name in groups)


def look(site: Site, cluster: Cluster, hosts: Sequence[str], fleet: Fleet) -> World:
    """Observes `hosts` with one script each; the first control plane reached also reads the cluster."""
    reached = fleet.connect(hosts)
    readers = [host for host in cluster.control_planes if host in reached and reached[host] is None]
    probes = {host: list(_host_probes(site, cluster, host)) for host in hosts if reached[host] is None}
    reads = list(cluster_state.probes(_prelude(cluster), _refs(site, cluster)))
    for host in readers[:1]:
        probes[host] += reads
    seen, lost = _run(fleet, probes)
    state = _state(fleet, readers, reads, seen)
    unreached = {host: failure.reason for host, failure in reached.items() if failure is not None}
    return World(cluster, Observation(seen, unreached | lost), state)


def _prelude(cluster: Cluster) -> str:
    control_plane = cluster.topology.control_plane
    return cluster_state.kubectl(control_plane.kubectl, control_plane.kubeconfig)


def _refs(site: Site, cluster: Cluster) -> set[ObjectRef]:
    return {ref for phase in site for ref in phase.capability.reads(cluster)}


def _host_probes(site: Site, cluster: Cluster, host: str) -> Iterable[Probe]:
    probes = {
        probe.key: probe
        for phase in site
        if host in members(phase, cluster)
        for probe in phase.capability.probes(cluster, host)
    }
    return probes.values()


def _run(fleet: Fleet, probes: dict[str, list[Probe]]) -> tuple[dict[str, HostSeen], dict[str, str]]:
    boundary = new_boundary()
    scripts = {host: Script(compose(asked, boundary), timeout=OBSERVATION_TIMEOUT) for host, asked in probes.items()}
    seen, lost = {}, {}
    for host, answer in fleet.run(scripts).items():
        if isinstance(answer, Unreachable):
            lost[host] = answer.reason
        else:
            seen[host] = decode(host, probes[host], boundary, answer.stdout)
    return seen, lost


def _state(fleet: Fleet, readers: Sequence[str], reads: list[Probe], seen: dict[str, HostSeen]) -> ClusterState:
    """The cluster as the first control plane saw whose API server answered; the others are asked in turn."""
    why = "no control-plane host could be reached"
    for index, reader in enumerate(readers):
        answers = seen.get(reader) if index == 0 else _run(fleet, {reader: reads})[0].get(reader)
        version = answers.answers["cluster:version"] if answers else None
        if version and version.state is State.PRESENT:
            return ClusterState(answers, reader=reader)
        why = f"{reader}: {version.why}" if version else f"{reader}: lost while it was read"
    return ClusterState(None, why)


def ask_dry_run(site: Site, world: World, fleet: Fleet) -> tuple[World, list[Problem]]:
    """Adds to the world what the API server would make of our manifests."""
    manifests = [manifest for phase in site for manifest in _attempt(phase.capability.manifests, world)]
    if not manifests or world.state.seen is None:
        return world, []
    # The server cannot try out an object whose namespace the same plan creates.
    namespaces = {m["metadata"]["name"] for m in manifests if m["kind"] == "Namespace"}
    asked = [m for m in manifests if m["metadata"].get("namespace", "") not in namespaces]
    script = Script(cluster_state.dry_run(world.prelude), json.dumps(_as_list(asked)).encode())
    answer = fleet.run({world.state.reader: script})[world.state.reader]
    if isinstance(answer, Unreachable):
        return replace(world, state=ClusterState(None, answer.reason)), []
    if answer.code != 0:
        return world, [_refusal(answer)]
    results = json.loads(answer.stdout)
    items = results["items"] if results["kind"] == "List" else [results]
    return replace(world, state=replace(world.state, dry={ObjectRef.of(item): item for item in items})), []


def _as_list(items: Sequence[Manifest]) -> Manifest:
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def _refusal(answer: Output) -> Problem:
    said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()
    return Problem(
        REFUSED_BY_SERVER,
        "the API server refuses what the topology asks for",
        CLUSTER,
        found=said[-1000:],
        hint="nothing was changed; mend the topology or the cluster and run diff again",
    )


def _attempt(function: Callable[..., Iterable[T]], *arguments: Any) -> list[T]:
    """A capability that cannot say what it wants is reported when its changes are asked for."""
    try:
        return list(function(*arguments))
    except Unknown:
        return []


def make(site: Site, world: World, hosts: Sequence[str], started: float, problems: Sequence[Problem] = ()) -> Plan:
    """The plan for `hosts`; cluster objects are part of it when every control plane is among them."""
    changes: list[Change] = []
    incomplete: dict[Incomplete, None] = {}
    refusals: dict[Problem, None] = dict.fromkeys(problems)
    notices: dict[str, None] = {}

    def collect(into: Callable[[list[Any]], None], function: Callable[..., Iterable[Any]], *arguments: Any) -> None:
        try:
            into(list(function(*arguments)))
        except Unknown as unknown:
            incomplete[Incomplete(unknown.target, unknown.what, unknown.why)] = None

    for host, why in world.observation.unreached.items():
        incomplete[Incomplete(host, "host", why)] = None
    whole = set(world.cluster.control_planes) <= set(hosts)
    for phase in site:
        capability = phase.capability
        collect(lambda found: refusals.update(dict.fromkeys(found)), capability.refusals, world)
        collect(lambda found: notices.update(dict.fromkeys(found)), capability.notices, world)
        if whole:
            collect(changes.extend, _object_changes, phase, world)
            collect(changes.extend, capability.cluster_changes, world)
        for host in members(phase, world.cluster) if whole or not capability.from_control_plane else ():
            if host in hosts and host in world.observation.hosts:
                collect(changes.extend, capability.host_changes, world, host)
    return Plan(
        name=world.cluster.name,
        facts=_facts(world)
        | {name: value for phase in site for name, value in _attempt(phase.capability.facts, world)},
        changes=tuple(_once(changes)),
        incomplete=tuple(incomplete),
        problems=tuple(refusals),
        notices=(
            *notices,
            *(() if whole else ("cluster objects are left out: not every control plane is in --limit",)),
        ),
        seconds=time.monotonic() - started,
    )


def _once(changes: Sequence[Change]) -> Iterable[Change]:
    """An object that is deleted and made again is made as every phase wants it: no later phase changes it."""
    made = {change.address: change for change in reversed(changes) if change.details.get("how") == kube_object.RECREATE}
    return (change for change in changes if made.get(change.address, change) is change)


def _object_changes(phase: Phase, world: World) -> Iterable[Change]:
    manifests = list(phase.capability.manifests(world))
    for manifest in manifests:
        live = world.live(ObjectRef.of(manifest))
        yield from kube_object.change(phase.name, live, world.after_apply(manifest), send=manifest)
    wanted = {ObjectRef.of(manifest) for manifest in manifests}
    for item in world.state.owned:
        if kube_object.owner(item) == phase.name and not any(same(ref, item) for ref in wanted):
            yield from kube_object.change(phase.name, item, None, because="no longer asked for")


def _facts(world: World) -> dict[str, str]:
    def read(get: Callable[[], str]) -> str:
        try:
            return get()
        except Unknown:
            return "unknown"

    return {
        "kubernetes": read(lambda: world.state.version),
        "control planes": str(len(world.cluster.control_planes)),
        "nodes": str(len(world.cluster.nodes)),
    }
