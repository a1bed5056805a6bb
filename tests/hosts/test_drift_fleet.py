"""drift from inside the cluster: a CronJob, and an Indexed Job whose shards together find what one look finds."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import drift_pods
from tests.hosts.drift_pods import NAMESPACE, DriftPods
from tests.hosts.labs import LabCluster
from tests.program import Ran, run

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def pods(fresh_kubeadm: LabCluster, tmp_path_factory: pytest.TempPathFactory) -> DriftPods:
    drift_pods.put_image(fresh_kubeadm, tmp_path_factory.mktemp("image"))
    return drift_pods.furnish(fresh_kubeadm)


def said(report: Any) -> tuple[list[str], list[str], list[tuple[str, str]]]:
    """What two looks at the same thing must agree on."""
    unseen = [(item["target"], item["what"]) for item in report["incomplete"]]
    return sorted(report["hosts"]), sorted(item["fingerprint"] for item in report["findings"]), sorted(unseen)


def outside(pods: DriftPods) -> Any:
    ran = pods.lab.tool("drift", "--output", "json")
    assert ran.code == 2, ran
    (report,) = json.loads(ran.out)["reports"]
    assert {item["target"] for item in report["findings"]} > {"cluster", "node1"}
    return report


def merged(logs: str, folder: Path) -> tuple[Ran, Any]:
    (folder / "logs").write_text(logs)
    ran = run("reports", "merge", str(folder / "logs"), "--output", "json")
    (report,) = json.loads(ran.out)["reports"]
    return ran, report


def test_a_cronjob_finds_what_a_look_from_outside_finds_and_remembers_since_when(pods: DriftPods) -> None:
    (job,) = drift_pods.manifest("cronjob.yaml")
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    drift_pods.for_this_lab(pods.lab, spec)
    drift_pods.give_memory(pods, spec)
    pods.make(job)
    reports = []
    for name in ("now", "later"):
        pods.kubectl(f"-n {NAMESPACE} create job --from=cronjob/drift {name}")
        pods.ended(name)
        (pod,) = pods.pods(name)
        (report,) = drift_pods.looks_of(pods.logs(name))["reports"]
        assert pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 2, report
        assert said(report) == said(outside(pods))
        reports.append(report)
    first, second = reports
    assert first["started"] < second["started"]
    assert {item["since"] for item in second["findings"]} == {first["started"]}, second["notices"]


def test_four_shards_find_it_together_and_one_that_was_killed_is_missed_by_name(
    pods: DriftPods, tmp_path: Path
) -> None:
    (job,) = drift_pods.manifest("shards.yaml")
    drift_pods.for_this_lab(pods.lab, job["spec"]["template"]["spec"])
    pods.make(job)
    name = job["metadata"]["name"]
    pods.ended(name)
    assert len(pods.pods(name)) == 4
    ran, report = merged(pods.logs(name), tmp_path)
    assert (ran.code, ran.err, report["shard"]) == (2, "", None), ran
    assert said(report) == said(outside(pods))

    job["metadata"]["name"] = again = "drift-again"
    pods.make(job)
    killed = (
        f"{NAMESPACE} delete pod -l batch.kubernetes.io/job-name={again},batch.kubernetes.io/job-completion-index=2"
    )
    ends = time.monotonic() + 30
    while "deleted" not in pods.kubectl(f"-n {killed} --force --grace-period=0"):
        assert time.monotonic() < ends
    ended = pods.ended(again)
    assert ended["status"]["failedIndexes"], ended
    ran, report = merged(pods.logs(again), tmp_path)
    assert ran.code == 3, ran
    assert [(item["target"], item["what"]) for item in report["incomplete"]] == [("shard 3/4", "report")]
