"""From what was seen to the plan: each capability compares, nothing here touches a host."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from k8snet_provision.capability import Phase, Site, attempt, members
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.cluster_state import same
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Problem
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World

NOT_EDITABLE = "K8N279"
PARTIAL = "cluster objects are left out: not every control plane is in --limit"


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
            if unknown.target in left_out and arguments[-1] is world:
                return  # what --limit leaves out is not missed where the whole site is looked at
            incomplete[Incomplete(unknown.target, unknown.what, unknown.why)] = None
        except EditRefused as refused:
            refusals[_not_editable(refused, arguments[-1])] = None

    left_out = {member.name for member in world.cluster.members} - set(hosts)
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
        facts=_facts(world) | {name: value for phase in site for name, value in attempt(phase.capability.facts, world)},
        changes=tuple(_once(changes)),
        incomplete=tuple(incomplete),
        problems=tuple(refusals),
        notices=(
            *notices,
            *(() if whole else (PARTIAL,)),
        ),
        seconds=time.monotonic() - started,
    )


def _not_editable(refused: EditRefused, about: object) -> Problem:
    """For a capability that does not tell by itself which of its texts cannot be edited."""
    place = f"{refused.file}:{refused.line}" if refused.file and refused.line else refused.file
    return Problem(
        NOT_EDITABLE, refused.text, about if isinstance(about, str) else CLUSTER, found=place, hint=refused.hint
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
