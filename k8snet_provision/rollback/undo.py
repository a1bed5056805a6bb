"""What undoes a run, made from what of it is in effect now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from k8snet_provision import undoing
from k8snet_provision.capability import Site
from k8snet_provision.change import CLUSTER, Action, Change, Kind
from k8snet_provision.engine.rooms import KINDS
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import BY_APISERVER, RECREATE, to_text, version_of, without_noise
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.rollback import objects, rooms, secrets
from k8snet_provision.rollback.codes import Code
from k8snet_provision.rollback.standing import Standing
from k8snet_provision.seen import World

STAYS = (Kind.PACKAGE, Kind.CERTIFICATE)
"""Kinds that are named where they stay as they are; packet rules that nobody works by are not missed."""

PLAIN = ("apply", "replace", "create", "delete", RECREATE)
"""Ways in which an object changes by itself."""

Batch = tuple[str, str]
"""Phase of the site table and target."""


@dataclass(frozen=True)
class Before:
    """What earlier rollbacks of the run that came to no end had begun, and what of that had passed its gates."""

    begun: frozenset[Batch] = frozenset()
    passed: frozenset[Batch] = frozenset()


@dataclass
class Undone:
    """The changes that undo a run; what stays, and why it may not be undone at all."""

    changes: list[Change] = field(default_factory=list)
    notices: dict[str, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def undo(standing: Standing, site: Site, world: World, before: Before, put_back: frozenset[Batch]) -> Undone:
    """Nothing where nothing that can be seen is in effect: what restarted for it did so again, too.

    `put_back` are batches that the run itself put back.
    """
    found = Undone()
    if not standing.in_effect and not before.begun:
        return found
    capabilities = {phase.name: phase.capability for phase in site}
    passed = before.passed | put_back
    unseen = [change for change in standing.unseen if (change.phase, change.target) not in passed]
    for (phase, target), changes in _batches([*standing.in_effect, *unseen]).items():
        back = [_started_for_it(change, unseen) for change in undoing.undone(capabilities[phase], changes)]
        back += _started_again(standing.settled, (phase, target), before)
        found.changes += _kept(_as_they_are(back, changes, standing, world), changes, world, found)
    for batch in before.begun - before.passed:
        if not any((change.phase, change.target) == batch for change in (*standing.in_effect, *unseen)):
            found.changes += _started_again(standing.settled, batch, before)
    return found


def _started_for_it(back: Change, unseen: Sequence[Change]) -> Change:
    """A start that is made once more as it was: its reason was the run's."""
    return replace(back, because="so that the old definition takes effect") if back in unseen else back


def _batches(changes: Iterable[Change]) -> dict[Batch, list[Change]]:
    found: dict[Batch, list[Change]] = {}
    for change in changes:
        found.setdefault((change.phase, change.target), []).append(change)
    return found


def _started_again(settled: Iterable[Change], batch: Batch, before: Before) -> Iterator[Change]:
    """Units whose files an earlier rollback wrote before it was cut short: they may still work by the others."""
    if batch not in before.begun - before.passed:
        return
    because = "an earlier rollback ended before it was seen to work by its old definition"
    for change in settled:
        if (change.phase, change.target) != batch:
            continue
        back = change.inverted()
        for kind, units in ((Kind.RESTART, change.restarts), (Kind.RELOAD, change.reloads)):
            for unit in units:
                started = replace(back, kind=kind, name=unit, before="", after="", because=because)
                yield replace(started, restarts=(), reloads=())


def _as_they_are(
    back: Iterable[Change], changes: Sequence[Change], standing: Standing, world: World
) -> Iterator[Change]:
    done = {change.address: change for change in changes}
    for change in back:
        forward = done.get(change.address)
        how = change.details.get("how")
        comparable = change.kind is Kind.OBJECT and how in (*PLAIN, BY_APISERVER)
        if not comparable or forward is None or objects.ref(forward) is None:
            yield change
            continue
        newest = forward.address in standing.newest
        live = _live(forward, world) if newest else _left(forward)
        if newest and not forward.secret and objects.is_half_way(forward, live):
            yield replace(change, before=None if live is None else to_text(live))
        elif how in PLAIN:
            yield _object(change, forward, live, newest)
        else:
            yield change


def _live(change: Change, world: World) -> Mapping[str, Any] | None:
    about = objects.ref(change)
    assert about is not None
    return secrets.live(world, about) if change.secret else world.live(about)


def _left(change: Change) -> Mapping[str, Any] | None:
    """What the undoing of later runs leaves; the content of a Secret is not known then."""
    return objects.parsed(change.after) if change.after else None


def _object(back: Change, forward: Change, live: Mapping[str, Any] | None, newest: bool) -> Change:
    """With what is there now, so that the rollback can be undone itself, and stops where it moves meanwhile."""
    details = dict(back.details)
    if live is not None and not secrets.is_generated(live):
        details["before_manifest"] = json.dumps(without_noise(live))
    if newest and back.action is not Action.DELETE and _keeps_still(live):
        details["before_version"] = version_of(live)
    text = to_text(live) if live is not None else None
    return replace(back, before=text if text is not None or not newest else back.before, details=details)


def _keeps_still(live: Mapping[str, Any] | None) -> bool:
    """Whether its version moves only with what somebody wants of it: that of a Service moves with its status."""
    return live is None or live.get("kind") != "Service" or bool(live["metadata"].get("generation"))


def _kept(back: Iterable[Change], changes: Sequence[Change], world: World, found: Undone) -> list[Change]:
    """Without rooms that others use; names what stays, refuses what cannot be made again."""
    made = [change for change in back if not _in_use(change, world, found)]
    restored = {change.name for change in made if change.action is not Action.DELETE}
    addresses, names = {change.address for change in made}, {change.name for change in made}
    for change in changes:
        where = "" if change.target == CLUSTER else f" on {change.target}"
        turned = change.address in addresses or (change.kind is Kind.CERTIFICATE and change.name in names)
        if change.kind in STAYS and not turned:
            found.notices[f"{change.kind} {change.name} stays as it is{where}"] = None
        if _is_lost(change) and change.name not in restored:
            found.problems.append(_lost(change))
    return [change for change in made if not _is_lost_again(change, changes)]


def _in_use(change: Change, world: World, found: Undone) -> bool:
    if change.kind is not Kind.OBJECT or change.action is not Action.DELETE or (about := objects.ref(change)) is None:
        return False
    if about.kind not in KINDS:
        return False
    try:
        others = rooms.kept_for(world, about)
        why = f"somebody else keeps {others} in it" if others else ""
    except Unknown as unknown:
        why = f"what else is in it could not be seen: {unknown.why}"
    if why:
        found.notices[f"{about} stays: {why}"] = None
    return bool(why)


def _is_lost(change: Change) -> bool:
    """A Secret that was there before and whose content was never read."""
    return change.secret and change.before is not None and "before_manifest" not in change.details


def _is_lost_again(back: Change, changes: Sequence[Change]) -> bool:
    return any(_is_lost(change) and change.address == back.address for change in changes)


def _lost(change: Change) -> Problem:
    text = f"{change.name} cannot be made again: what was in it was never read"
    hint = "apply the topology as it was before: that makes another one"
    return Problem(Code.NO_SECRET, text, change.target, hint=hint)
