"""The outcome of a roll-out as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from k8snet_provision.change import Change
from k8snet_provision.rollout import Outcome


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """Changes by address; their texts stand in the plan beside it."""
    return {
        "ok": outcome.ok,
        "interrupted": outcome.interrupted,
        "seconds": round(outcome.seconds, 3),
        "done": _addresses(outcome.done),
        "failures": outcome.failures,
        "put_back": _addresses(outcome.put_back),
        "not_put_back": outcome.left_broken,
        "untouched": _addresses(outcome.untouched),
        "skipped": _addresses(outcome.skipped),
    }


def _addresses(changes: Sequence[Change]) -> list[str]:
    return [change.address for change in changes]
