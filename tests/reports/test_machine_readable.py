"""What programs read: JSON and JUnit stay valid whatever a host says."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from k8snet_provision.change import Change, Kind
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Origin, Problem
from k8snet_provision.reports.junit import to_xml
from k8snet_provision.reports.outcome import outcome_to_json
from k8snet_provision.rollout import Outcome
from k8snet_provision.verification.plugin import Result

HOSTILE = "a\x00b\x1b[31m \"<&>' ]]> \ud800 é"
CHANGE = Change("kubelet", "node1", Kind.FILE, "/etc/a", "old\n", "new\n", restarts=("kubelet",))


def test_a_plan_is_json_from_end_to_end() -> None:
    problem = Problem("K8N101", HOSTILE, Origin("t.yml", 3), found=HOSTILE)
    plan = Plan("lab", {"nodes": "1"}, (CHANGE,), (Incomplete("cp1", "host", HOSTILE),), (problem,), (HOSTILE,), 1.5)
    read = json.loads(json.dumps(plan.to_json()))
    assert read["changes"][0] | {"details": {}} == {
        "phase": "kubelet",
        "target": "node1",
        "kind": "file",
        "action": "update",
        "name": "/etc/a",
        "before": "old\n",
        "after": "new\n",
        "details": {},
        "restarts": ["kubelet"],
        "reloads": [],
        "because": "",
        "secret": False,
    }
    assert read["incomplete"] == [{"target": "cp1", "what": "host", "why": HOSTILE}]
    assert (read["problems"][0]["file"], read["problems"][0]["line"]) == ("t.yml", 3)


def test_a_secret_is_in_no_plan() -> None:
    secret = Change("p", "h", Kind.FILE, "/k", "5e1f", "77aa", {"manifest": "5e1f"}, secret=True)
    text = json.dumps(Plan("lab", {}, (secret,)).to_json())
    assert "5e1f" not in text and "77aa" not in text


def test_an_outcome_names_changes_by_their_address() -> None:
    outcome = Outcome(done=[CHANGE], failures={"p": {"h": HOSTILE}}, interrupted=True, seconds=0.12345)
    assert json.loads(json.dumps(outcome_to_json(outcome))) == {
        "ok": False,
        "interrupted": True,
        "seconds": 0.123,
        "done": ["node1:file:/etc/a"],
        "failures": {"p": {"h": HOSTILE}},
        "put_back": [],
        "not_put_back": {},
        "untouched": [],
        "skipped": [],
    }


def test_junit_counts_and_places_every_check() -> None:
    results = [
        Result("t1", "names are answered", "node1", True, 0.25),
        Result("t2", "the range is in use", "cluster", False, 0.5, "found 10.96.0.1"),
    ]
    suite = ElementTree.fromstring(to_xml("lab", results))
    assert suite.attrib == {"name": "lab", "tests": "2", "failures": "1", "errors": "0", "time": "0.750"}
    cases = [(case.get("classname"), case.get("name"), case.get("time")) for case in suite]
    assert cases == [("node1", "names are answered", "0.250"), ("cluster", "the range is in use", "0.500")]
    (failure,) = suite.iter("failure")
    assert (failure.get("message"), failure.text) == ("found 10.96.0.1", "found 10.96.0.1")


def test_junit_is_xml_whatever_a_host_says() -> None:
    text = to_xml(HOSTILE, [Result("t", HOSTILE, HOSTILE, False, 0.0, HOSTILE)])
    suite = ElementTree.fromstring(text.encode("utf-8"))
    assert suite.get("name") == "a\\x00b\\x1b[31m \"<&>' ]]> \\ud800 é"
    assert next(suite.iter("failure")).text == suite.get("name")
