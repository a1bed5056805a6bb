"""Looks: what one run of drift found in all its inventories, and which of them could not be looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from k8snet_provision.drift import report
from k8snet_provision.drift.report import Report
from k8snet_provision.plan import problem_to_json
from k8snet_provision.problems import Origin, Problem, Severity


@dataclass(frozen=True)
class Failed:
    """An inventory that is broken: nothing was looked at, and nothing is known of its hosts.

    `cluster` is the name that a report of it would have had.
    """

    inventory: str
    problems: tuple[Problem, ...]
    cluster: str = ""


@dataclass(frozen=True)
class Looks:
    """`problems` are those of the run itself, of no inventory."""

    reports: tuple[Report, ...] = ()
    failed: tuple[Failed, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def all_problems(self) -> tuple[Problem, ...]:
        """In the order in which they are told."""
        return (*self.problems, *(problem for failed in self.failed for problem in failed.problems))


def to_json(looks: Looks) -> dict[str, Any]:
    """`problems` stand there only where there are some."""
    return {
        "reports": [report.to_json(item) for item in looks.reports],
        "failed": [
            {
                "inventory": item.inventory,
                "problems": [problem_to_json(problem) for problem in item.problems],
                "cluster": item.cluster,
            }
            for item in looks.failed
        ],
        **({"problems": [problem_to_json(problem) for problem in looks.problems]} if looks.problems else {}),
    }


def from_json(value: Mapping[str, Any]) -> Looks:
    """Raises KeyError, TypeError, AttributeError or ValueError for what is none."""
    return Looks(
        tuple(map(report.from_json, value["reports"])),
        tuple(
            Failed(str(item["inventory"]), tuple(map(_problem, item["problems"])), str(item["cluster"]))
            for item in value.get("failed", ())
        ),
        tuple(map(_problem, value.get("problems", ()))),
    )


def _problem(value: Mapping[str, Any]) -> Problem:
    where = value["host"] if "host" in value else Origin(value["file"], value["line"])
    return Problem(
        value["code"], value["message"], where, value["found"], value["expected"], value["hint"],
        Severity(value["severity"]),
    )  # fmt: skip
