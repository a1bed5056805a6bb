"""What cannot be made until it is confirmed, because no host can put it back by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snet_provision.capability import Phase, Site
from k8snet_provision.change import Change, Kind
from k8snet_provision.commit_confirm.codes import Code
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem

_ELSEWHERE = "requests move to another way in, and what they find there must be seen first"
WHY = {
    "service-range": "all control planes must agree, and Services get other addresses",
    "ingress-traffic": _ELSEWHERE,
    "ingress-retired": _ELSEWHERE,
}
"""By phase."""


def refusals(plan: Plan, site: Site) -> list[Problem]:
    """Every phase of the plan that a host cannot undo alone, with the reason; before anything has changed."""
    return [problem for phase in site for problem in _of(phase, plan.of(phase.name))]


def _of(phase: Phase, changes: Sequence[Change]) -> Iterator[Problem]:
    if not changes:
        return
    why = _why(phase, changes)
    if why:
        yield Problem(
            Code.NOT_ALONE,
            "this phase cannot go back by itself, so it cannot wait to be confirmed",
            phase.name,
            found=why,
            hint="apply it without --confirm-within (--tags), and rollback where it has to go",
        )


def _why(phase: Phase, changes: Sequence[Change]) -> str:
    if phase.name in WHY:
        return WHY[phase.name]
    if not phase.capability.puts_back:
        return "its objects cannot simply be made again what they were"
    if any(change.kind is Kind.RULES and not change.details.get("unit") for change in changes):
        return "rules on the nodes can go only after another host has replaced the pods of kube-proxy"
    return ""
