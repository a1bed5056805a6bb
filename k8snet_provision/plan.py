"""Plan: what differs, in the order in which it would be changed.

A plan is JSON from end to end. `apply` carries out these changes and nothing else, and whatever a report
prints of a change is taken from the change itself: that is why `diff` cannot promise something else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from k8snet_provision.change import Change, change_to_json
from k8snet_provision.problems import Problem


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
    """To the millisecond, as in a file: a tenth that is printed from there must be the same."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", round(self.seconds, 3))

    def phases(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.phase for change in self.changes))

    def of(self, phase: str, target: str | None = None) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.phase == phase and target in (None, change.target))

    def targets(self, phase: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(change.target for change in self.of(phase)))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready; the text of a secret change is left out."""
        return {
            "name": self.name,
            "facts": dict(self.facts),
            "seconds": self.seconds,
            "changes": [change_to_json(change) for change in self.changes],
            "incomplete": [asdict(item) for item in self.incomplete],
            "problems": [problem_to_json(problem) for problem in self.problems],
            "notices": list(self.notices),
        }


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
