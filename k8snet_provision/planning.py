"""From what was seen to the plan: each capability compares, nothing here touches a host."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TypeVar

from k8snet_provision.capability import Phase, Site, attempt, ordered
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.cluster_state import same
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Problem
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World

T = TypeVar("T")

NOT_EDITABLE = "K8N279"
PARTIAL = "cluster objects are left out: not every control plane is in --limit"


def make(site: Site, world: World, hosts: Sequence[str], started: float, problems: Sequence[Problem] = ()) -> Plan:
    """The plan for `hosts`; cluster objects are part of it when every control plane is among them."""
    asked = _Answers(world, frozenset(hosts), dict.fromkeys(problems))
    for host, why in world.observation.unreached.items():
        asked.incomplete[Incomplete(host, "host", why)] = None
    whole = set(world.cluster.control_planes) <= set(hosts)
    changes: list[Change] = []
    notices: list[str] = []
    kept = _Kept(site, asked)
    for phase in site:
        asked.problems |= dict.fromkeys(asked.of(phase.capability.refusals))
        notices += asked.of(phase.capability.notices)
        changes += _phase_changes(phase, asked, whole, kept)
    return Plan(
        name=world.cluster.name,
        facts=facts(world) | {name: value for phase in site for name, value in attempt(phase.capability.facts, world)},
        changes=tuple(_once(changes)),
        incomplete=tuple(asked.incomplete),
        problems=tuple(asked.problems),
        notices=tuple(dict.fromkeys([*notices, *([] if whole else [PARTIAL])])),
        seconds=time.monotonic() - started,
    )


def _phase_changes(phase: Phase, asked: _Answers, whole: bool, kept: _Kept) -> Iterable[Change]:
    """The cluster's first; what goes through the API is left out together with the cluster's objects."""
    capability, world = phase.capability, asked.world
    if whole:
        for manifest in asked.of(capability.manifests):
            yield from asked.of(partial(_object_change, phase, manifest))
        yield from asked.of(capability.cluster_changes)
        yield from asked.of(lambda world: _pruned(phase, world, kept))
    if whole or not capability.from_control_plane:
        for host in ordered(phase, world):
            if host in asked.hosts and host in world.observation.hosts:
                yield from asked.of(capability.host_changes, host)


@dataclass
class _Answers:
    """Asks capabilities, and keeps why some of them could not answer. Dictionaries, for their order."""

    world: World
    hosts: frozenset[str]
    problems: dict[Problem, None]
    incomplete: dict[Incomplete, None] = field(default_factory=dict)

    def of(self, function: Callable[..., Iterable[T]], *host: str) -> list[T]:
        """Everything the function of a capability gives, or nothing."""
        try:
            return list(function(self.world, *host))
        except Unknown as unknown:
            # What --limit leaves out is not missed where the whole site is looked at.
            elsewhere = {member.name for member in self.world.cluster.members} - self.hosts
            if host or unknown.target not in elsewhere:
                self.incomplete[Incomplete(unknown.target, unknown.what, unknown.why)] = None
        except EditRefused as refused:
            self.problems[_not_editable(refused, *host)] = None
        return []


def _not_editable(refused: EditRefused, where: str = CLUSTER) -> Problem:
    """For a capability that does not tell by itself which of its texts cannot be edited."""
    place = f"{refused.file}:{refused.line}" if refused.file and refused.line else refused.file
    return Problem(NOT_EDITABLE, refused.text, where, found=place, hint=refused.hint)


def _once(changes: Sequence[Change]) -> Iterable[Change]:
    """An object that is deleted and made again is made as every phase wants it: no later phase changes it."""
    made = {change.address: change for change in reversed(changes) if change.details.get("how") == kube_object.RECREATE}
    return (change for change in changes if made.get(change.address, change) is change)


def _object_change(phase: Phase, manifest: Manifest, world: World) -> Iterable[Change]:
    live, wanted = world.live(ObjectRef.of(manifest)), world.after_apply(manifest)
    if added := kube_object.added_keys(live, manifest):
        wanted = {**wanted, "data": {k: v for k, v in wanted.get("data", {}).items() if k not in added}}
        yield from kube_object.change(phase.name, live, wanted, how="replace")
    else:
        yield from kube_object.change(phase.name, live, wanted, send=manifest)


@dataclass
class _Kept:
    """Which of our objects are still asked for, by any phase; asked once, and not at all where nothing is ours.

    A section that was left out of the topology asks for nothing: what it owns is left as it is.
    """

    site: Site
    asked: _Answers

    @cached_property
    def wanted(self) -> dict[str, set[ObjectRef]]:
        """By owner. Raises Unknown: an object that may still be wanted is not deleted."""
        found: dict[str, set[ObjectRef]] = {}
        for phase in self.site:
            for manifest in phase.capability.manifests(self.asked.world):
                found.setdefault(kube_object.owner(manifest), set()).add(ObjectRef.of(manifest))
        return found

    @cached_property
    def managed(self) -> frozenset[str]:
        """Owners whose section the topology has."""
        cluster = self.asked.world.cluster
        said = {phase.name: phase.capability.managed for phase in self.site}
        return frozenset({name for name, managed in said.items() if managed and managed(cluster)}).union(
            owner for owner, wanted in self.wanted.items() if wanted
        )


def _pruned(phase: Phase, world: World, kept: _Kept) -> Iterable[Change]:
    for item in world.state.owned:
        owner = kube_object.owner(item)
        if owner not in phase.capability.prunes or owner not in kept.managed:
            continue
        if not any(same(ref, item) for ref in kept.wanted.get(owner, ())):
            yield from kube_object.change(phase.name, item, None, because="no longer asked for")


def facts(world: World) -> dict[str, str]:
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
