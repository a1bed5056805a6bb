"""A report is JSON and back, and a fingerprint says that it is the same thing in the same way."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from k8snet_provision.drift import RULES, Acceptance, Accepted, Code, Finding, Place, Report, Severity, Shard
from k8snet_provision.drift.report import from_json, to_json
from k8snet_provision.plan import Incomplete

FOUND = Finding(
    Code.FILE, Severity.WARNING, "prod", "cp1", "kube-apiserver", "file /etc/x", "is not as wanted", "a\n", "b\n"
)
REPORT = Report(
    cluster="prod",
    inventory="inventory/prod",
    started="2026-11-29T02:00:00Z",
    seconds=1.5,
    tool="0.1.0 (0)",
    facts={"kubernetes": "v1.36.3"},
    hosts=("cp1", "node1"),
    cluster_looked_at=True,
    findings=(FOUND,),
    accepted=(Accepted(replace(FOUND, target="cp2"), Acceptance("0" * 16, "2026-12-31", "known", "me", "today")),),
    incomplete=(Incomplete("node1", "host", "off"),),
    notices=("by the way",),
    picture=(Place("nodes", "Nodes", ("port 80",), ("node1",), whole=True, then=("pods",)), Place("pods", "Pods")),
    shard=Shard(1, 4),
    looked_at={"kube-apiserver": ("cp1",), "hosts": ("cp1", "node1")},
    last_complete="2026-11-28T02:00:00Z",
    topology="inventory/prod/group_vars/all.yml:3",
)


def test_a_report_comes_back_as_it_was() -> None:
    assert from_json(json.loads(json.dumps(to_json(REPORT)))) == REPORT


@pytest.mark.parametrize("key", list(to_json(REPORT)))
def test_a_report_with_something_missing_is_refused(key: str) -> None:
    value = to_json(REPORT)
    del value[key]
    with pytest.raises((KeyError, TypeError)):
        from_json(value)


def test_a_report_of_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="format 99"):
        from_json(to_json(REPORT) | {"format": 99})


def test_the_same_thing_is_the_same_whatever_it_should_be_and_whoever_did_it() -> None:
    assert replace(FOUND, after="c", since="yesterday", who="them", mend="x", text="y").fingerprint == FOUND.fingerprint


@pytest.mark.parametrize("field", ["cluster", "target", "capability", "what", "before"])
def test_another_place_or_another_content_is_another_finding(field: str) -> None:
    assert replace(FOUND, **{field: "other"}).fingerprint != FOUND.fingerprint


def test_what_makes_it_the_same_may_be_something_else_than_what_was_found() -> None:
    first = replace(FOUND, before="29 days left", identity="serial 7")
    assert replace(first, before="28 days left").fingerprint == first.fingerprint
    assert replace(first, identity="serial 8").fingerprint != first.fingerprint


def test_bytes_that_are_no_text_are_written_out_once_and_for_all() -> None:
    found = replace(FOUND, before=b"a\xff\x00".decode("utf-8", "surrogateescape"))
    assert found.before == "a\\xff\x00"
    text = json.dumps(to_json(replace(REPORT, findings=(found,))))
    assert from_json(json.loads(text)).findings[0].fingerprint == found.fingerprint


def test_every_code_has_a_rule() -> None:
    assert set(RULES) == set(Code)
