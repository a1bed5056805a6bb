"""Change and Plan: what differs, in the order in which it would be changed, as plain data.

A plan is JSON from end to end. `apply` carries out these changes and nothing else, and whatever a report
prints of a change is taken from the change itself: that is why `diff` cannot promise something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from k8snet_provision.problems import Problem

CLUSTER = "cluster"
"""The target of changes to cluster objects, which are made once, from one control-plane host."""


class Kind(StrEnum):
    FILE = "file"
    UNIT = "unit"
    SYSCTL = "sysctl"
    MODULE = "module"
    CERTIFICATE = "certificate"
    OBJECT = "object"
    RESTART = "restart"
    """Something that keeps its definition but must start anew: the pods of a workload, a unit."""


class Action(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One difference. `before` and `after` are canonical text, None where that side is missing.

    `details` is what carrying it out needs beside the text (before_mode, after_mode, manifest): strings only;
    keys that begin with before_ or after_ change sides when the change is inverted.
    `restarts` names units (on hosts) that must restart for the change to take effect.
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


@dataclass(frozen=True)
class Incomplete:
    """Something that could not be observed, so nothing can be said about it."""

    target: str
    what: str
    why: str


@dataclass(frozen=True)
class Plan:
    """`facts` are the headline's values (cluster name, version, kinds); `notices` are said but change nothing."""

    name: str
    facts: Mapping[str, str]
    changes: tuple[Change, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()
    problems: tuple[Problem, ...] = ()
    notices: tuple[str, ...] = ()
    seconds: float = 0.0

    def phases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.phase for change in self.changes))

    def of(self, phase: str, target: str | None = None) -> tuple[Change, ...]:
        return tuple(
            change for change in self.changes if change.phase == phase and target in (None, change.target)
        )

    def targets(self, phase: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.target for change in self.of(phase)))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; the text of a secret change is left out."""
        return {
            "name": self.name,
            "facts": dict(self.facts),
            "seconds": round(self.seconds, 3),
            "changes": [change_to_json(change) for change in self.changes],
            "incomplete": [asdict(item) for item in self.incomplete],
            "problems": [problem_to_json(problem) for problem in self.problems],
            "notices": list(self.notices),
        }


def change_to_json(change: Change) -> dict[str, Any]:
    values = {
        **vars(change),
        "kind": str(change.kind),
        "action": str(change.action),
        "details": dict(change.details),
        "restarts": list(change.restarts),
    }
    return {**values, "before": None, "after": None, "details": {}} if change.secret else values


def problem_to_json(problem: Problem) -> dict[str, Any]:
    where = problem.where
    place = {"host": where} if isinstance(where, str) else {"file": where.file, "line": where.line}
    return {
        **place,
        "code": problem.code,
        "severity": str(problem.severity),
        "message": problem.text,
        "found": problem.found,
        "expected": problem.expected,
        "hint": problem.hint,
    }


def restarts(changes: Iterable[Change]) -> tuple[str, ...]:
    """The units that changes restart, each once, in the order in which they were asked for."""
    return tuple(dict.fromkeys(unit for change in changes for unit in change.restarts))
