"""Objects compared without what only the API server writes."""

from __future__ import annotations

import json

from ruamel.yaml import YAML

from k8snet_provision.change import Action
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import ObjectRef

LIVE = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "coredns",
        "namespace": "kube-system",
        "uid": "5c4f",
        "resourceVersion": "42",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [{"manager": "kubeadm"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "kept"},
    },
    "data": {"Corefile": ".:53 {\n    errors\n}\n"},
    "status": {"x": 1},
}


def test_bookkeeping_of_the_server_is_no_difference() -> None:
    moved = {**LIVE, "metadata": {**LIVE["metadata"], "resourceVersion": "43", "managedFields": []}, "status": {}}  # type: ignore[dict-item]
    assert list(kube_object.change("phase", LIVE, moved)) == []


def test_the_text_is_yaml_of_the_same_object_and_keeps_lines_apart() -> None:
    text = kube_object.to_text(LIVE)
    assert text is not None
    assert YAML(typ="safe", pure=True).load(text) == kube_object.without_noise(LIVE)
    assert "    errors\n" in text


def test_an_update_remembers_what_must_not_have_moved() -> None:
    (change,) = kube_object.change("phase", LIVE, {**LIVE, "data": {}}, send={"apiVersion": "v1"})
    assert change.details["before_version"] == "resourceVersion=42"
    assert json.loads(change.details["manifest"]) == {"apiVersion": "v1"}


def test_a_generation_is_preferred_because_status_updates_leave_it_alone() -> None:
    assert kube_object.version_of({"metadata": {"generation": 3, "resourceVersion": "9"}}) == "generation=3"


def test_deleting_sends_only_the_name() -> None:
    (change,) = kube_object.change("phase", LIVE, None)
    assert change.action is Action.DELETE
    assert json.loads(change.details["manifest"]) == ObjectRef.of(LIVE).skeleton()


def test_only_objects_with_our_label_have_an_owner() -> None:
    assert kube_object.owner(LIVE) == ""
    assert kube_object.owner(kube_object.owned_by("coredns", LIVE)) == "coredns"


def test_undone_makes_again_what_was_there_whatever_became_of_it() -> None:
    (updated,) = kube_object.change("phase", LIVE, {**LIVE, "data": {}}, send={"apiVersion": "v1"})
    back = kube_object.undone(updated)
    assert back is not None and (back.before, back.after) == (updated.after, updated.before)
    assert back.details["how"] == "replace" and "before_version" not in back.details
    assert json.loads(back.details["manifest"]) == kube_object.without_noise(LIVE)


def test_undone_deletes_what_was_made_and_makes_what_was_deleted() -> None:
    (made,) = kube_object.change("phase", None, LIVE)
    (deleted,) = kube_object.change("phase", LIVE, None)
    back, again = kube_object.undone(made), kube_object.undone(deleted)
    assert back is not None and (back.action, back.details["how"]) == (Action.DELETE, "delete")
    assert again is not None and (again.action, again.details["how"]) == (Action.CREATE, "create")
    assert json.loads(again.details["manifest"]) == kube_object.without_noise(LIVE)


def test_undone_applies_again_what_was_applied_so_that_a_later_apply_takes_it_away() -> None:
    ours = kube_object.owned_by("coredns", LIVE)
    (updated,) = kube_object.change("phase", ours, {**ours, "data": {}}, send=ours)
    (deleted,) = kube_object.change("phase", ours, None)
    (replaced,) = kube_object.change("phase", ours, {**ours, "data": {}}, how="replace")
    backs = [kube_object.undone(change) for change in (updated, deleted, replaced)]
    assert [back and back.details["how"] for back in backs] == ["apply", "apply", "replace"]


def test_a_secret_is_kept_out_of_every_report() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls"}, "data": {"tls.key": "a2V5"}}
    (change,) = kube_object.change("phase", None, secret)
    assert change.secret
