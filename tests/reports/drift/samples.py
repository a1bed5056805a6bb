"""Reports as a look gives them: one in sync, one with everything that a report can say."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from k8snet_provision.drift import Acceptance, Accepted, Code, Finding, Report, Severity
from k8snet_provision.drift.looks import Failed, Looks
from k8snet_provision.plan import Incomplete
from k8snet_provision.problems import Origin, Problem

QUIET = Report(
    cluster="prod",
    inventory="inventory/prod",
    started="2026-11-29T02:00:00Z",
    seconds=4.25,
    tool="0.1.0 (abc)",
    facts={"kubernetes": "v1.36.3", "control planes": "1", "nodes": "2"},
    hosts=("cp1", "node1", "node2"),
    cluster_looked_at=True,
    looked_at={
        "kube-apiserver": ("cp1",),
        "kubelet": ("node1", "node2"),
        "coredns": ("cluster",),
        "refusal": ("cluster", "cp1", "node1", "node2"),
    },
    last_complete="2026-11-29T02:00:00Z",
    topology="inventory/prod/group_vars/all/topology.yml:3",
)
FILE = Finding(
    Code.FILE,
    Severity.WARNING,
    "prod",
    "node1",
    "kubelet",
    "file /etc/kubelet.yml",
    "is not as wanted",
    "clusterDNS: [10.96.0.10]\n",
    "clusterDNS: [10.254.0.10]\n",
    "k8snet-provision apply inventory/prod --limit node1 --tags kubelet",
    "2026-11-28T02:00:00Z",
    "root at 2026-11-27T14:00:00Z",
)
UNIT = replace(FILE, code=Code.UNIT, severity=Severity.CRITICAL, what="unit kubelet", before="dead", after="running")
KNOWN = replace(FILE, target="node2", what="file /etc/known")
ACCEPTED = Accepted(KNOWN, Acceptance(KNOWN.fingerprint, "2026-12-31", "until the new kernel", "me", "2026-11-01"))
OFF = Incomplete("cp1", "host", "no route to host")
DRIFTED = replace(
    QUIET,
    findings=(FILE, UNIT),
    accepted=(ACCEPTED,),
    incomplete=(OFF,),
    notices=("by the way",),
    last_complete="2026-11-27T02:00:00Z",
)

BROKEN = Failed(
    "inventory/stage",
    (
        Problem("K8N101", "the key is unknown", Origin("inventory/stage/all.yml", 3), "cidr", "service_cidr"),
        Problem("K8N201", "the host has no address", "cp1"),
    ),
    "stage",
)
REFUSED = Problem("K8N771", "a shard is missing", "command line", "1/2", "2/2")


def looks(*reports: Report) -> Looks:
    return Looks(reports)


def promtool(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """What promtool says; it is Prometheus' own reader of all that Prometheus reads."""
    return subprocess.run(
        ["promtool", *arguments], input=given, capture_output=True, text=True, timeout=60, check=False
    )
