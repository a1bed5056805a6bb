"""A whole run taken back on a real cluster: byte for byte, refused where somebody was there meanwhile, and forth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.resources.kube_object import without_noise
from tests.hosts.labs import LabCluster

pytestmark = pytest.mark.hosts

AS_INSTALLED = """
service_cidr: 10.96.0.0/16
pod_cidr: 10.244.0.0/16
cluster_domain: cluster.local
kube_proxy:
  mode: iptables
"""

HOSTS = ("cp1", "cp2", "cp3", "node1", "node2")
KUBELET = "/var/lib/kubelet/config.yaml"
CERTIFICATE = "/etc/kubernetes/pki/apiserver.crt"
KINDS = (
    "configmaps,services,serviceaccounts,deployments,daemonsets,poddisruptionbudgets,servicecidrs,"
    "clusterroles,clusterrolebindings,namespaces"
)
RESTARTED = "kubectl.kubernetes.io/restartedAt"


def files(lab: LabCluster) -> dict[str, str]:
    """Path, mode, owner and content of everything that is configured on each host."""
    find = f"find /etc {KUBELET} -type f ! -path '/etc/cni/*' -printf '%p %m %u %g ' -exec sha256sum {{}} \\; | sort"
    return {host: lab.on(host, find) for host in HOSTS}


def objects(lab: LabCluster) -> dict[str, Any]:
    """What somebody wants of each object; that its Pods were started anew is no part of that."""
    found = {}
    for item in lab.objects(f"get {KINDS} -A")["items"]:
        clean = without_noise(item)
        template = clean.get("spec", {}).get("template", {}).get("metadata", {})
        annotations = {k: v for k, v in template.pop("annotations", {}).items() if k != RESTARTED}
        meta = clean["metadata"]
        found[f"{item['kind']} {meta.get('namespace', '')}/{meta['name']}"] = (clean, annotations)
    return found


def rolls_back(lab: LabCluster, *ids: str) -> list[str]:
    ran = lab.tool("rollback", *ids, "--check", "--output", "json")
    assert ran.code == 2, ran
    return list(json.loads(ran.out)["rolls_back"])


def test_a_run_is_taken_back_byte_for_byte_and_once(fresh_systemd: LabCluster) -> None:
    fresh_systemd.topology(AS_INSTALLED)
    installed = fresh_systemd.tool("diff")
    assert installed.code == 0, installed
    before = files(fresh_systemd), objects(fresh_systemd)
    fresh_systemd.restore_topology()
    applied = fresh_systemd.tool("apply", "--yes", timeout=600)
    assert applied.code == 0, applied
    assert files(fresh_systemd)["cp1"] != before[0]["cp1"]

    fresh_systemd.on("node1", f"cp -p {KUBELET} /root/kept && sed -i 's/^clusterDNS:/# by hand\\n&/' {KUBELET}")
    refused = fresh_systemd.tool("rollback", "--yes")
    assert refused.code == 1, refused
    assert f"node1: K8N432 file {KUBELET} is neither what the run " in refused.err
    assert "# by hand" in refused.err and "changed since" not in refused.err
    fresh_systemd.on("node1", f"mv /root/kept {KUBELET}")

    (run,) = rolls_back(fresh_systemd)
    back = fresh_systemd.tool("rollback", run, "--yes", timeout=600)
    assert back.code == 0, back
    assert files(fresh_systemd) == before[0]
    assert objects(fresh_systemd) == before[1]
    fresh_systemd.topology(AS_INSTALLED)
    same = fresh_systemd.tool("diff")
    assert same.code == 0, same
    again = fresh_systemd.tool("rollback", "--yes")
    assert (again.code, "nothing to roll back" in again.err) == (0, True), again
    assert fresh_systemd.tool("rollback", run, "--check").code == 0


def test_a_rollback_can_be_taken_back_itself(fresh_systemd: LabCluster) -> None:
    """Rolled back by its id; the topology of the first apply is in effect again."""
    fresh_systemd.restore_topology()
    applied = fresh_systemd.tool("apply", "--yes", timeout=600)
    assert applied.code == 0, applied
    made = files(fresh_systemd), objects(fresh_systemd)
    back = fresh_systemd.tool("rollback", "--yes", "--output", "json", timeout=600)
    assert back.code == 0, back
    again = fresh_systemd.tool("rollback", json.loads(back.out)["run"], "--yes", timeout=600)
    assert again.code == 0, again
    assert fresh_systemd.tool("diff").code == 0
    assert objects(fresh_systemd) == made[1]
    now = files(fresh_systemd)
    other = [line for host in HOSTS for line in now[host].splitlines() if line not in made[0][host].splitlines()]
    paths = {line.split(" ")[0] for line in other}
    assert paths == {CERTIFICATE}, "issued anew with the same names; all else is the same"


def test_two_runs_are_taken_back_together_on_another_machine(
    fresh_systemd: LabCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no journal of them, and works with what the hosts keep."""
    before = objects(fresh_systemd)
    topology = fresh_systemd.inventory / "group_vars" / "all" / "topology.yml"
    runs = []
    for ttl in (41, 42):
        fresh_systemd.restore_topology()
        topology.write_text(topology.read_text().replace("  dns:\n", f"  dns:\n    ttl: {ttl}\n"))
        applied = fresh_systemd.tool("apply", "--yes", "--output", "json")
        assert applied.code == 0, applied
        runs.append(json.loads(applied.out)["run"])
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    told = fresh_systemd.tool("history", "--hosts")
    assert told.code == 0 and all(run in told.out for run in runs), told
    alone = fresh_systemd.tool("rollback", runs[0], "--yes")
    assert (alone.code, f"K8N433 the later run {runs[1]}" in alone.err) == (1, True), alone
    back = fresh_systemd.tool("rollback", *runs, "--yes")
    assert back.code == 0, back
    assert objects(fresh_systemd) == before
