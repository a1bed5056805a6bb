"""Chain: what the runs did to one thing, one change after the other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.resources.kube_object import RECREATE

SEEN = (Kind.FILE, Kind.SYSCTL, Kind.MODULE, Kind.UNIT, Kind.OBJECT)
"""Kinds whose present state can be compared with what a change made of it."""


@dataclass(frozen=True)
class Step:
    """A change that a run, by its id, made or was about to make."""

    run: str
    change: Change


@dataclass(frozen=True)
class Chain:
    """The changes of one thing, eldest first."""

    steps: tuple[Step, ...]

    @property
    def first(self) -> Change:
        return self.steps[0].change

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(step.change for step in self.steps)


def is_seen(change: Change) -> bool:
    """Whether looking tells what state the thing is in."""
    return change.kind in SEEN or (change.kind is Kind.CERTIFICATE and change.target != CLUSTER)


def chains(done: Iterable[tuple[str, Sequence[Change]]]) -> list[Chain]:
    """Of the things that can be seen. `done` are runs by id with their changes, eldest first."""
    found: dict[str, list[Step]] = {}
    for run, changes in done:
        for change in changes:
            if is_seen(change):
                found.setdefault(change.address, []).append(Step(run, change))
    return [Chain(tuple(steps)) for steps in found.values()]


def merged(changes: Iterable[Change], apart: Collection[str]) -> Iterator[Change]:
    """What one run did to one thing, as few changes as can be undone in the order of the site.

    Phases in `apart` are undone after all later ones, so theirs stays a change of its own.
    """
    waiting: Change | None = None
    for change in changes:
        if waiting is None or waiting.phase in apart:
            yield from (waiting,) if waiting else ()
            waiting = change
        else:
            waiting = _joined(waiting, change)
    if waiting and (waiting.secret or waiting.before != waiting.after):
        yield waiting


def _joined(first: Change, last: Change) -> Change:
    details = {key: value for key, value in last.details.items() if not key.startswith("before_")}
    details |= {key: value for key, value in first.details.items() if key.startswith("before_")}
    if RECREATE in (first.details.get("how"), last.details.get("how")) and last.after is not None:
        details["how"] = RECREATE
    return replace(
        last,
        phase=first.phase,
        before=first.before,
        details=details,
        restarts=tuple(dict.fromkeys((*first.restarts, *last.restarts))),
        reloads=tuple(dict.fromkeys((*first.reloads, *last.reloads))),
    )
