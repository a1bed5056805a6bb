"""Who changes together, who goes first, who stays out."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision.capability import Capability, Phase
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.plan import Plan
from k8snet_provision.rollout import check_options
from k8snet_provision.rollout.batches import batches

NODES = tuple(f"n{number}" for number in range(1, 9))


def a_plan(*targets: str, phase: str = "p") -> Plan:
    return Plan("test", {}, tuple(Change(phase, target, Kind.FILE, "/etc/a", None, "a") for target in targets))


def a_phase(at_once: int | str, name: str = "p") -> Phase:
    return Phase(Capability(name, carry_out=Path), at_once=at_once)


def test_the_canary_is_the_first_host_and_alone() -> None:
    assert batches(a_phase("50%"), a_plan(*NODES), canary="n6") == [
        ["n6"],
        ["n1", "n2", "n3", "n4"],
        ["n5", "n7", "n8"],
    ]


def test_the_cluster_comes_before_the_canary() -> None:
    plan = a_plan("n1", CLUSTER, "n2")
    assert batches(a_phase("100%"), plan, canary="n2") == [[CLUSTER], ["n2"], ["n1"]]


def test_a_phase_that_does_not_change_the_canary_is_as_it_was() -> None:
    assert batches(a_phase(2), a_plan("n1", "n2"), canary="n9") == [["n1", "n2"]]


def test_fewer_hosts_make_batches_no_larger_and_no_smaller() -> None:
    assert batches(a_phase("25%"), a_plan(*NODES), without={"n2", "n9"}) == [
        *(["n1", "n3"], ["n4", "n5"], ["n6", "n7"], ["n8"]),
    ]


def test_nobody_is_left_of_a_phase() -> None:
    assert batches(a_phase("25%"), a_plan("n1"), canary="n1", without={"n1"}) == []


@pytest.mark.parametrize("canary", ["n9", CLUSTER, "n1; reboot", "n\n1"])
def test_a_canary_that_nothing_changes_is_refused(canary: str) -> None:
    (problem,) = check_options(a_plan("n1", CLUSTER, "n2"), [a_phase(1)], canary)
    assert problem.code == "K8N490"
    assert (problem.found, problem.expected) == (canary, "one of n1, n2")
    assert "\n" not in str(problem)


def test_a_canary_of_a_phase_that_is_not_run_is_refused() -> None:
    plan = Plan("test", {}, (*a_plan("n1").changes, *a_plan("n2", phase="other").changes))
    assert [problem.expected for problem in check_options(plan, [a_phase(1)], "n2")] == ["one of n1"]
    assert check_options(plan, [a_phase(1), a_phase(1, "other")], "n2") == []


def test_a_plan_without_hosts_has_no_canary() -> None:
    (problem,) = check_options(a_plan(CLUSTER), [a_phase(1)], "n1")
    assert problem.hint == "no host changes: leave --canary away"


@pytest.mark.parametrize(
    ("numbers", "where"),
    [
        ({"max_failures": -1}, "--max-failures"),
        ({"pause": -0.5}, "--pause"),
        ({"pause": float("nan")}, "--pause"),
        ({"pause": float("inf")}, "--pause"),
    ],
)
def test_numbers_that_are_none_are_refused(numbers: dict[str, float], where: str) -> None:
    (problem,) = check_options(a_plan("n1"), [a_phase(1)], **numbers)  # type: ignore[arg-type]
    assert (problem.code, problem.where) == ("K8N491", where)


def test_everything_wrong_is_said_at_once() -> None:
    assert len(check_options(a_plan("n1"), [a_phase(1)], "n9", -1, -1)) == 3
    assert check_options(a_plan("n1"), [a_phase(1)]) == []
