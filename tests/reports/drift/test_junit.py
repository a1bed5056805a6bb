"""What a CI system makes of the JUnit XML."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import junitparser

from k8snet_provision.drift import Report
from k8snet_provision.drift.looks import Looks
from k8snet_provision.plan import Incomplete
from k8snet_provision.reports.drift.junit import text
from tests.reports.drift.samples import BROKEN, DRIFTED, FILE, QUIET, looks


def read(*reports: Report) -> list[junitparser.TestSuite]:
    return list(junitparser.JUnitXml.fromstring(text(looks(*reports)).encode()))


def told(*reports: Report) -> list[dict[str, str]]:
    """The attributes of each testsuite, as they are written; junitparser counts for itself."""
    return [dict(suite.attrib) for suite in ElementTree.fromstring(text(looks(*reports)))]


def ends(suite: junitparser.TestSuite) -> dict[tuple[str, str], str]:
    """How each testcase ended: "" where it passed."""
    return {(case.classname, case.name): " ".join(type(result).__name__ for result in case.result) for case in suite}


def test_everything_that_was_looked_at_and_is_fine_passes() -> None:
    (suite,) = read(QUIET)
    counts = {"tests": "8", "failures": "0", "errors": "0"}
    assert told(QUIET) == [{"name": "prod", **counts, "time": "4.250", "timestamp": "2026-11-29T02:00:00"}]
    assert set(ends(suite)) == {
        ("cp1", "kube-apiserver"), ("node1", "kubelet"), ("node2", "kubelet"), ("cluster", "coredns"),
        ("cluster", "refusal"), ("cp1", "refusal"), ("node1", "refusal"), ("node2", "refusal"),
    }  # fmt: skip
    assert set(ends(suite).values()) == {""}


def test_findings_fail_what_is_accepted_is_skipped_and_what_was_not_seen_is_an_error() -> None:
    (suite,) = read(DRIFTED)
    counts = {"tests": "9", "failures": "1", "errors": "3", "skipped": "1"}
    assert [counts.items() <= attributes.items() for attributes in told(DRIFTED)] == [True]
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (9, 1, 3, 1)
    ended = ends(suite)
    assert ended["node1", "kubelet"] == "Failure"
    assert ended["node2", "kubelet"] == "Skipped"
    assert ended["cp1", "kube-apiserver"] == ended["cp1", "observation"] == ended["cp1", "refusal"] == "Error"
    assert ended["cluster", "coredns"] == ""


def test_a_failure_says_what_is_wrong_and_how_to_mend_it() -> None:
    (suite,) = read(DRIFTED)
    (failure,) = next(case for case in suite if case.name == "kubelet" and case.classname == "node1").result
    assert failure.message == "K8N700 warning: file /etc/kubelet.yml is not as wanted (and 1 more)"
    for said in ("-clusterDNS: [10.96.0.10]", "+clusterDNS: [10.254.0.10]", FILE.mend, FILE.fingerprint, FILE.who):
        assert said in failure.text
    (skipped,) = next(case for case in suite if case.name == "kubelet" and case.classname == "node2").result
    assert skipped.message == "accepted until 2026-12-31: until the new kernel"


def test_what_may_rest_on_something_unseen_is_not_told_as_passed() -> None:
    (suite,) = read(replace(QUIET, incomplete=(Incomplete("node2", "file /etc/x", "permission denied"),)))
    assert ends(suite)["node2", "kubelet"] == "Skipped"
    assert ends(suite)["node2", "observation"] == "Error"
    assert ends(suite)["node1", "kubelet"] == ""


def test_a_finding_of_something_that_no_look_covers_has_its_testcase_too() -> None:
    (suite,) = read(replace(QUIET, findings=(replace(FILE, capability="new"),)))
    assert ends(suite)["node1", "new"] == "Failure"


def test_an_inventory_that_is_broken_is_an_error_with_all_that_is_wrong_with_it() -> None:
    (suite,) = junitparser.JUnitXml.fromstring(text(Looks(failed=(BROKEN,))).encode())
    assert (suite.name, suite.errors) == ("inventory/stage", 1)
    ((error,),) = [case.result for case in suite]
    assert [line.split()[1] for line in error.text.splitlines()] == ["K8N101", "K8N201"]


def test_several_clusters_are_several_suites() -> None:
    assert [suite.name for suite in read(QUIET, replace(QUIET, cluster="stage"))] == ["prod", "stage"]
