"""Change: one difference between what is there and what should be there, as plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

CLUSTER = "cluster"
"""The target of changes to cluster objects, which are made once, from one control-plane host."""


class Kind(StrEnum):
    PACKAGE = "package"
    FILE = "file"
    UNIT = "unit"
    SYSCTL = "sysctl"
    MODULE = "module"
    CERTIFICATE = "certificate"
    OBJECT = "object"
    RESTART = "restart"
    """Something that keeps its definition but must start anew: the pods of a workload, a unit."""
    RELOAD = "reload"
    """A unit that works by an older version of its definition, and takes the new one without an interruption."""
    RULES = "rules"
    """Packet rules that nothing on the host works by any more."""
    TRAFFIC = "traffic"
    """Requests of clients, which move from one way in to another."""


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One difference. `before` and `after` are canonical text, None where that side is missing.

    `details` is what carrying it out needs beside the text (before_mode, after_mode, manifest): strings only;
    keys that begin with before_ or after_ change sides when the change is inverted.
    `restarts` names units (on hosts) that must restart for the change to take effect, `reloads` those that take
    it without: they read their configuration again and drop nothing.
    `because` is shown beside the change where the reason is not plain from the text.
    """

    phase: str
    target: str
    kind: Kind
    name: str
    before: str | None
    after: str | None
    details: Mapping[str, str] = field(default_factory=dict)
    restarts: tuple[str, ...] = ()
    because: str = ""
    secret: bool = False
    reloads: tuple[str, ...] = ()

    @property
    def action(self) -> Action:
        if self.before is None:
            return Action.CREATE
        return Action.DELETE if self.after is None else Action.UPDATE

    @property
    def address(self) -> str:
        return f"{self.target}:{self.kind}:{self.name}"

    def inverted(self) -> Change:
        """The change that puts back what this one replaced."""
        swapped = {_other_side(key): value for key, value in self.details.items()}
        return Change(**{**vars(self), "before": self.after, "after": self.before, "details": swapped})


def _other_side(key: str) -> str:
    side, separator, rest = key.partition("_")
    return {"before": "after", "after": "before"}.get(side, side) + separator + rest


def change_to_json(change: Change) -> dict[str, Any]:
    values = {
        **vars(change),
        "kind": str(change.kind),
        "action": str(change.action),
        "details": dict(change.details),
        "restarts": list(change.restarts),
        "reloads": list(change.reloads),
    }
    return {**values, "before": None, "after": None, "details": {}} if change.secret else values


def restarts(changes: Iterable[Change]) -> tuple[str, ...]:
    """The units that changes restart, each once, in the order in which they were asked for."""
    return tuple(dict.fromkeys(unit for change in changes for unit in change.restarts))


def reloads(changes: Iterable[Change]) -> tuple[str, ...]:
    """The units that changes reload; none of those that these changes start or stop anyway."""
    told = list(changes)
    turned = {change.name for change in told if change.kind is Kind.UNIT and _turns(change)}
    named = [unit for change in told for unit in change.reloads]
    named += [change.name for change in told if change.kind is Kind.RELOAD]
    return tuple(dict.fromkeys(unit for unit in named if unit not in {*turned, *restarts(told)}))


def _turns(change: Change) -> bool:
    return change.details["before_active"] != change.details["after_active"]
