"""What the two catalogues share: objects of somebody else's are never taken over, and a namespace must be there."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence
from typing import Protocol

from k8snet_provision.problems import Origin, Problem
from k8snet_provision.resources.kube_object import (
    CAPABILITY_LABEL,
    FIELD_MANAGER,
    OWNED_LABEL,
    Manifest,
    ObjectRef,
    owner,
)
from k8snet_provision.seen import World

NO_NAMESPACE = "K8N340"
NOT_OURS = "K8N341"


class Entry(Protocol):
    """An entry of a catalogue: its objects are in one namespace."""

    @property
    def namespace(self) -> str: ...


def namespace_of(entry: Entry) -> ObjectRef:
    return ObjectRef("v1", "Namespace", entry.namespace)


def problems(
    world: World,
    capability: str,
    entries: Sequence[Entry],
    objects: Callable[[int], Sequence[Manifest]],
    made_before: Container[str],
) -> Iterator[Problem]:
    """Why entries of the catalogue `capability` cannot be had. `objects` gives those of an entry by its index;
    `made_before` are namespaces that earlier phases of the same plan make. Raises Unknown."""
    for index, entry in enumerate(entries):
        if entry.namespace not in made_before and world.live(namespace_of(entry)) is None:
            yield Problem(
                NO_NAMESPACE,
                f"the namespace {entry.namespace} is not there",
                _origin(world, capability, index, "namespace"),
                hint=f"make it first (kubectl create namespace {entry.namespace}), or choose another",
            )
            continue
        for manifest in objects(index):
            live = world.live(ObjectRef.of(manifest))
            if live is not None and owner(live) != capability:
                yield _not_ours(capability, live, _origin(world, capability, index, "name"))


def _origin(world: World, capability: str, index: int, key: str) -> Origin:
    return world.cluster.origin(capability, index, key)


def _not_ours(capability: str, live: Manifest, where: Origin) -> Problem:
    ref, other = ObjectRef.of(live), owner(live)
    if other:
        hint = "choose another name: that object comes from another part of the topology"
    else:
        labels = f"{OWNED_LABEL}={FIELD_MANAGER} {CAPABILITY_LABEL}={capability}"
        command = f"kubectl -n {ref.namespace} label --overwrite {ref.kind.lower()} {ref.name} {labels}"
        hint = f"delete it, choose another name, or hand it over: {command}"
    return Problem(NOT_OURS, f"{ref} is there and belongs to {other or 'somebody else'}", where, hint=hint)
