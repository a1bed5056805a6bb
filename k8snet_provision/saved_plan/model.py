"""SavedPlan: a plan together with all it rests on, as JSON and back.

It holds no secret. A change of secret content is kept by its address and a digest; its content is made again from
the inventory when the plan is applied.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from k8snet_provision.change import Action
from k8snet_provision.forecast.model import Forecast
from k8snet_provision.plan import Plan

FORMAT = "k8snet-provision plan"
FORMAT_VERSION = 1


class NotAPlan(Exception):
    """Raised for JSON that no saved plan can be; says why in one sentence."""


class NewerFormat(Exception):
    """Raised for a plan of a later version of the tool, whose meaning is not known here; holds the version."""


@dataclass(frozen=True)
class RestsOn:
    """What the inventory said: each host's roles and connection, the topology, digests of the files it names."""

    hosts: Mapping[str, str]
    topology: Mapping[str, Any]
    files: Mapping[str, str]


@dataclass(frozen=True)
class SavedPlan:
    """`inventory` is an absolute path, `made_at` a UTC time (ISO 8601), `extra_vars` names without values.

    `paces` says of each phase how many hosts at once and which gates; `secrets` holds the digests of secret changes
    by `change_key`. `forecast` is what was foretold when it was saved: nothing that must still be so.
    """

    tool: str
    made_by: str
    made_at: str
    inventory: str
    limit: str
    tags: str
    extra_vars: tuple[str, ...]
    rests_on: RestsOn
    paces: Mapping[str, str]
    secrets: Mapping[str, str]
    plan: Plan
    forecast: Forecast | None = None

    @property
    def digest(self) -> str:
        """What a change ticket names: SHA-256 of everything in it."""
        return _digest(_document(self))


def to_json(saved: SavedPlan) -> dict[str, Any]:
    document = _document(saved)
    return {**document, "sha256": _digest(document)}


def _document(saved: SavedPlan) -> dict[str, Any]:
    values = {**vars(saved), "extra_vars": list(saved.extra_vars), "rests_on": vars(saved.rests_on)}
    del values["forecast"]
    foretold = {"forecast": saved.forecast.to_json()} if saved.forecast else {}
    return {"format": FORMAT, "format_version": FORMAT_VERSION, **values, "plan": saved.plan.to_json(), **foretold}


def _digest(document: Mapping[str, Any]) -> str:
    """Of the values in their order, which is that of the phases and changes; white space does not matter."""
    return hashlib.sha256(json.dumps(document, separators=(",", ":")).encode()).hexdigest()


_SAVED = TypeAdapter(SavedPlan)


def from_json(document: Any) -> SavedPlan:
    """Raises NotAPlan and NewerFormat."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NotAPlan("is JSON, but not a saved plan")
    version = document.get("format_version")
    if not isinstance(version, int):
        raise NotAPlan("is a saved plan without a format version")
    if version > FORMAT_VERSION:
        raise NewerFormat(str(version))
    rest = {key: value for key, value in document.items() if key != "sha256"}
    if document.get("sha256") != _digest(rest):
        raise NotAPlan("was edited or damaged after it was saved")
    try:
        return _SAVED.validate_python({**rest, "plan": _plan(rest["plan"])})
    except (KeyError, TypeError, AttributeError, ValidationError):
        raise NotAPlan("is not what k8snet-provision writes") from None


def _plan(values: Mapping[str, Any]) -> dict[str, Any]:
    changes = [_change(values) for values in values["changes"]]
    return {**values, "changes": changes, "problems": [_problem(values) for values in values["problems"]]}


def _change(values: Mapping[str, Any]) -> dict[str, Any]:
    """Of a secret change only the sides that there are can be told: their texts are empty."""
    if not values["secret"]:
        return dict(values)
    sides = {
        "before": None if values["action"] == Action.CREATE else "",
        "after": None if values["action"] == Action.DELETE else "",
    }
    return {**values, **sides}


def _problem(values: Mapping[str, Any]) -> dict[str, Any]:
    where = values["host"] if "host" in values else {"file": values["file"], "line": values["line"]}
    return {**values, "where": where, "text": values["message"]}
