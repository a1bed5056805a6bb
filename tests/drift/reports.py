"""Reports as tests of drift need them."""

from __future__ import annotations

from dataclasses import replace

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Code, Finding, Report, Severity
from k8snet_provision.plan import Incomplete
from tests.hosts.labs import ROOT

INVENTORY = str(ROOT / "inventory" / "lab")

ON_CP1 = Finding(
    Code.FILE, Severity.WARNING, "prod", "cp1", "kube-apiserver", "file /etc/x", "is not as wanted", "a\n", "b\n"
)
ON_NODE1 = replace(ON_CP1, target="node1")
IN_CLUSTER = replace(ON_CP1, target=CLUSTER, what="object ConfigMap kube-system/coredns", code=Code.OBJECT)


def report(
    *findings: Finding,
    started: str = "2026-11-29T02:00:00Z",
    unseen: tuple[str, ...] = (),
    hosts: tuple[str, ...] = ("cp1", "node1"),
    whole: bool = True,
    inventory: str = INVENTORY,
) -> Report:
    """A look at cp1 and node1 that found `findings`; `unseen` are targets that could not be observed."""
    return Report(
        cluster="prod", inventory=inventory, started=started, seconds=1.25, tool="0.1.0 (0)", facts={}, hosts=hosts,
        cluster_looked_at=whole, findings=findings,
        incomplete=tuple(Incomplete(target, "host", "off") for target in unseen),
    )  # fmt: skip
