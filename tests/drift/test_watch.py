"""What watches tell is gathered: findings, and everything that could not be said beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from k8snet_provision.drift import Code, Finding, Severity, Watch, watch
from k8snet_provision.plan import Incomplete
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from tests.deploys.worlds import a_world


def finding(what: str) -> Finding:
    return Finding(Code.FLAGS, Severity.WARNING, "inventory", "cp1", "x", what, "differs")


def goes_on(world: World, host: str) -> Iterator[Finding | Unknown]:
    yield Unknown(host, "first", "cut short")
    yield finding("between")
    yield Unknown(host, "second", "cut short")
    yield finding("last")


def breaks_off(world: World) -> Iterator[Finding]:
    yield finding("before")
    raise Unknown("cluster", "the rest", "no answer")


def asked(tmp_path: Path, *, whole: bool) -> tuple[list[str], list[Incomplete]]:
    world = a_world(tmp_path, "service_cidr: 10.96.0.0/16", {"cp1": {}, "w1": {}})
    watches = [Watch("x", ("cluster", "kube_control_plane"), on_host=goes_on, in_cluster=breaks_off)]
    findings, incomplete = watch.ask(watches, world, ["cp1"], whole=whole)
    return [found.what for found in findings], incomplete


def test_what_is_unknown_hides_nothing_that_was_found(tmp_path: Path) -> None:
    whats, incomplete = asked(tmp_path, whole=True)
    assert whats == ["before", "between", "last"]
    assert [(item.target, item.what) for item in incomplete] == [
        ("cluster", "the rest"),
        ("cp1", "first"),
        ("cp1", "second"),
    ]


def test_the_cluster_is_left_out_where_it_is_not_part_of_the_look(tmp_path: Path) -> None:
    assert asked(tmp_path, whole=False)[0] == ["between", "last"]
