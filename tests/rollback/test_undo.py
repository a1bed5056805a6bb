"""From what is in effect to the changes that undo it: nothing done twice, nothing of others' taken away."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8snet_provision.capability import Capability, Phase
from k8snet_provision.change import CLUSTER, Action, Change, Kind
from k8snet_provision.engine.carry_out import cluster_changes, host_changes
from k8snet_provision.resources import file, kube_object, package
from k8snet_provision.resources.file import File
from k8snet_provision.resources.kube_object import Manifest, owned_by
from k8snet_provision.resources.probe import HostSeen
from k8snet_provision.rollback.standing import Standing
from k8snet_provision.rollback.undo import Before, Undone, undo
from tests.deploys.worlds import ABSENT, a_state, a_world, present, unknown

TOPOLOGY = "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16"
SITE = (
    Phase(Capability("edge", host_changes), ("kube_node",)),
    Phase(Capability("services", cluster_changes)),
    Phase(Capability("addon-pods", cluster_changes)),
)
RUN = "20261121T020000Z-0001"


def a_file(before: str | None = "old\n", after: str | None = "new\n") -> Change:
    sides = [None if text is None else File("/etc/a.conf", text.encode()) for text in (before, after)]
    (made,) = file.change("edge", "w1", *sides, restarts=("haproxy",))
    return made


def an_object(before: Manifest | None, after: Manifest | None, how: str = "apply") -> Change:
    (made,) = kube_object.change("services", before, after, how=how)
    return made


def config(ours: bool = True, generation: int = 3, **data: str) -> Manifest:
    meta = {"name": "c", "namespace": "n", "generation": generation}
    made: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
    return owned_by("services", made) if ours else made


def room(kind: str, name: str) -> Manifest:
    return owned_by("services", {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "generation": 1}})


def undone(
    directory: Path,
    in_effect: Sequence[Change],
    *,
    unseen: Sequence[Change] = (),
    settled: Sequence[Change] = (),
    before: Before | None = None,
    put_back: frozenset[tuple[str, str]] = frozenset(),
    newest: bool = True,
    **state: Any,
) -> Undone:
    world = a_world(directory, TOPOLOGY, {"w1": {}}, a_state(**state))
    addresses = frozenset(change.address for change in in_effect) if newest else frozenset[str]()
    standing = Standing(RUN, tuple(in_effect), tuple(settled), tuple(unseen), addresses)
    return undo(standing, SITE, world, before or Before(), put_back)


RESTART = Change("addon-pods", CLUSTER, Kind.RESTART, "Deployment n/d", "", "")


def test_a_file_goes_back_with_its_restart_and_what_started_for_it_starts_again(tmp_path: Path) -> None:
    back = undone(tmp_path, [a_file()], unseen=[RESTART]).changes
    assert [(c.phase, c.before, c.after, c.restarts) for c in back] == [
        ("edge", "new\n", "old\n", ("haproxy",)),
        ("addon-pods", "", "", ()),
    ]


def test_where_nothing_is_in_effect_nothing_is_started_again(tmp_path: Path) -> None:
    assert undone(tmp_path, [], unseen=[RESTART], settled=[a_file()]).changes == []


def test_what_the_run_put_back_itself_is_not_started_again(tmp_path: Path) -> None:
    put_back = frozenset({("addon-pods", CLUSTER)})
    assert [c.phase for c in undone(tmp_path, [a_file()], unseen=[RESTART], put_back=put_back).changes] == ["edge"]


def test_a_rollback_that_was_killed_is_gone_on_with(tmp_path: Path) -> None:
    """Its file was written, its unit may not have started: it works by the new definition still."""
    batch, other = ("edge", "w1"), ("addon-pods", CLUSTER)
    begun = Before(frozenset({batch, other}))
    back = undone(tmp_path, [], settled=[a_file()], unseen=[RESTART], before=begun).changes
    assert [(c.kind, c.name) for c in back] == [(Kind.RESTART, "Deployment n/d"), (Kind.RESTART, "haproxy")]
    passed = Before(frozenset({batch, other}), frozenset({batch, other}))
    assert undone(tmp_path, [], settled=[a_file()], unseen=[RESTART], before=passed).changes == []


def test_a_package_stays_and_is_named(tmp_path: Path) -> None:
    seen = HostSeen("w1", {"package:haproxy": present("apt-get")})
    (installed,) = package.change("edge", seen, "haproxy", unit="haproxy", config="/etc/a.conf")
    found = undone(tmp_path, [a_file()], unseen=[installed])
    assert [change.kind for change in found.changes] == [Kind.FILE]
    assert list(found.notices) == ["package haproxy stays as it is on w1"]


def test_what_was_applied_is_applied_again_as_it_was(tmp_path: Path) -> None:
    """A replacement would own what it puts back, and no later apply would take it away."""
    was, made = config(generation=2, a="1"), config(a="2")
    (back,) = undone(tmp_path, [an_object(was, made)], objects=[made]).changes
    assert (back.details["how"], back.details["before_version"]) == ("apply", "generation=3")
    assert json.loads(back.details["manifest"])["data"] == {"a": "1"}
    assert json.loads(back.details["before_manifest"])["data"] == {"a": "2"}, "so that it can be undone itself"


def test_what_was_deleted_comes_back_and_what_is_not_ours_is_replaced(tmp_path: Path) -> None:
    (again,) = undone(tmp_path, [an_object(config(a="1"), None)]).changes
    assert (again.action, again.details["how"], again.details["before_version"]) == (Action.CREATE, "apply", "")
    theirs = config(ours=False, a="2")
    change = an_object(config(ours=False, a="1"), theirs, how="replace")
    (back,) = undone(tmp_path, [change], objects=[theirs]).changes
    assert back.details["how"] == "replace"


def test_what_was_to_be_made_anew_and_is_away_is_made_as_it_was(tmp_path: Path) -> None:
    change = an_object(config(ours=False, a="1"), config(ours=False, a="2"), how=kube_object.RECREATE)
    (back,) = undone(tmp_path, [change]).changes
    assert (back.action, back.details["how"], "before_version" in back.details) == (Action.CREATE, "recreate", False)
    assert json.loads(back.details["manifest"])["data"] == {"a": "1"}


def test_what_was_made_is_deleted_as_it_is_now(tmp_path: Path) -> None:
    live = config(a="1")
    (gone,) = undone(tmp_path, [an_object(None, config(a="1"))], objects=[live]).changes
    assert (gone.action, gone.details["how"]) == (Action.DELETE, "delete")
    assert json.loads(gone.details["before_manifest"])["data"] == {"a": "1"}


def test_a_state_that_a_later_run_leaves_is_not_checked_by_its_version(tmp_path: Path) -> None:
    change = an_object(config(a="1"), config(a="2"))
    (back,) = undone(tmp_path, [change], newest=False, objects=[config(a="3")]).changes
    assert "before_version" not in back.details
    assert back.before is not None and "a: '2'" in back.before


def test_a_namespace_in_which_somebody_else_keeps_something_stays(tmp_path: Path) -> None:
    namespace, inside = an_object(None, room("Namespace", "shop")), an_object(None, config(a="1"))
    rows = "object|k8snet-provision|ConfigMap shop/ours\nobject||ConfigMap shop/kube-root-ca.crt\n"
    theirs = "Warning: v1 Foo is deprecated\nobject|<no value>|ConfigMap shop/theirs\n"
    there = [room("Namespace", "shop"), config(a="1")]
    kept = undone(
        tmp_path, [namespace, inside], said={"rollback:Namespace:shop": present(rows + theirs)}, objects=there
    )
    assert [change.name for change in kept.changes] == ["ConfigMap n/c"]
    assert list(kept.notices) == ["Namespace shop stays: somebody else keeps ConfigMap shop/theirs in it"]
    gone = undone(tmp_path, [namespace, inside], said={"rollback:Namespace:shop": present(rows)}, objects=there)
    assert [change.name for change in gone.changes] == ["ConfigMap n/c", "Namespace shop"]


def test_a_namespace_of_which_the_contents_cannot_be_told_stays(tmp_path: Path) -> None:
    said = {"rollback:Namespace:shop": unknown("the server is currently unable to handle the request")}
    kept = undone(
        tmp_path, [an_object(None, room("Namespace", "shop"))], said=said, objects=[room("Namespace", "shop")]
    )
    (notice,) = kept.notices
    assert (kept.changes, "unable to handle" in notice) == ([], True)


def test_a_secret_that_was_never_read_cannot_come_back(tmp_path: Path) -> None:
    ref = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}}
    details = {"how": "delete", "manifest": json.dumps(ref)}
    change = Change("services", CLUSTER, Kind.OBJECT, "Secret n/s", "", None, details, secret=True)
    found = undone(tmp_path, [change], said={"rollback:secret:n/s": ABSENT})
    assert [(p.code, p.text) for p in found.problems] == [
        ("K8N434", "Secret n/s cannot be made again: what was in it was never read")
    ]
    whole = replace(change, details={**details, "before_manifest": json.dumps(ref | {"data": {"k": "djE="}})})
    assert undone(tmp_path, [whole], newest=False).problems == []
