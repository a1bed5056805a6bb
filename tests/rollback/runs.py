"""Runs for tests: their plans and what they began, as their journals would tell."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from k8snet_provision.change import Change
from k8snet_provision.plan import Plan
from k8snet_provision.runs.model import Event, Run
from k8snet_provision.saved_plan.model import RestsOn, SavedPlan, from_json, to_json


def a_run(
    run_id: str,
    changes: Sequence[Change] = (),
    *,
    verb: str = "apply",
    begun: Sequence[tuple[str, str]] | None = None,
    passed: Sequence[tuple[str, str]] = (),
    ended: str = "done",
    rolled_back_by: str = "",
) -> Run:
    """Everything of the plan was begun unless `begun` says otherwise. `ended` empty: it was killed."""
    batches = dict.fromkeys((change.phase, change.target) for change in changes) if begun is None else begun
    events = [Event("", "begun", text=verb, details={"who": "ops@desk"})]
    events += [Event("", "batch", phase, target) for phase, target in batches]
    events += [Event("", "passed", phase, target, seconds=1.0) for phase, target in passed]
    events += [Event("", "ended", text=ended)] if ended else []
    events += [Event("", "rolled_back", text=rolled_back_by)] if rolled_back_by else []
    kept = as_kept(changes)
    return Run(run_id, tuple(events), lambda: kept)


def as_kept(changes: Sequence[Change]) -> SavedPlan:
    """As it comes back from the file: without what is secret."""
    saved = SavedPlan(
        "1", "ops@desk", "", "/inventory", "", "", (), RestsOn({}, {}, {}), {}, {}, Plan("prod", {}, tuple(changes))
    )
    document: Any = json.loads(json.dumps(to_json(saved)))
    return from_json(document)
