"""Fields that the topology manages and another manager has taken over, while their values are still as wanted.

Where a value differs the plan tells, and apply takes the field back. Here nothing differs yet: whoever took it over
goes on writing it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from deploys.site import SITE
from deploys.watched.found import found
from k8snet_provision.capability import Capability, attempt, nothing
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Code, Finding, Watch
from k8snet_provision.resources import ownership
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.ownership import Taken
from k8snet_provision.seen import World


def in_cluster(world: World, capability: Capability) -> Iterator[Finding]:
    for manifest in attempt(capability.manifests, world):
        ref = ObjectRef.of(manifest)
        live = world.live(ref)
        taken = _only_taken(world, live, manifest) if live is not None else []
        if taken:
            yield _finding(world, capability.name, ref, taken)


def _only_taken(world: World, live: Manifest, manifest: Manifest) -> list[Taken]:
    """Without the fields whose values differ. Raises Unknown."""
    taken = ownership.taken_over(live, manifest)
    told = ownership.differing(live, world.after_apply(manifest)) if taken else []
    return [one for one in taken if not any(ownership.touch(one.path, path) for path in told)]


def _finding(world: World, capability: str, ref: ObjectRef, taken: Iterable[Taken]) -> Finding:
    """Whoever takes a field over again and again does the same thing: when it did is no part of its identity."""
    fields: dict[str, list[str]] = {}
    when: dict[str, str] = {}
    for one in taken:
        manager = f"{one.manager} ({one.operation})"
        fields.setdefault(manager, []).append(one.path)
        when[manager] = max(one.time, when.get(manager, ""))
    before = "".join(f"{path}: {manager}\n" for manager, paths in fields.items() for path in paths)
    after = "".join(f"{path}: k8snet-provision\n" for paths in fields.values() for path in paths)
    who = "; ".join(f"{manager} at {time}" if time else manager for manager, time in when.items())
    mend = f"keep {' and '.join(fields)} from it; the next apply that changes these fields takes them back"
    return found(
        world, Code.TAKEN_OVER, CLUSTER, capability, str(ref), "has fields that another manager has taken over",
        before=before, after=after, mend=mend, who=who,
    )  # fmt: skip


WATCHES = tuple(
    Watch(phase.name, in_cluster=partial(in_cluster, capability=phase.capability))
    for phase in SITE
    if phase.capability.manifests is not nothing
)
