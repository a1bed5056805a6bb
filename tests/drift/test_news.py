"""What changed between two looks; what was not seen is neither gone nor new when it is seen again."""

from __future__ import annotations

from dataclasses import replace

from k8snet_provision.drift.news import News, carried, since
from k8snet_provision.plan import Incomplete
from tests.drift.test_report import FOUND, REPORT

ON_NODE = replace(FOUND, target="node1", what="file /etc/y")
OFF = Incomplete("node1", "host", "connection refused")
WELL = replace(REPORT, findings=(), incomplete=(), accepted=())


def test_nothing_new_says_nothing() -> None:
    assert not since(replace(WELL, findings=(FOUND,)), replace(WELL, findings=(FOUND,), seconds=9.0))


def test_what_appears_and_what_goes() -> None:
    before, now = replace(WELL, findings=(FOUND,)), replace(WELL, findings=(ON_NODE,))
    assert since(before, now) == News(appeared=(ON_NODE,), gone=(FOUND,))


def test_a_finding_that_becomes_another_one_goes_and_appears() -> None:
    worse = replace(FOUND, before="other\n")
    assert since(replace(WELL, findings=(FOUND,)), replace(WELL, findings=(worse,))) == News((worse,), (FOUND,))


def test_of_a_host_that_is_lost_nothing_has_gone() -> None:
    before, now = replace(WELL, findings=(FOUND, ON_NODE)), replace(WELL, findings=(FOUND,), incomplete=(OFF,))
    assert since(before, now) == News(lost=(OFF,))


def test_a_host_that_is_back_with_what_it_had_is_back_and_nothing_else() -> None:
    before = replace(WELL, findings=(FOUND, ON_NODE))
    lost = carried(before, replace(WELL, findings=(FOUND,), incomplete=(OFF,)))
    assert since(lost, before) == News(back=(OFF,))


def test_a_host_that_comes_back_well_lost_its_findings() -> None:
    before = replace(WELL, findings=(ON_NODE,))
    lost = carried(before, replace(WELL, incomplete=(OFF,)))
    assert since(lost, WELL) == News(gone=(ON_NODE,), back=(OFF,))
