"""Secrets: what they were before a run no plan holds, the control planes keep it for root only.

A Secret whose key was made in the cluster is never read: of such a one it is only asked whether it is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from shlex import quote
from typing import Any

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.resources.kube_object import GENERATED_LABEL, Manifest, ObjectRef, to_text
from k8snet_provision.resources.probe import ABSENT_CODE, Probe, Unknown
from k8snet_provision.rollback import objects
from k8snet_provision.rollback.codes import Code
from k8snet_provision.seen import World

Kept = Callable[[str], Mapping[str, Manifest | None]]
"""By the id of a run: what its Secrets were, by address. Raises ProblemsFound."""


def with_secrets(run_id: str, changes: Sequence[Change], kept: Kept) -> list[Change]:
    """The changes with what they replaced, as far as it may be known; raises ProblemsFound."""
    if not any(change.secret for change in changes):
        return list(changes)
    try:
        before = kept(run_id)
    except ProblemsFound as found:
        raise ProblemsFound([_lost(run_id, change, found) for change in changes if _needs(change)]) from None
    return [_whole(change, before) if change.secret else change for change in changes]


def question(about: ObjectRef, prelude: str) -> Probe:
    """The Secret as JSON; of one whose key was made in the cluster its label alone."""
    label = GENERATED_LABEL.replace(".", "\\.")
    place = f"-n {quote(about.namespace)} {quote(about.name)}"
    generated = about.skeleton()
    generated["metadata"]["labels"] = {GENERATED_LABEL: "true"}
    told = "jsonpath={.metadata.uid} {.metadata.labels." + label + "}"
    return Probe(
        _key(about),
        f"""{prelude}
there=$(K get secret {place} --ignore-not-found -o {quote(told)} 2>&1) ||
  {{ echo "$there"; exit 1; }}
case $there in
  "") exit {ABSENT_CODE} ;;
  *" true") printf '%s' {quote(json.dumps(generated))} ;;
  *) K get secret {place} --show-managed-fields -o json ;;
esac""",
    )


def _key(about: ObjectRef) -> str:
    return f"rollback:secret:{about.namespace}/{about.name}"


def live(world: World, about: ObjectRef) -> Manifest | None:
    """Raises Unknown."""
    said = world.state.said(_key(about))
    try:
        return json.loads(said) if said is not None else None
    except json.JSONDecodeError:
        raise Unknown(CLUSTER, str(about), "kubectl answered no JSON") from None


def is_generated(live: Mapping[str, Any]) -> bool:
    return (live["metadata"].get("labels") or {}).get(GENERATED_LABEL) == "true"


def _needs(change: Change) -> bool:
    """One that the run made is deleted, whatever is in it."""
    return change.secret and change.before is not None


def _whole(change: Change, before: Mapping[str, Manifest | None]) -> Change:
    about = objects.ref(change)
    if change.kind is not Kind.OBJECT or about is None:
        return change
    found = before.get(change.address)
    details = {"how": "delete" if change.after is None else "apply", "manifest": json.dumps(about.skeleton())}
    if found is not None:
        details["before_manifest"] = json.dumps(found)
    return replace(change, before=to_text(found) if found else change.before, details=details)


def _lost(run_id: str, change: Change, found: ProblemsFound) -> Problem:
    why = "; ".join(dict.fromkeys(f"{problem.where}: {problem.found or problem.text}" for problem in found.problems))
    hint = "put the Secret back by hand; the run's other changes: apply the topology as it was before"
    text = f"what {change.name} was before the run {run_id} cannot be read any more"
    return Problem(Code.NO_SECRET, text, CLUSTER, why[:300], hint=hint)
