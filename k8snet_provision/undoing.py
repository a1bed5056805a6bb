"""What undoes changes that were made: the same kinds of changes, turned round. Pure, like the plan itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from k8snet_provision.capability import Capability
from k8snet_provision.change import Change, Kind
from k8snet_provision.resources import kube_object

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
