"""A change window on a real cluster: saved, shown, refused while something has moved, applied, refused afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from k8snet_provision.run_lock import PATH
from tests.hosts.labs import LabCluster
from tests.program import run

pytestmark = pytest.mark.hosts

KUBELET = "/var/lib/kubelet/config.yaml"


def test_a_plan_is_applied_as_it_was_saved_or_not_at_all(fresh_kubeadm: LabCluster, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    made = fresh_kubeadm.tool("diff", "--save", str(plan))
    assert made.code == 2, made
    shown = run("show", str(plan))
    assert (shown.code, shown.out.splitlines()) == (0, made.out.splitlines())
    fresh_kubeadm.on("node1", f"cp -p {KUBELET} {KUBELET}.kept && echo '# by hand' >>{KUBELET}")
    fresh_kubeadm.kubectl("-n kube-system scale deployment coredns --replicas=3")
    refused = run("apply", str(plan), "--yes")
    assert (refused.code, refused.out) == (1, ""), refused
    assert f"node1: K8N416 file {KUBELET} is not what the plan saw (found line " in refused.err
    assert "cluster: K8N416 object Deployment kube-system/coredns " in refused.err
    fresh_kubeadm.on("node1", f"mv {KUBELET}.kept {KUBELET}")
    again = fresh_kubeadm.tool("diff", "--save", str(plan))
    assert again.code == 2, again
    applied = run("apply", str(plan), "--yes", timeout=600)
    assert applied.code == 0, applied
    assert fresh_kubeadm.tool("diff").code == 0
    late = run("apply", str(plan), "--yes")
    assert late.code == 1 and "is no longer to be changed" in late.err, late


def test_an_interrupted_run_gives_its_lock_back(fresh_kubeadm: LabCluster) -> None:
    topology = fresh_kubeadm.inventory / "group_vars" / "all" / "topology.yml"
    topology.write_text(topology.read_text().replace("10.254.0.0/16", "10.253.0.0/16"))
    command = [sys.executable, "-m", "k8snet_provision", "apply", str(fresh_kubeadm.inventory), "--yes"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as first:
        ends = time.monotonic() + 60
        while fresh_kubeadm.on("cp1", f"cat {PATH} 2>/dev/null || true") == "":
            assert time.monotonic() < ends and first.poll() is None
            time.sleep(0.3)
        first.send_signal(signal.SIGINT)
        said = first.communicate(timeout=180)[0]
    assert (first.returncode, "interrupted" in said) == (1, True), said
    assert fresh_kubeadm.on("cp1", f"cat {PATH} 2>/dev/null || true") == ""
    assert fresh_kubeadm.kubectl("-n kube-system get lease k8snet-provision --ignore-not-found") == ""
    finished = fresh_kubeadm.tool("apply", "--yes", timeout=600)
    assert finished.code == 0, finished
