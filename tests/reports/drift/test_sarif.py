"""SARIF as its schema has it, and what a code host makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sarif_kit.validate import validation_errors

from k8snet_provision.drift import RULES, Report
from k8snet_provision.drift.looks import Looks
from k8snet_provision.reports.drift.sarif import text
from tests.reports.drift.samples import ACCEPTED, BROKEN, DRIFTED, FILE, OFF, QUIET, REFUSED, looks


def run(report: Report) -> dict[str, Any]:
    read = json.loads(text(looks(report)))
    assert validation_errors(read) == []
    (found,) = read["runs"]
    return dict(found)


def test_the_validator_sees_a_mistake() -> None:
    read = json.loads(text(looks(DRIFTED)))
    read["runs"][0]["results"][0]["level"] = "critical"
    assert validation_errors(read) != []


def test_a_finding_is_a_result_of_its_rule_where_what_is_wanted_was_written() -> None:
    found = run(DRIFTED)
    result = found["results"][0]
    rule = found["tool"]["driver"]["rules"][result["ruleIndex"]]
    assert rule["id"] == result["ruleId"] == "K8N700"
    assert rule["fullDescription"]["text"] == RULES[FILE.code].means
    assert [result["level"] for result in found["results"]] == ["warning", "error", "warning"]
    assert result["partialFingerprints"] == {"k8snetProvision/v1": FILE.fingerprint}
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "inventory/prod/group_vars/all/topology.yml"},
        "region": {"startLine": 3},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "prod/node1/file /etc/kubelet.yml"


def test_what_is_accepted_is_suppressed_with_its_reason() -> None:
    *others, accepted = run(DRIFTED)["results"]
    assert accepted["partialFingerprints"]["k8snetProvision/v1"] == ACCEPTED.finding.fingerprint
    (suppression,) = accepted["suppressions"]
    assert (suppression["status"], suppression["justification"]) == (
        "accepted",
        "until 2026-12-31: until the new kernel",
    )
    assert not any("suppressions" in result for result in others)


def test_a_look_that_did_not_see_everything_was_not_successful() -> None:
    (invocation,) = run(DRIFTED)["invocations"]
    assert not invocation["executionSuccessful"]
    assert OFF.why in invocation["toolExecutionNotifications"][0]["message"]["text"]
    (invocation,) = run(QUIET)["invocations"]
    assert invocation["executionSuccessful"] and run(QUIET)["results"] == []


def test_an_inventory_that_is_broken_is_a_run_that_failed() -> None:
    read = json.loads(text(Looks(failed=(BROKEN,), problems=(REFUSED,))))
    assert validation_errors(read) == []
    invocations = [run["invocations"][0] for run in read["runs"]]
    assert [invocation["executionSuccessful"] for invocation in invocations] == [False, False]
    assert [len(invocation["toolExecutionNotifications"]) for invocation in invocations] == [2, 1]


@pytest.mark.parametrize(
    ("topology", "uri", "line"),
    [
        ("inv/a b.yml:7", "inv/a%20b.yml", 7),
        ("/srv/inv/hosts.yml", "file:///srv/inv/hosts.yml", None),
        ("", "inventory/prod", None),
    ],
)
def test_a_place_is_a_valid_reference(topology: str, uri: str, line: int | None) -> None:
    place = run(replace(DRIFTED, topology=topology))["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == uri
    assert place.get("region", {}).get("startLine") == line
