"""What undoes a batch that failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from k8snet_provision import undoing
from k8snet_provision.capability import Phase
from k8snet_provision.change import Change, Kind
from k8snet_provision.engine.batch import Failed
from k8snet_provision.engine.carry_out import made_before
from k8snet_provision.rollout.outcome import flat


class BeforeRestart(str):
    """A failure while files were written: what runs is still what ran before, and is better left running."""


class Refused(str):
    """A failure of a step that did nothing, because somebody else had changed its object: theirs stays."""

    step: str = ""


MOVED = ("changed since it was observed", "exists by now: run diff again")
"""What a step says that refuses to change an object (engine.carry_out)."""


def failure(failed: Failed) -> str:
    """What is reported of a host, which also decides how it is put back."""
    text = str(failed)
    if any(said in failed.text for said in MOVED) and not failed.step.startswith(("write ", "remove ")):
        refused = Refused(text)
        refused.step = failed.step
        return refused
    return BeforeRestart(text) if failed.step.startswith(("write ", "remove ")) else text


ONWARDS = (Kind.RESTART, Kind.RELOAD, Kind.TRAFFIC)
"""Starts by a definition that is not in the batch, which stays; and clients, who then stay where they are."""


def undone(phase: Phase, batch: Mapping[str, Sequence[Change]], failures: Mapping[str, str]) -> dict[str, list[Change]]:
    """The changes that put a batch back, by target; a target of which nothing can be undone is not in it."""
    back = {target: [*_undone(phase, changes, failures.get(target, ""))] for target, changes in batch.items()}
    return {target: changes for target, changes in back.items() if changes}


def _undone(phase: Phase, changes: Sequence[Change], why: str) -> Iterator[Change]:
    early = isinstance(why, BeforeRestart)
    back = undoing.undone(phase.capability, made(changes, why))
    for change in back:
        if change.kind in ONWARDS or (
            not phase.capability.puts_back and change.kind in (Kind.OBJECT, Kind.CERTIFICATE)
        ):
            continue
        if change.kind is Kind.RULES and (early or not any(other.kind is Kind.FILE for other in back)):
            continue  # kube-proxy works by the new mode still, or has not worked by it yet
        yield replace(change, restarts=(), reloads=()) if early else change


def made(changes: Sequence[Change], why: str) -> Sequence[Change]:
    """What a batch had changed before it failed: without what it refused to change, and what would have come next."""
    return made_before(changes, why.step) if isinstance(why, Refused) else changes


def gates_judge(back: Mapping[str, Sequence[Change]]) -> bool:
    """Gates look for what is wanted: of objects that were not there before there is nothing to look for."""
    return not any(change.kind is Kind.OBJECT and change.after is None for change in flat(back))
