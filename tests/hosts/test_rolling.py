"""A change that one node does not survive: who goes first, who goes on without it, what the exit code says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts.labs import LabCluster
from tests.program import Ran

pytestmark = pytest.mark.hosts

CONFIG = "/var/lib/kubelet/config.yaml"
OLD, NEW = "old.local", "cluster.local"

DROP_IN = "/run/systemd/system/kubelet.service.d/fault.conf"
BREAKS = f"""\
mkdir -p {DROP_IN.rsplit("/", 1)[0]}
printf '[Service]\\nExecStartPre=grep -q {OLD} {CONFIG}\\n' >{DROP_IN}
systemctl daemon-reload
"""
"""A kubelet that starts with the configuration of before only."""


def hosts_of(lab: LabCluster) -> list[str]:
    return [node["metadata"]["name"] for node in lab.objects("get nodes")["items"]]


@pytest.fixture
def lab(fresh_systemd: LabCluster) -> Iterator[LabCluster]:
    """Every kubelet hands out a zone of before; node1 would not live with another one."""
    fresh_systemd.topology("service_cidr: 10.96.0.0/16\npod_cidr: 10.244.0.0/16\ncluster_domain: cluster.local\n")
    for host in hosts_of(fresh_systemd):
        zone = f"sed -i 's/^clusterDomain: .*/clusterDomain: {OLD}/' {CONFIG}"
        fresh_systemd.on(host, f"{zone}; systemctl reset-failed kubelet; systemctl restart kubelet")
    fresh_systemd.on("node1", BREAKS)
    yield fresh_systemd
    fresh_systemd.on("node1", f"rm -f {DROP_IN}; systemctl daemon-reload")


def zones(lab: LabCluster) -> dict[str, str]:
    return {host: lab.on(host, f"sed -n 's/^clusterDomain: //p' {CONFIG}").strip() for host in hosts_of(lab)}


def apply(lab: LabCluster, *how: str) -> Ran:
    return lab.tool("apply", "--tags", "kubelet", "--yes", *how, timeout=600)


def ended(ran: Ran) -> list[str]:
    """The hosts in the order in which they were done with, as the progress says."""
    return [line.split()[2] for line in ran.err.splitlines() if line.startswith(("ok ", "FAILED "))]


def test_the_others_go_on_without_a_node_that_may_fail(lab: LabCluster) -> None:
    others = [host for host in hosts_of(lab) if host != "node1"]
    ran = apply(lab, "--canary", "node2", "--max-failures", "1", "--pause", "2", "--verbose")
    assert ran.code == 1, ran
    assert ended(ran)[:2] == ["node2", "node1"], ran
    assert sorted(ended(ran)) == sorted(hosts_of(lab)), ran
    assert zones(lab) == {"node1": OLD, **dict.fromkeys(others, NEW)}
    assert lab.on("node1", "systemctl is-active kubelet").strip() == "active"
    assert "put back and seen to work: node1" in ran.out
    assert "not touched" not in ran.out
    assert ran.err.count("kubelet: pausing 2 s") == len(others), ran
    lab.on("node1", f"rm {DROP_IN}; systemctl daemon-reload")
    again = apply(lab)
    assert (again.code, ended(again)) == (0, ["node1"]), again
    assert lab.tool("diff", "--tags", "kubelet").code == 0


def test_a_canary_that_fails_keeps_the_others_as_they_are(lab: LabCluster) -> None:
    ran = apply(lab, "--canary", "node1", "--max-failures", "9")
    assert (ran.code, ended(ran)) == (1, ["node1"]), ran
    assert set(zones(lab).values()) == {OLD}
    untouched = next(line for line in ran.out.splitlines() if line.startswith("not touched: "))
    assert all(f"kubelet on {host}" in untouched for host in hosts_of(lab) if host != "node1"), ran


def test_a_canary_that_nothing_changes_starts_nothing(lab: LabCluster) -> None:
    ran = apply(lab, "--canary", "node9")
    assert (ran.code, ended(ran)) == (1, []), ran
    assert "K8N490 no phase changes the canary (found node9, expected one of " in ran.err
    assert set(zones(lab).values()) == {OLD}
