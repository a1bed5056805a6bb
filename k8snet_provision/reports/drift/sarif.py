"""Drift as SARIF 2.1.0, which code hosts and editors show beside the file that says what is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from k8snet_provision.drift import RULES, Accepted, Finding, Report, Severity
from k8snet_provision.drift.looks import Looks
from k8snet_provision.plan import Incomplete
from k8snet_provision.problems import Problem
from k8snet_provision.reports.drift.json import document
from k8snet_provision.reports.lines import unseen
from k8snet_provision.saved_plan import tool
from k8snet_provision.text import valid

VERSION = "2.1.0"
LEVEL = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
FINGERPRINT = "k8snetProvision/v1"
INDEX = {str(code): number for number, code in enumerate(RULES)}


def text(looks: Looks) -> str:
    runs = [*map(_run, looks.reports), *(_failed(item.inventory, item.problems) for item in looks.failed)]
    runs += [_failed("", looks.problems)] if looks.problems else []
    return document({"version": VERSION, "runs": runs})


def _run(report: Report) -> dict[str, Any]:
    shard = f"{report.shard}/" if report.shard else ""
    return {
        "tool": _tool(report.tool),
        "automationDetails": {"id": f"drift/{report.cluster}/{shard}"},
        "invocations": [_invocation(report)],
        "results": [
            *(_result(report, found) for found in report.findings),
            *(_accepted(report, item) for item in report.accepted),
        ],
    }


def _failed(inventory: str, problems: Sequence[Problem]) -> dict[str, Any]:
    """A run without results that was not successful, for what could not be looked at."""
    told = [{"level": "error", "message": {"text": str(problem)}} for problem in problems]
    return {
        "tool": _tool(tool.version()),
        "automationDetails": {"id": f"drift/{inventory}/"},
        "invocations": [{"executionSuccessful": False, "toolExecutionNotifications": told}],
        "results": [],
    }


def _tool(version: str) -> dict[str, Any]:
    return {"driver": {"name": "k8snet-provision", "version": version, "rules": _rules()}}


def _rules() -> list[dict[str, Any]]:
    return [
        {
            "id": str(code),
            "name": code.name,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.means},
            "defaultConfiguration": {"level": LEVEL[rule.severity]},
        }
        for code, rule in RULES.items()
    ]


def _invocation(report: Report) -> dict[str, Any]:
    """A look that did not see everything was not successful: no results are no proof then."""
    return {
        "executionSuccessful": report.complete,
        "startTimeUtc": report.started,
        "toolExecutionNotifications": [
            *map(_unseen, report.incomplete),
            *({"level": "note", "message": {"text": notice}} for notice in report.notices),
        ],
    }


def _unseen(item: Incomplete) -> dict[str, Any]:
    return {"level": "error", "message": {"text": unseen(item)}}


def _result(report: Report, found: Finding) -> dict[str, Any]:
    index = {"ruleIndex": INDEX[found.code]} if found.code in INDEX else {}
    about = {
        "capability": found.capability,
        "before": found.before,
        "after": found.after,
        "since": found.since,
        "who": found.who,
        "mend": found.mend,
    }
    return {
        "ruleId": str(found.code),
        **index,
        "level": LEVEL[found.severity],
        "message": {"text": f"{found.target}: {found.what} {found.text}"},
        "locations": [_location(report, found)],
        "partialFingerprints": {FINGERPRINT: found.fingerprint},
        "properties": {name: value for name, value in about.items() if value},
    }


def _accepted(report: Report, item: Accepted) -> dict[str, Any]:
    told = item.acceptance
    why = f"until {told.until}: {told.reason}"
    suppression = {"kind": "external", "status": "accepted", "justification": why}
    return {**_result(report, item.finding), "suppressions": [suppression]}


def _location(report: Report, found: Finding) -> dict[str, Any]:
    """Where what is wanted was written, and which thing of which host is not as it says."""
    file, colon, line = report.topology.rpartition(":")
    numbered = bool(colon) and line.isdecimal() and int(line) > 0
    place: dict[str, Any] = {
        "artifactLocation": {"uri": _uri(file if numbered else report.topology or report.inventory)}
    }
    if numbered:
        place["region"] = {"startLine": int(line)}
    name = f"{found.cluster}/{found.target}/{found.what}"
    return {
        "physicalLocation": place,
        "logicalLocations": [{"name": found.what, "fullyQualifiedName": name, "kind": "resource"}],
    }


def _uri(path: str) -> str:
    """Relative to where drift was run, which is where the inventory is a file of its repository."""
    text = valid(path)
    return Path(text).as_uri() if Path(text).is_absolute() else quote(text)
