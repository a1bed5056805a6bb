"""Merging: what shards report is one report; whatever is missing or does not belong makes it incomplete, by name."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Code, Finding, Report, Severity, Shard, merging, report_files
from k8snet_provision.drift.looks import Failed, Looks, from_json, to_json
from k8snet_provision.exits import Exit, of_looks
from k8snet_provision.plan import Incomplete
from k8snet_provision.problems import Origin, Problem
from tests.program import run

HOSTS = ("cp1", "n1", "n2", "n3")
BEGAN = "2026-11-29T02:00:00Z"


def found(target: str) -> Finding:
    return Finding(Code.FILE, Severity.WARNING, "prod", target, "kubelet", "file /etc/x", "is not as wanted", "a", "b")


def a_report(index: int = 1, count: int = 4, **changes: Any) -> Report:
    """Of the shard with one of HOSTS; the third also has the cluster."""
    host = HOSTS[index - 1]
    targets = (host, CLUSTER) if index == 3 else (host,)
    made = Report(
        cluster="prod",
        inventory="inventory/prod",
        started=BEGAN,
        seconds=float(index),
        tool="0.1.0 (0)",
        facts={"kubernetes": "v1.36.3"},
        hosts=(host,),
        cluster_looked_at=index == 3,
        findings=tuple(map(found, targets)),
        looked_at={"kubelet": targets},
        last_complete=BEGAN,
        shard=Shard(index, count),
    )
    return replace(made, **changes)


def later(seconds: float) -> str:
    moment = datetime.fromisoformat(BEGAN) + timedelta(seconds=seconds)
    return moment.isoformat().replace("+00:00", "Z")


ALL = [a_report(index) for index in range(1, 5)]


def merged(*reports: Report) -> Report:
    (report,) = merging.merge([Looks(tuple(reports))]).reports
    return report


def test_all_shards_are_one_report() -> None:
    report = merged(*ALL)
    assert (report.hosts, report.cluster_looked_at, report.shard, report.complete) == (HOSTS, True, None, True)
    assert {item.target for item in report.findings} == {*HOSTS, CLUSTER}
    assert set(report.looked_at["kubelet"]) == {*HOSTS, CLUSTER}
    assert (report.seconds, report.last_complete) == (4.0, BEGAN)


def test_neither_the_order_nor_how_they_are_spread_over_files_matters() -> None:
    expected = merged(*ALL)
    assert all(merged(*order) == expected for order in itertools.permutations(ALL))
    assert merging.merge([Looks((report,)) for report in ALL]).reports == (expected,)


def test_what_is_merged_already_stays_as_it_is() -> None:
    assert merged(merged(*ALL)) == merged(*ALL)


def test_what_two_shards_found_is_told_once() -> None:
    unseen = Incomplete("cp1", "host", "off")
    report = merged(*(replace(item, findings=(found(CLUSTER),), incomplete=(unseen,)) for item in ALL))
    assert (report.findings, report.incomplete) == ((found(CLUSTER),), (unseen,))


def test_a_shard_that_never_reported_is_named_and_hides_nothing() -> None:
    report = merged(*ALL[:1], *ALL[2:])
    assert [(item.target, item.what) for item in report.incomplete] == [("shard 2/4", "report")]
    assert len(report.findings) == 4 and "n1" not in report.hosts and report.last_complete == ""


def test_a_shard_that_reported_twice_counts_once_and_the_newest() -> None:
    again = replace(ALL[1], started=later(60), findings=())
    report = merged(*ALL, again)
    assert report.complete and [item.target for item in report.findings if item.target == "n1"] == []
    (notice,) = report.notices
    assert "shard 2/4" in notice and later(60) in notice


def test_a_shard_of_another_run_is_not_merged() -> None:
    old = replace(ALL[1], started=later(-3601))
    report = merged(ALL[0], old, *ALL[2:])
    ((target, why),) = [(item.target, item.why) for item in report.incomplete]
    assert target == "shard 2/4" and "another run" in why
    assert "n1" not in report.hosts and all(item.target != "n1" for item in report.findings)


def test_of_an_older_run_the_newer_report_of_the_same_shard_is_enough() -> None:
    old = [replace(item, started=later(-3601)) for item in ALL]
    report = merged(*old, *ALL)
    assert {item.target for item in report.findings} == {*HOSTS, CLUSTER}
    assert not report.complete  # whoever gave yesterday's files is told


def test_a_shard_of_another_set_is_not_merged() -> None:
    """Three shards are cut otherwise than four: hosts would be missing, or be there twice."""
    other = replace(a_report(2, 3), started=later(-10))
    report = merged(ALL[0], other, *ALL[2:])
    assert [item.target for item in report.incomplete] == ["shard 2/3", "shard 2/4"]
    assert all("another set" in item.why for item in report.incomplete[:1])


def test_a_shard_of_another_version_makes_the_result_incomplete_and_what_it_found_is_told() -> None:
    report = merged(*ALL[:3], replace(ALL[3], tool="0.0.9 (1)", started=later(-1)))
    ((target, why),) = [(item.target, item.why) for item in report.incomplete]
    assert target == "shard 4/4" and "0.0.9 (1)" in why
    assert len(report.findings) == 5


def test_several_clusters_are_merged_apart() -> None:
    other = [replace(item, cluster="test", inventory="inventory/test") for item in ALL[:3]]
    prod, test = merging.merge([Looks((*other, *ALL))]).reports
    assert (prod.cluster, prod.complete) == ("prod", True)
    assert (test.cluster, [item.target for item in test.incomplete]) == ("test", ["shard 4/4"])


def test_without_a_shard_that_had_the_cluster_it_was_not_seen() -> None:
    report = merged(*(replace(item, cluster_looked_at=False) for item in ALL))
    assert [(item.target, item.what) for item in report.incomplete] == [(CLUSTER, "objects")]


def test_an_inventory_that_every_shard_refused_is_told_once() -> None:
    failed = Failed("inventory/bad", (Problem("K8N001", "is bad", Origin("f", 3)),))
    looks = merging.merge([Looks((item,), (failed,)) for item in ALL])
    assert looks.failed == (failed,) and of_looks(looks) is Exit.FAILED


def test_looks_come_back_as_they_were() -> None:
    problem = Problem("K8N001", "is bad", Origin("f", 3), "a", "b", "c")
    looks = Looks(tuple(ALL), (Failed("inventory/bad", (problem,)),), (replace(problem, where="cp1"),))
    assert from_json(json.loads(json.dumps(to_json(looks)))) == looks


def test_the_logs_of_several_pods_are_read_in_one_piece(tmp_path: Path) -> None:
    """`kubectl logs` prints them one after another, what stood on stderr in between."""
    texts = [json.dumps(to_json(Looks((report,))), indent=2) for report in ALL]
    (tmp_path / "logs").write_text("note: a line of stderr\n" + "\nwarning: {another}\n".join(texts) + "\n")
    assert report_files.read([tmp_path / "logs"]).reports == tuple(ALL)


WHOLE = json.dumps(to_json(Looks((ALL[0],))), indent=2)
DAMAGED = {
    "empty": "",
    "cut short": WHOLE[: len(WHOLE) // 2],
    "text": "no report at all",
    "another JSON": '{"kind": "Pod"}',
    "a list": "[1, 2]",
    "reports of something else": '{"reports": [{"format": 1}]}',
    "no list of reports": '{"reports": 5}',
    "another format": WHOLE.replace('"format": 1', '"format": 99'),
    "no time": WHOLE.replace(BEGAN, "yesterday"),
    "no zone": WHOLE.replace(BEGAN, "2026-11-29T02:00:00"),
    "no such shard": WHOLE.replace('"count": 4', '"count": 1000000000'),
    "nested": '{"a":' * 100_000,
}


@pytest.mark.parametrize("case", list(DAMAGED))
def test_a_damaged_file_is_one_problem_and_hides_no_other(tmp_path: Path, case: str) -> None:
    (tmp_path / "damaged.json").write_text(DAMAGED[case])
    (tmp_path / "good.json").write_text(WHOLE)
    looks = report_files.read([tmp_path / "damaged.json", tmp_path / "good.json"])
    assert [problem.where.file for problem in looks.problems if isinstance(problem.where, Origin)] == [
        str(tmp_path / "damaged.json")
    ]
    assert looks.reports == (ALL[0],)


def test_the_command_ends_as_drift_does(tmp_path: Path) -> None:
    files = []
    for report in ALL:
        files.append(tmp_path / f"{report.shard.index}.json")  # type: ignore[union-attr]
        files[-1].write_text(json.dumps(to_json(Looks((report,)))))
    ran = run("reports", "merge", *map(str, files), "--output", "json")
    assert (ran.code, ran.err) == (2, "") and len(json.loads(ran.out)["reports"]) == 1, ran
    files[1].write_text("{")
    ran = run("reports", "merge", *map(str, files), str(tmp_path / "gone.json"))
    assert ran.code == 1 and "shard 2/4" in ran.out and len(ran.err.splitlines()) == 2, ran
