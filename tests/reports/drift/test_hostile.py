"""Whatever a host says, every form is valid: no reader of it stumbles, and nothing is read as something else."""

from __future__ import annotations

import json
import random
from dataclasses import fields, replace

import junitparser
import pytest

from k8snet_provision.drift import Acceptance, Accepted, Finding, Report, Severity, Shard
from k8snet_provision.drift.looks import Failed, Looks
from k8snet_provision.plan import Incomplete
from k8snet_provision.problems import Origin, Problem
from k8snet_provision.reports.drift.forms import FORMS
from tests.reports.drift.readers import READERS
from tests.reports.drift.samples import FILE, QUIET, looks

PIECES = (
    "\x00", "\x1b[31m", "\x7f", "\x85", "\r\n", "\n", "\t", '"', "'", "\\", "\\n", "<", ">", "&", "]]>", "<!--", "-->",
    "</script>", "<script>alert(1)</script>", "&#0;", "{", "}", "%", "#", " ", "é", "漢", "🙂", "\u2028", "\ufeff",
    "\ufffe", "\uffff", "\ud800", "\udcff", "\udc80", "\u202e", "x", "javascript:", "[x](y)", "EOF", "1e999", "",
)  # fmt: skip
ROUNDS = 12


def said(chance: random.Random) -> str:
    return "".join(chance.choices(PIECES, k=chance.randrange(1, 12)))


def finding(chance: random.Random) -> Finding:
    """Of a known code and severity, as every one is; the rest is anything."""
    free = [field.name for field in fields(Finding) if field.name not in ("code", "severity", "since")]
    return replace(FILE, severity=chance.choice(list(Severity)), **{name: said(chance) for name in free})


def report(chance: random.Random) -> Report:
    several = range(chance.randrange(1, 4))
    return replace(
        QUIET,
        cluster=said(chance),
        inventory=said(chance),
        tool=said(chance),
        facts={"kubernetes": said(chance), said(chance): said(chance)},
        hosts=tuple(said(chance) for _ in several),
        looked_at={said(chance): tuple(said(chance) for _ in several) for _ in several},
        findings=tuple(finding(chance) for _ in several),
        accepted=tuple(
            Accepted(finding(chance), Acceptance("0" * 16, "2026-12-31", said(chance), said(chance), said(chance)))
            for _ in several
        ),
        incomplete=tuple(
            Incomplete(said(chance), chance.choice(["host", said(chance)]), said(chance)) for _ in several
        ),
        notices=tuple(said(chance) for _ in several),
        shard=chance.choice([None, Shard(1, 2)]),
        topology=said(chance) + chance.choice(["", ":3"]),
    )


def problem(chance: random.Random, where: Origin | str) -> Problem:
    return Problem("K8N101", said(chance), where, said(chance), said(chance), said(chance))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(ROUNDS))
def test_every_form_is_valid_whatever_a_host_says(form: str, seed: int) -> None:
    chance = random.Random(seed)
    several = range(chance.randrange(1, 4))
    broken = Failed(
        said(chance), (problem(chance, said(chance)), problem(chance, Origin(said(chance), 3))), said(chance)
    )
    found = Looks(tuple(report(chance) for _ in several), (broken,), (problem(chance, said(chance)),))
    READERS[form](FORMS[form].text(found).encode("utf-8"))


def test_text_comes_out_as_it_was_said() -> None:
    """What each form can hold it holds; the rest is written out, and can still be read."""
    told = replace(FILE, what='a"b\\c\n<&]]>é', text="x\x00\udcff")
    reports = looks(replace(QUIET, cluster='a"b\\c\n', findings=(told,)))
    (read,) = json.loads(FORMS["json"].text(reports))["reports"]
    assert read["findings"][0]["what"] == told.what and read["findings"][0]["text"] == "x\x00\\xff"
    (suite,) = junitparser.JUnitXml.fromstring(FORMS["junit"].text(reports).encode())
    assert suite.name == 'a"b\\c\n'
    (failure,) = next(case for case in suite if case.name == "kubelet" and case.result).result
    assert 'a"b\\c\n<&]]>é x\\x00\\xff' in failure.text
    assert 'k8snet_drift_hosts{cluster="a\\"b\\\\c\\n"} 3\n' in FORMS["prometheus"].text(reports)
    (run,) = json.loads(FORMS["sarif"].text(reports))["runs"]
    assert told.what in run["results"][0]["message"]["text"]
