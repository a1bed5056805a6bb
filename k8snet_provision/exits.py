"""Exit codes, the same for every command."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING

from k8snet_provision.drift import Report
from k8snet_provision.drift.looks import Looks
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Severity
from k8snet_provision.rollout import Outcome
from k8snet_provision.seen import World

if TYPE_CHECKING:
    from k8snet_provision.verification.plugin import Result


class Exit(IntEnum):
    SAME = 0
    FAILED = 1
    DIFFERS = 2
    INCOMPLETE = 3


def of_plan(plan: Plan) -> Exit:
    """Refused is failed; what could not be observed is never "in sync", even beside known differences."""
    if any(problem.severity is Severity.ERROR for problem in plan.problems):
        return Exit.FAILED
    if plan.incomplete:
        return Exit.INCOMPLETE
    return Exit.DIFFERS if plan.changes else Exit.SAME


def of_outcome(plan: Plan, outcome: Outcome) -> Exit:
    if not outcome.ok:
        return Exit.FAILED
    return Exit.INCOMPLETE if plan.incomplete else Exit.SAME


def of_reports(reports: Sequence[Report]) -> Exit:
    """What could not be seen is never "in sync"; it hides no drift, which the report tells."""
    if not all(report.complete for report in reports):
        return Exit.INCOMPLETE
    return Exit.SAME if all(report.in_sync for report in reports) else Exit.DIFFERS


def of_looks(looks: Looks) -> Exit:
    """An inventory that is broken is failed, whatever was found in the others."""
    return Exit.FAILED if looks.failed or looks.problems else of_reports(looks.reports)


def of_verification(world: World, results: Sequence[Result]) -> Exit:
    """Nothing proved is not proved; a cluster that could not be read may be well."""
    if world.state.seen is None:
        return Exit.INCOMPLETE
    if not results or not all(result.passed for result in results):
        return Exit.FAILED
    return Exit.INCOMPLETE if world.observation.unreached else Exit.SAME
