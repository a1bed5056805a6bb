"""The main job, as an operator does it: diff, apply, apply again, verify."""

from __future__ import annotations

import json

import pytest

from tests.hosts.labs import LabCluster

pytestmark = pytest.mark.hosts


def test_the_main_job(fresh_systemd: LabCluster) -> None:
    """One story, because each step stands on the one before."""
    cluster = fresh_systemd
    before = cluster.objects("get servicecidr kubernetes")
    assert before["spec"]["cidrs"] == ["10.96.0.0/16"]

    planned = cluster.tool("diff", "--output", "json")
    assert planned.code == 2, planned
    plan = json.loads(planned.out)
    assert {(c["phase"], c["target"]) for c in plan["changes"]} >= {("kube-apiserver", f"cp{n}") for n in (1, 2, 3)}
    assert cluster.objects("get servicecidr kubernetes") == before

    applied = cluster.tool("apply", "--yes", "--output", "json", timeout=600)
    assert applied.code == 0, applied
    done = json.loads(applied.out)
    assert done["outcome"]["done"] == [f"{c['target']}:{c['kind']}:{c['name']}" for c in done["changes"]]
    assert done["changes"] == plan["changes"]

    again = cluster.tool("apply", "--yes")
    assert again.code == 0, again
    assert "nothing to change" in again.out
    assert cluster.tool("diff").code == 0

    assert cluster.objects("get servicecidr kubernetes")["spec"]["cidrs"] == ["10.254.0.0/16"]
    assert cluster.objects("get service kubernetes")["spec"]["clusterIP"] == "10.254.0.1"

    verified = cluster.tool("verify", "--output", "json")
    results = json.loads(verified.out)
    assert [result for result in results if not result["passed"]] == []
    assert verified.code == 0, verified
    assert len(results) > 30
    assert "k8snet-verify" not in cluster.kubectl("get namespaces")


def test_there_is_a_way_back(fresh_systemd: LabCluster) -> None:
    """The cluster of the main job gets the range and mode it started with; at once nothing is left to do."""
    cluster = fresh_systemd
    cluster.topology("service_cidr: 10.96.0.0/16\nkube_proxy:\n  mode: iptables")
    back = cluster.tool("apply", "--yes", timeout=600)
    assert back.code == 0, back
    assert cluster.objects("get servicecidr kubernetes")["spec"]["cidrs"] == ["10.96.0.0/16"]
    after = cluster.tool("diff")
    assert after.code == 0, after
    proved = cluster.tool("verify")
    assert proved.code == 0, proved
