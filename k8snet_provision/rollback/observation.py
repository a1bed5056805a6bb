"""What is looked at: exactly the things that the changes speak of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from k8snet_provision.capability import Capability, Phase, nothing
from k8snet_provision.change import Change, Kind
from k8snet_provision.resources import file, module, sysctl, unit
from k8snet_provision.resources.kube_object import ObjectRef
from k8snet_provision.resources.probe import Probe
from k8snet_provision.rollback import objects, rooms, secrets
from k8snet_provision.rollback.chain import Chain
from k8snet_provision.topology.cluster import GROUPS

NAME = "rollback"

PROBES = {Kind.FILE: file.probe, Kind.SYSCTL: sysctl.probe, Kind.MODULE: module.probe, Kind.UNIT: unit.probe}
"""The apiserver's certificate is looked at by its own phase, whatever the topology says."""


def phase(chains: Sequence[Chain]) -> Phase:
    """A line beside the site's own: it only looks."""
    firsts = [chain.first for chain in chains]
    made = list(rooms.made(chains))

    def probes(cluster: Any, host: str) -> Iterator[Probe]:
        return _probes(change for change in firsts if change.target == host)

    def questions(cluster: Any, prelude: str) -> Iterator[Probe]:
        yield from (rooms.question(room, prelude) for room in made)
        yield from (secrets.question(about, prelude) for change, about in _objects(firsts) if change.secret)

    def reads(cluster: Any) -> Iterator[ObjectRef]:
        return (about for change, about in _objects(firsts) if not change.secret)

    return Phase(Capability(NAME, nothing, probes=probes, reads=reads, questions=questions), hosts=GROUPS)


def _probes(changes: Iterable[Change]) -> Iterator[Probe]:
    for change in changes:
        if change.kind in PROBES:
            yield PROBES[change.kind](change.name)


def _objects(changes: Iterable[Change]) -> Iterator[tuple[Change, ObjectRef]]:
    for change in changes:
        if change.kind is Kind.OBJECT and (about := objects.ref(change)) is not None:
            yield change, about
