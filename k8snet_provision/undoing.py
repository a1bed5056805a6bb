"""What undoes changes that were made: the same kinds of changes, turned round. Pure, like the plan itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from k8snet_provision.capability import Capability
from k8snet_provision.change import Change, Kind
from k8snet_provision.resources import kube_object
from k8snet_provision.seen import World

INVERTIBLE = (Kind.FILE, Kind.SYSCTL, Kind.UNIT, Kind.MODULE)

STARTS = (Kind.RESTART, Kind.RELOAD)
"""Made once more as they are, so that the old definition takes effect."""


def undone(capability: Capability, changes: Sequence[Change]) -> list[Change]:
    """The changes that undo `changes`: all of one target in one phase, as they were made.

    In the order in which they have to be carried out. A package stays installed, packet rules that nobody works
    by are not made again.
    """
    return list((capability.undone or simply)(changes))


def simply(changes: Iterable[Change]) -> Iterator[Change]:
    """Each change turned round, the last one first; starts come last."""
    told = list(changes)
    for change in reversed(told):
        if (back := turned(change)) is not None:
            yield back
    yield from (change for change in told if change.kind in STARTS)


def turned(change: Change) -> Change | None:
    """The change that makes one thing what it was; None for what is not undone by itself."""
    if change.kind in INVERTIBLE:
        return replace(change.inverted(), because="")
    if change.kind is Kind.OBJECT and (back := kube_object.undone(change)) is not None:
        return replace(back, because="")
    return None


def world_after(world: World, changes: Iterable[Change]) -> World:
    """The same look with a topology whose service range is the one that `changes` make.

    For gates: what a phase's own changes do not say they take from the topology, in which a range that is undone
    is still the wanted one.
    """
    made = {change.name: _spec(change) for change in changes if change.kind is Kind.OBJECT and change.after is not None}
    topology = world.topology
    if cidrs := made.get("ServiceCIDR kubernetes", {}).get("cidrs"):
        topology = topology.model_copy(update={"service_cidr": tuple(map(ip_network, cidrs))})
    address = made.get("Service kube-system/kube-dns", {}).get("clusterIP")
    if address and topology.dns is not None:
        dns = topology.dns.model_copy(update={"address": ip_address(address)})
        topology = topology.model_copy(update={"dns": dns})
    return replace(world, cluster=replace(world.cluster, topology=topology))


def _spec(change: Change) -> dict[str, Any]:
    spec = json.loads(change.details.get("manifest", "{}")).get("spec")
    return spec if isinstance(spec, dict) else {}
