"""What of each run stands: which of its changes are in effect now, which were undone already, which cannot be seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from k8snet_provision.change import Change
from k8snet_provision.plan import Incomplete
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.rollback import present
from k8snet_provision.rollback.chain import chains, is_seen, merged
from k8snet_provision.rollback.present import Moved
from k8snet_provision.seen import World

Done = Sequence[tuple[str, Sequence[Change]]]
"""Runs by id with what they began, eldest first; phases are those of the site table."""


@dataclass(frozen=True)
class Standing:
    """Of one run. `newest` are addresses of things that are now as this run left them.

    `unseen` are restarts, packages, packet rules and the like: looking does not tell whether they are in effect.
    """

    run: str
    in_effect: tuple[Change, ...]
    settled: tuple[Change, ...]
    unseen: tuple[Change, ...]
    newest: frozenset[str]


@dataclass
class Found:
    """`incomplete` is what could not be observed, `problems` what moved."""

    standing: list[Standing] = field(default_factory=list)
    incomplete: dict[Incomplete, None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def look_at(done: Done, world: World, apart: Collection[str]) -> Found:
    """`apart` are the phases that are undone after all later ones. What is unknown is left out and named."""
    found = Found()
    effects: dict[str, list[Change]] = {run: [] for run, _ in done}
    settled: dict[str, list[Change]] = {run: [] for run, _ in done}
    newest: dict[str, set[str]] = {run: set() for run, _ in done}
    for chain in chains(done):
        try:
            made = present.made(chain, world)
        except Moved as moved:
            found.problems.append(moved.problem)
            continue
        except Unknown as unknown:
            found.incomplete[Incomplete(unknown.target, unknown.what, unknown.why)] = None
            continue
        for number, step in enumerate(chain.steps):
            (effects if number < made else settled)[step.run].append(step.change)
        if made:
            newest[chain.steps[made - 1].run].add(chain.first.address)
    lost = {item.target for item in found.incomplete}
    for run, changes in done:
        unseen = tuple(change for change in changes if not is_seen(change) and change.target not in lost)
        in_effect = _in_order(changes, effects[run], apart)
        found.standing.append(Standing(run, in_effect, tuple(settled[run]), unseen, frozenset(newest[run])))
    return found


def _in_order(changes: Sequence[Change], effects: Sequence[Change], apart: Collection[str]) -> tuple[Change, ...]:
    """One change for each thing, in the order of the run."""
    by_address: dict[str, list[Change]] = {}
    for change in effects:
        by_address.setdefault(change.address, []).append(change)
    whole = [change for same in by_address.values() for change in merged(same, apart)]
    place = {(change.phase, change.address): number for number, change in enumerate(changes)}
    return tuple(sorted(whole, key=lambda change: place[change.phase, change.address]))
