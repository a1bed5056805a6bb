"""What a plan would change, as findings: the same comparison as diff."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from shlex import quote

from k8snet_provision.change import CLUSTER, Action, Change, Kind
from k8snet_provision.drift.codes import RULES, Code
from k8snet_provision.drift.finding import Finding, Severity
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem
from k8snet_provision.problems import Severity as Gravity

CODES: Mapping[Kind, Code] = {
    Kind.FILE: Code.FILE,
    Kind.OBJECT: Code.OBJECT,
    Kind.UNIT: Code.UNIT,
    Kind.SYSCTL: Code.KERNEL,
    Kind.MODULE: Code.KERNEL,
    Kind.PACKAGE: Code.PACKAGE,
    Kind.CERTIFICATE: Code.CERTIFICATE_NAMES,
    Kind.RESTART: Code.NOT_RESTARTED,
    Kind.RELOAD: Code.NOT_RESTARTED,
    Kind.RULES: Code.RULES_LEFT,
    Kind.TRAFFIC: Code.WAY_IN,
}

REFUSAL = "refusal"
"""Stands where a capability does, for what concerns no single one."""

SAYS = {Action.CREATE: "is missing", Action.UPDATE: "is not as wanted", Action.DELETE: "should not be there"}


def findings(plan: Plan, inventory: str, who: Callable[[Change], str] = lambda _: "") -> Iterator[Finding]:
    """One for each change, and one for each reason why apply would change nothing at all.

    `who` says what is known of who made a change necessary.
    """
    for change in plan.changes:
        yield replace(of_change(change, plan.name, inventory), who=who(change))
    for problem in plan.problems:
        if problem.severity is Gravity.ERROR:
            yield _of_refusal(problem, plan.name)


def of_change(change: Change, cluster: str, inventory: str) -> Finding:
    code = _code(change)
    limit = "" if change.target == CLUSTER else f" --limit {quote(change.target)}"
    return Finding(
        code,
        Severity.CRITICAL if _stands_still(change) else RULES[code].severity,
        cluster,
        change.target,
        change.phase,
        f"{change.kind} {change.name}",
        change.because or SAYS[change.action],
        None if change.secret else change.before,
        None if change.secret else change.after,
        f"k8snet-provision apply {quote(inventory)}{limit} --tags {quote(change.phase)}",
    )


def _code(change: Change) -> Code:
    """A kube-proxy that has to start anew for its mode works in another one."""
    if change.kind is Kind.RESTART and change.phase.startswith("kube-proxy") and change.because.startswith("mode: "):
        return Code.PROXY_MODE
    return CODES[change.kind]


def _stands_still(change: Change) -> bool:
    """A program that does not run at all is worse than one that runs by an older definition."""
    words = (change.because, (change.before or "").rstrip("\n"))
    return change.kind is Kind.RESTART and any(text.endswith("does not run") for text in words)


def _of_refusal(problem: Problem, cluster: str) -> Finding:
    code = Code.CANNOT_BE_MENDED
    target = problem.where if isinstance(problem.where, str) else CLUSTER
    what = problem.code if isinstance(problem.where, str) else f"{problem.code} {problem.where}"
    return Finding(
        code, RULES[code].severity, cluster, target, REFUSAL, what, problem.text,
        problem.found or None, problem.expected or None, problem.hint,
    )  # fmt: skip
