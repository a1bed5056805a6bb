"""The order of undoing: three passes over the site table.

First what was deleted comes back, last phase first; then what was changed goes back in the site's own order, the one
in which each step finds what it needs; then what was made goes, last phase first. Before all of it go the webhooks that
were made, and those that were deleted come back after it: what they ask must be there as long as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from k8snet_provision.capability import Gate, Phase, Site, ordered
from k8snet_provision.change import CLUSTER, Action, Change, Kind
from k8snet_provision.seen import World

MADE_AGAIN, TAKEN_AWAY = ": made again", ": taken away"
"""How the phases of the first and of the last pass are called after those of the site table."""
WEBHOOK_AWAY, WEBHOOK_AGAIN = ": webhook taken away", ": webhook made again"

NEVER_ALONE = (Kind.RESTART, Kind.RELOAD, Kind.TRAFFIC)

FIRST = ("Namespace ", "CustomResourceDefinition ", "ServiceAccount ", "ConfigMap ", "Secret ")
"""Objects without which others cannot be."""
LAST = ("ValidatingWebhookConfiguration ", "MutatingWebhookConfiguration ")
"""Objects that refuse others as soon as they are there, or as soon as nobody answers them."""


OF = " of "
"""Stands before the run, where several are rolled back together."""


def base(phase: str) -> str:
    """The phase of the site table, also of a run that was a rollback itself."""
    return phase.partition(": ")[0].partition(OF)[0]


@dataclass(frozen=True)
class Arranged:
    """Changes and phases in the order in which they are carried out; each phase is in it once."""

    changes: tuple[Change, ...] = ()
    site: tuple[Phase, ...] = ()

    def __add__(self, later: Arranged) -> Arranged:
        return Arranged((*self.changes, *later.changes), (*self.site, *later.site))


def arranged(changes: Sequence[Change], site: Site, before: World, after: World, of: str = "") -> Arranged:
    """`changes` are the undone ones; `of` tells the phases of one run from those of others.

    Gates go by the service range that is there then: `before` them what comes back first is judged, `after` them the
    rest, as in an apply.
    """
    passes: dict[str, list[Change]] = {name: [] for name in (WEBHOOK_AWAY, MADE_AGAIN, "", TAKEN_AWAY, WEBHOOK_AGAIN)}
    for together in _units(changes):
        passes[_pass(together)] += together
    made: list[Change] = []
    phases: list[Phase] = []
    for suffix, found in passes.items():
        for phase in _turned(site) if suffix == "" else tuple(reversed(site)):
            own = [change for change in found if change.phase == phase.name]
            if own:
                name = phase.name + (f"{OF}{of}" if of else "") + suffix
                phases.append(_called(phase, name, before if suffix in (WEBHOOK_AWAY, MADE_AGAIN) else after))
                placed = _within(own if suffix else _turned_back(phase, own), suffix, _hosts(phase, before))
                made += [replace(change, phase=name) for change in placed]
    return Arranged(tuple(made), tuple(phases))


def _turned_back(phase: Phase, own: Sequence[Change]) -> list[Change]:
    """Cluster objects that go back in the phase's own order again: a ConfigMap before the Pods that read it.

    Undoing turns them round, which is right where they are made or deleted; a phase with a way of its own knows better.
    """
    objects = iter([change for change in reversed(own) if _is_plain(phase, change)])
    return [next(objects) if _is_plain(phase, change) else change for change in own]


def _is_plain(phase: Phase, change: Change) -> bool:
    return change.kind is Kind.OBJECT and change.target == CLUSTER and phase.capability.undone is None


def _turned(site: Site) -> list[Phase]:
    """Those that are undone after all that came later are turned round, and come last."""
    forwards = [phase for phase in site if not phase.capability.backwards]
    return [*forwards, *(phase for phase in reversed(site) if phase.capability.backwards)]


def _units(changes: Sequence[Change]) -> list[list[Change]]:
    """A host's changes of one phase stay together, cluster objects are placed one by one."""
    found: dict[tuple[str, str, str], list[Change]] = {}
    for change in changes:
        alone = f"{change.kind}:{change.name}" if change.target == CLUSTER else ""
        found.setdefault((change.phase, change.target, alone), []).append(change)
    return list(found.values())


def _pass(together: Sequence[Change]) -> str:
    actions = {Action.UPDATE if change.kind in NEVER_ALONE else change.action for change in together}
    is_webhook = together[0].kind is Kind.OBJECT and together[0].name.startswith(LAST)
    if actions == {Action.CREATE}:
        return WEBHOOK_AGAIN if is_webhook else MADE_AGAIN
    if actions == {Action.DELETE}:
        return WEBHOOK_AWAY if is_webhook else TAKEN_AWAY
    return ""


def _called(phase: Phase, name: str, world: World) -> Phase:
    gates = tuple(replace(gate, script=partial(_judged_in, world, gate)) for gate in phase.capability.gates)
    return replace(phase, capability=replace(phase.capability, name=name, gates=gates))


def _judged_in(world: World, gate: Gate, _: World, host: str, changes: Sequence[Change]) -> str | None:
    return gate.script(world, host, changes)


def _hosts(phase: Phase, world: World) -> Sequence[str]:
    return (CLUSTER, *ordered(phase, world))


def _within(own: Sequence[Change], suffix: str, hosts: Sequence[str]) -> list[Change]:
    """The cluster's changes, then each host's, as the phase orders its hosts."""
    place = {host: number for number, host in enumerate(hosts)}
    turned = sorted(own, key=_rank, reverse=suffix == TAKEN_AWAY) if suffix else own
    return sorted(turned, key=lambda change: place.get(change.target, len(place)))


def _rank(change: Change) -> int:
    """Lower ones are made before others and taken away after them."""
    if change.kind is not Kind.OBJECT:
        return len(FIRST)
    return next((number for number, kind in enumerate(FIRST) if change.name.startswith(kind)), len(FIRST))
