"""Leaning: a shard says nothing of the cluster that hosts of other shards may disprove."""

from __future__ import annotations

import pytest

from k8snet_provision import leaning
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.drift.shards import Part
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Origin, Problem

NO_NETWORK = Problem("K8N178", "a pool is in no node's network", Origin("topology.yml", 7))
OF_A_HOST = Problem("K8N152", "the kernel is too old", "n1")
REFUSED = Problem("K8N301", "the API server refuses it", CLUSTER)
HOSTS = ("cp1", "n1", "n2")

WITH_CLUSTER = Part(("n1",), True, ("cp1", "n1"))
WITHOUT = Part(("n2",), False, ("cp1", "n2"))


NOTICES = ("n1: its cache is not managed", "n2: its cache is not managed", "5 Pods keep an old address")


def plan(*problems: Problem) -> Plan:
    changes = tuple(Change("kubelet", target, Kind.FILE, "/etc/x", "a", "b") for target in (CLUSTER, *HOSTS))
    unseen = (
        Incomplete("cp1", "host", "off"),
        Incomplete("cp1", "kubelet", "cut short"),
        Incomplete("n2", "file", "?"),
    )
    return Plan("prod", {}, changes, unseen, problems, NOTICES)


@pytest.mark.parametrize("part", [WITH_CLUSTER, WITHOUT])
def test_what_is_about_a_host_or_was_known_before_depends_on_no_other(part: Part) -> None:
    assert not leaning.on_others(plan(OF_A_HOST, REFUSED), [REFUSED], part, lambda: plan(REFUSED))


def test_the_shard_with_the_cluster_looks_at_all_before_it_refuses() -> None:
    assert leaning.on_others(plan(NO_NETWORK), (), WITH_CLUSTER, lambda: plan(NO_NETWORK))


def test_another_shard_does_so_for_what_only_its_own_hosts_show() -> None:
    assert not leaning.on_others(plan(NO_NETWORK), (), WITHOUT, lambda: plan(NO_NETWORK))
    assert leaning.on_others(plan(NO_NETWORK), (), WITHOUT, lambda: plan())


def test_what_could_not_be_said_for_want_of_a_host_is_a_reason_too() -> None:
    assert leaning.misses([Incomplete("n2", "host", "it was not observed")], ["n2"])
    assert not leaning.misses([Incomplete("cp1", "host", "off")], ["n2"])


def test_a_part_tells_of_its_own_hosts_and_of_the_cluster_only_where_it_has_it() -> None:
    told = leaning.of_part(plan(NO_NETWORK, OF_A_HOST), HOSTS, WITH_CLUSTER, saw_all=False)
    assert [change.target for change in told.changes] == [CLUSTER, "n1"]
    assert (told.problems, told.notices) == ((NO_NETWORK, OF_A_HOST), (NOTICES[0], NOTICES[2]))
    told = leaning.of_part(plan(NO_NETWORK, OF_A_HOST), HOSTS, WITHOUT, saw_all=False)
    assert ([change.target for change in told.changes], told.problems) == (["n2"], ())
    assert told.notices == (NOTICES[1],)


def test_a_part_that_saw_all_tells_why_the_cluster_is_refused() -> None:
    assert leaning.of_part(plan(NO_NETWORK, OF_A_HOST), HOSTS, WITHOUT, saw_all=True).problems == (NO_NETWORK,)


def test_a_host_of_others_that_was_not_reached_is_told_and_what_else_it_hid_is_theirs() -> None:
    told = leaning.of_part(plan(), HOSTS, WITHOUT, saw_all=False)
    assert [(item.target, item.what) for item in told.incomplete] == [("cp1", "host"), ("n2", "file")]
