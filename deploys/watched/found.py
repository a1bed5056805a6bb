"""A finding of a watch, with its code's severity where nothing worse is said."""

from __future__ import annotations

from k8snet_provision.drift import RULES, Code, Finding, Severity
from k8snet_provision.seen import World


def found(
    world: World,
    code: Code,
    target: str,
    capability: str,
    what: str,
    text: str,
    *,
    before: str | None = None,
    after: str | None = None,
    mend: str = "",
    who: str = "",
    identity: str | None = None,
    severity: Severity | None = None,
) -> Finding:
    return Finding(
        code, severity or RULES[code].severity, world.cluster.name, target, capability, what, text,
        before, after, mend, who=who, identity=identity,
    )  # fmt: skip
