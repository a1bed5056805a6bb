"""Who changed it: what the file system and managedFields keep."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from k8snet_provision.change import Change, Kind
from k8snet_provision.drift import Code, Finding, Severity, who
from tests.deploys.worlds import a_state, a_world

DAY = 1_795_000_000


def test_a_file_tells_when_it_was_changed_and_whose_it_is(tmp_path: Path) -> None:
    changed, gone = tmp_path / "it's a $file", tmp_path / "away" / "gone"
    changed.write_text("x")
    os.utime(changed, (DAY, DAY))
    gone.parent.mkdir()
    os.utime(gone.parent, (DAY + 3600, DAY + 3600))
    paths = [str(changed), str(gone), "/nowhere/at/all"]
    said = subprocess.run(["sh", "-c", who.SCRIPT], input=who.asked(paths), stdout=subprocess.PIPE, check=True).stdout
    owner = changed.owner()
    assert who.traces("cp1", paths, said) == {
        ("cp1", str(changed)): f"changed 2026-11-18T11:06:40Z, owner {owner}",
        ("cp1", str(gone)): "its directory changed 2026-11-18T12:06:40Z",
    }


def test_only_files_that_differ_are_asked_about() -> None:
    changes = [Change("edge", "lb1", Kind.FILE, "/etc/a", "x", "y"), Change("edge", "lb1", Kind.UNIT, "b", "x", "y")]
    assert who.files(changes, {}) == {"lb1": ["/etc/a"]}
    assert who.files([], {}) == {}
    assert who.files([Change("edge", "lb1", Kind.FILE, "/etc/a\nb", "x", "y")], {}) == {"lb1": []}  # a path is a line
    flags = Finding(Code.FLAGS, Severity.WARNING, "x", "lb1", "kubelet", "flags of kubelet", "differ")
    assert who.files(changes, {flags: ["/etc/b", "/etc/a"]}) == {"lb1": ["/etc/a", "/etc/b"]}


def test_of_several_files_the_one_that_was_changed_last_is_named() -> None:
    seen = {
        ("cp1", "/a"): "changed 2026-11-28T02:00:00Z, owner root",
        ("cp1", "/b"): "changed 2026-11-29T02:00:00Z, owner ops",
        ("cp1", "/c"): "its directory changed 2026-11-30T02:00:00Z",
    }
    assert who.of_files(seen, "cp1", ["/a", "/b", "/c"]) == "/b changed 2026-11-29T02:00:00Z, owner ops"
    assert who.of_files(seen, "cp2", ["/a"]) == who.of_files(seen, "cp1", []) == ""


def an_object(*managers: tuple[str, str, str, str]) -> dict[str, Any]:
    """A ConfigMap: who (manager, operation) set which key of its data, when."""
    managed = [
        {"manager": manager, "operation": operation, "time": time, "apiVersion": "v1", "fieldsType": "FieldsV1",
         "fieldsV1": {"f:data": {f"f:{key}": {}}}}
        for manager, operation, key, time in managers
    ]  # fmt: skip
    meta = {"name": "coredns", "namespace": "kube-system", "managedFields": managed}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"Corefile": "a", "other": "b"}}


def test_an_object_tells_who_set_what_differs(tmp_path: Path) -> None:
    live = an_object(
        ("k8snet-provision", "Apply", "Corefile", "2026-11-28T02:00:00Z"),
        ("kubectl-edit", "Update", "Corefile", "2026-11-29T02:00:00Z"),
        ("somebody-else", "Update", "other", "2026-11-29T04:00:00Z"),
    )
    world = a_world(tmp_path, "service_cidr: 10.96.0.0/16", {}, a_state(objects=[live]))
    wanted = {
        **live,
        "metadata": {"name": "coredns", "namespace": "kube-system"},
        "data": {"Corefile": "c", "other": "b"},
    }
    details = {"how": "replace", "manifest": json.dumps(wanted)}
    change = Change("coredns", "cluster", Kind.OBJECT, "ConfigMap kube-system/coredns", "a", "b", details)
    assert who.of_change(world, {}, change) == "kubectl-edit (Update) at 2026-11-29T02:00:00Z"
    assert who.of_change(world, {}, Change("x", "cp1", Kind.UNIT, "kubelet", "a", "b")) == ""
