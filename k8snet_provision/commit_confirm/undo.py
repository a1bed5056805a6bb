"""What undoes a batch, as scripts that a host runs without anybody's help.

The order is that of a rollback: what was deleted is made again, the last phase first; what was changed goes back in the
site's own order, in which each step finds what it needs, ways in after all that and the last one first; what was made
is deleted, the last phase first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from k8snet_provision import undoing
from k8snet_provision.capability import Phase
from k8snet_provision.change import CLUSTER, Action, Change
from k8snet_provision.commit_confirm.host import Batch
from k8snet_provision.engine import recording
from k8snet_provision.engine.recording import Step
from k8snet_provision.engine.script import Script
from k8snet_provision.seen import World

MADE_AGAIN, CHANGED, DELETED = 1, 2, 3

API_WITHIN = 180
"""Seconds for the API server to answer: its own flags may just have gone back."""

API_ANSWERS = f"""
ends=$(($(date +%s) + {API_WITHIN}))
until saw=$(K get --raw /readyz 2>&1); do
  [ "$(date +%s)" -lt "$ends" ] || {{ echo "waited {API_WITHIN} s for the API server; last seen: $saw" >&2; exit 1; }}
  sleep 1
done
"""


def by_host(phase: Phase, position: int, batch: Mapping[str, Sequence[Change]], world: World) -> dict[str, list[Batch]]:
    """What each host needs to undo its part of a batch, and the reader of the cluster to undo what went through it.

    `position` is that of the phase in the site table.
    """
    found: dict[str, list[Batch]] = {}
    for target, changes in batch.items():
        through_api = target == CLUSTER or phase.capability.from_control_plane
        host = world.state.reader if through_api else target
        made = list(_batches(phase, position, target, changes, world.prelude, through_api))
        if made:
            found.setdefault(host, []).extend(made)
    return found


def label(phase: str, target: str) -> str:
    """Names the part of a target in a phase, whatever characters the two names have."""
    return hashlib.sha256(f"{phase}\n{target}".encode()).hexdigest()[:12]


def _batches(
    phase: Phase, position: int, target: str, changes: Sequence[Change], prelude: str, through_api: bool
) -> Iterator[Batch]:
    undone = undoing.undone(phase.capability, changes)
    passes = {_pass([change]) for change in undone}
    groups = (
        {turn: [change for change in undone if _pass([change]) == turn] for turn in sorted(passes)}
        if target == CLUSTER
        else {_pass(undone): undone}
    )
    for turn, group in groups.items():
        steps = recording.steps_of(phase.capability.carry_out, group, prelude) if group else []
        if steps:
            place = position if turn == CHANGED and not phase.capability.backwards else 99 - position
            name = f"{turn}-{place:02d}-{label(phase.name, target)}"
            yield Batch(name, ((_api_answers(prelude),) if through_api else ()) + tuple(steps))


def _pass(changes: Sequence[Change]) -> int:
    actions = {change.action for change in changes}
    if actions == {Action.CREATE}:
        return MADE_AGAIN
    return DELETED if actions == {Action.DELETE} else CHANGED


def _api_answers(prelude: str) -> Step:
    return "the API server answers", Script(f"{prelude}\n{API_ANSWERS}", timeout=API_WITHIN + 30)
