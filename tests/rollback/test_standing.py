"""What is there now tells which changes are in effect; what is neither old nor new is refused by name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.ingress.paths import NODE_LABEL
from k8snet_provision.resources import file, kube_object, unit
from k8snet_provision.resources.file import File
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.resources.probe import Seen
from k8snet_provision.rollback.standing import Found, look_at
from tests.deploys.worlds import ABSENT, a_state, a_world, present, sent, unknown
from tests.rollback.runs import as_kept

TOPOLOGY = "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16"
PATH = "/etc/a.conf"
RUN, LATER = "20261121T020000Z-0001", "20261122T020000Z-0002"


def a_file(before: str | None, after: str | None, phase: str = "edge", mode: str = "644") -> Change:
    sides = [None if text is None else File(PATH, text.encode(), mode) for text in (before, after)]
    (made,) = file.change(phase, "w1", *sides)
    return made


def an_object(before: Manifest | None, after: Manifest | None, phase: str = "coredns") -> Change:
    (made,) = kube_object.change(phase, before, after)
    return made


def config(**data: str) -> Manifest:
    meta = {"name": "c", "namespace": "n", "resourceVersion": "7"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def seen(
    directory: Path,
    *runs: Sequence[Change],
    hosts: Mapping[str, Seen] | None = None,
    objects: Sequence[Manifest] = (),
    apart: Sequence[str] = (),
    **state: Any,
) -> Found:
    world = a_world(directory, TOPOLOGY, {"w1": hosts or {}}, a_state(objects=objects, **state))
    done = [(run, as_kept(changes).plan.changes) for run, changes in zip((RUN, LATER), runs, strict=False)]
    return look_at(done, world, apart)


def now(content: str | None, mode: str = "644") -> dict[str, Seen]:
    return {f"file:{PATH}": ABSENT if content is None else present(sent(PATH, content, mode))}


def test_a_file_as_the_run_made_it_is_in_effect_and_one_as_it_was_is_settled(tmp_path: Path) -> None:
    change = a_file("old\n", "new\n")
    (standing,) = seen(tmp_path, [change], hosts=now("new\n")).standing
    assert (standing.in_effect, standing.settled) == ((change,), ())
    (standing,) = seen(tmp_path, [change], hosts=now("old\n")).standing
    assert (standing.in_effect, standing.settled) == ((), (change,))


def test_a_file_that_was_made_and_one_that_was_removed(tmp_path: Path) -> None:
    for change, there in ((a_file(None, "new\n"), "new\n"), (a_file("old\n", None), None)):
        assert seen(tmp_path, [change], hosts=now(there)).standing[0].in_effect == (change,)
        other = None if there else "old\n"
        assert seen(tmp_path, [change], hosts=now(other)).standing[0].settled == (change,)


def test_a_file_that_is_neither_is_named_with_the_first_line_that_differs(tmp_path: Path) -> None:
    found = seen(tmp_path, [a_file("a\nold\n", "a\nnew\n")], hosts=now("a\nby hand\n"))
    (problem,) = found.problems
    assert (problem.code, problem.where, problem.found, problem.expected) == ("K8N432", "w1", "line 2: by hand", "new")
    assert RUN in problem.text and PATH in problem.text


def test_a_file_whose_mode_is_another_has_moved(tmp_path: Path) -> None:
    (problem,) = seen(tmp_path, [a_file("old\n", "new\n")], hosts=now("new\n", "600")).problems
    assert (problem.found, problem.expected) == ("600 root root", "644 root root")


@pytest.mark.parametrize("there", [[], [{"deletionTimestamp": "2026-11-21T02:00:00Z"}]], ids=["away", "going"])
@pytest.mark.parametrize("how", [kube_object.RECREATE, kube_object.BY_APISERVER])
def test_what_is_made_anew_and_half_way_there_is_in_effect(tmp_path: Path, there: list[Any], how: str) -> None:
    (change,) = kube_object.change("coredns", config(a="old"), config(a="new"), how=how)
    going = [{**config(a="old"), "metadata": {**config()["metadata"], **meta}} for meta in there]
    (standing,) = seen(tmp_path, [change], objects=going).standing
    assert [item.address for item in standing.in_effect] == [change.address]
    (standing,) = seen(tmp_path, [change], objects=[config(a="old")]).standing
    assert standing.in_effect == ()
    assert seen(tmp_path, [change], objects=[config(a="other")]).problems
    (replaced,) = kube_object.change("coredns", config(a="old"), config(a="new"), how="replace")
    assert seen(tmp_path, [replaced], objects=going).problems, "one that is replaced is never away"


def test_what_cannot_be_looked_at_is_incomplete_and_its_restarts_are_left_out(tmp_path: Path) -> None:
    restart = Change("edge", "w1", Kind.RESTART, "haproxy", "", "")
    found = seen(tmp_path, [a_file("old\n", "new\n"), restart], hosts={f"file:{PATH}": unknown("i/o error")})
    (item,) = found.incomplete
    assert (item.target, item.why, found.standing[0].unseen) == ("w1", "i/o error", ())


def test_several_runs_on_one_file_are_followed_back_step_by_step(tmp_path: Path) -> None:
    first, second = a_file("a", "b"), a_file("b", "c")
    elder, later = seen(tmp_path, [first], [second], hosts=now("c")).standing
    assert (elder.in_effect, later.in_effect, {*later.newest}) == ((first,), (second,), {first.address})
    elder, later = seen(tmp_path, [first], [second], hosts=now("b")).standing
    assert (elder.in_effect, later.in_effect, later.settled) == ((first,), (), (second,))


def test_somebody_elses_edit_between_two_runs_would_be_lost_and_is_named(tmp_path: Path) -> None:
    (problem,) = seen(tmp_path, [a_file("a", "b")], [a_file("hand", "c")], hosts=now("c")).problems
    assert f"was changed by somebody else between {RUN} and {LATER}" in problem.text
    assert (problem.found, problem.expected) == ("line 1: hand", "b")


def test_two_phases_of_a_run_that_change_one_thing_are_undone_as_one(tmp_path: Path) -> None:
    first, second = a_file("a", "b", "one"), a_file("b", "c", "two")
    (standing,) = seen(tmp_path, [first, second], hosts=now("c")).standing
    (whole,) = standing.in_effect
    assert (whole.phase, whole.before, whole.after) == ("one", "a", "c")
    assert whole.details["before_sha256"] == first.details["before_sha256"]
    assert whole.details["after_sha256"] == second.details["after_sha256"]
    (standing,) = seen(tmp_path, [first, second], hosts=now("b")).standing
    assert standing.in_effect == (first,)


def test_a_phase_that_is_undone_after_all_later_ones_keeps_its_own_step(tmp_path: Path) -> None:
    first, second = a_file("a", "b", "edge"), a_file("b", "c", "edge-retired")
    (standing,) = seen(tmp_path, [first, second], hosts=now("c"), apart=["edge"]).standing
    assert standing.in_effect == (first, second)


def test_the_other_kinds_on_hosts(tmp_path: Path) -> None:
    (running,) = unit.running("edge", "w1", "haproxy", None)
    changes = [
        Change("kernel", "w1", Kind.SYSCTL, "net.a", "0", "1"),
        Change("kernel", "w1", Kind.MODULE, "ip_vs", None, "loaded"),
        running,
    ]
    made = {
        "sysctl:net.a": present("1\n"),
        "module:ip_vs": present("loaded\n"),
        "unit:haproxy": present("ActiveState=active\nUnitFileState=enabled\n\n"),
    }
    assert seen(tmp_path, changes, hosts=made).standing[0].in_effect == tuple(changes)
    old = {"sysctl:net.a": present("0\n"), "module:ip_vs": present("available\n"), "unit:haproxy": ABSENT}
    assert seen(tmp_path, changes, hosts=old).standing[0].settled == tuple(changes)
    odd = made | {
        "unit:haproxy": present("ActiveState=active\nUnitFileState=disabled\n\n"),
        "sysctl:net.a": present("7"),
    }
    found = [(problem.text.split()[1], problem.found) for problem in seen(tmp_path, changes, hosts=odd).problems]
    assert found == [("net.a", "line 1: 7"), ("haproxy", "line 1: disabled, active")]


def test_an_object_is_in_effect_gone_or_moved(tmp_path: Path) -> None:
    change = an_object(config(a="1"), config(a="2"))
    assert seen(tmp_path, [change], objects=[config(a="2")]).standing[0].in_effect == (change,)
    assert seen(tmp_path, [change], objects=[config(a="1")]).standing[0].settled == (change,)
    (problem,) = seen(tmp_path, [change], objects=[config(a="3")]).problems
    assert (problem.where, problem.found, problem.expected) == (CLUSTER, "line 3:   a: '3'", "  a: '2'")
    (problem,) = seen(tmp_path, [change]).problems
    assert problem.found == "nothing"


def test_a_label_of_a_node(tmp_path: Path) -> None:
    details = {"how": "label", "node": "w1"}
    change = Change("ingress-nodes", CLUSTER, Kind.OBJECT, "Node w1 label", None, f"{NODE_LABEL}: true\n", details)
    nodes = [{"metadata": {"name": "w1", "labels": {NODE_LABEL: "true"}}}]
    assert seen(tmp_path, [change], nodes=nodes).standing[0].in_effect == (change,)
    bare = [{"metadata": {"name": "w1"}}]
    assert seen(tmp_path, [change], nodes=bare).standing[0].settled == (change,)
    (gone,) = seen(tmp_path, [change]).incomplete
    assert "no such Node" in gone.why


def test_a_secret_is_told_by_what_it_was_and_by_who_wrote_it(tmp_path: Path) -> None:
    def secret(value: str, manager: str = "k8snet-provision") -> Manifest:
        fields = [{"manager": manager, "fieldsV1": {"f:data": {}}}]
        meta = {"name": "s", "namespace": "n", "resourceVersion": "7", "managedFields": fields}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": {"k": value}}

    (kept,) = as_kept([an_object(secret("b2xk"), secret("bmV3"))]).plan.changes
    whole = replace(kept, before=kube_object.to_text(secret("b2xk")), details={"how": "apply", "manifest": "{}"})
    done = [(RUN, [replace(whole, details={"before_manifest": json.dumps(secret("b2xk"))})])]

    def look(live: Manifest | None) -> Found:
        said = {"rollback:secret:n/s": ABSENT if live is None else present(json.dumps(live))}
        return look_at(done, a_world(tmp_path, TOPOLOGY, {}, a_state(said=said)), ())

    assert len(look(secret("bmV3")).standing[0].in_effect) == 1
    assert len(look(secret("b2xk")).standing[0].settled) == 1
    (problem,) = look(secret("aGFuZA==", "kubectl-edit")).problems
    assert problem.found == "written by kubectl-edit since"
    assert look(None).problems[0].found == "nothing"
