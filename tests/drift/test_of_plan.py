"""A plan's changes as findings: their codes, and how bad each is."""

from __future__ import annotations

import pytest

from k8snet_provision.change import Change, Kind
from k8snet_provision.drift import Code, Severity
from k8snet_provision.drift.of_plan import findings
from k8snet_provision.plan import Plan


def restart(phase: str, because: str, before: str = "") -> Change:
    return Change(phase, "node1", Kind.RESTART, phase, before, "", because=because)


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        (restart("kubelet", "its configuration changed after it started"), Code.NOT_RESTARTED, Severity.WARNING),
        (restart("kubelet", "does not run"), Code.NOT_RESTARTED, Severity.CRITICAL),
        (
            restart("kube-apiserver", "kube-apiserver does not run as its files say", "--a=b\n"),
            Code.NOT_RESTARTED,
            Severity.WARNING,
        ),
        (
            restart("kube-apiserver", "kube-apiserver does not run as its files say", "kube-apiserver does not run\n"),
            Code.NOT_RESTARTED,
            Severity.CRITICAL,
        ),
        (restart("kube-proxy", "it does not run"), Code.NOT_RESTARTED, Severity.CRITICAL),
        (restart("kube-proxy pods", "mode: iptables -> nftables"), Code.PROXY_MODE, Severity.CRITICAL),
        (restart("kube-proxy", "conntrack.min: 1 -> 2"), Code.NOT_RESTARTED, Severity.WARNING),
        (Change("edge", "lb1", Kind.UNIT, "haproxy", "a", "b"), Code.UNIT, Severity.CRITICAL),
    ],
)
def test_code_and_severity(change: Change, code: Code, severity: Severity) -> None:
    (found,) = findings(Plan("prod", {}, (change,)), "inventory/prod", lambda one: f"who of {one.name}")
    assert (found.code, found.severity, found.who) == (code, severity, f"who of {change.name}")


def test_what_is_secret_is_not_shown() -> None:
    change = Change("ingresses", "cluster", Kind.OBJECT, "Secret a/b", "old", "new", secret=True)
    (found,) = findings(Plan("prod", {}, (change,)), "inventory/prod")
    assert (found.before, found.after) == (None, None)
