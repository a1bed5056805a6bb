"""What of a failed batch is put back: not what somebody else changed meanwhile, which the batch refused to touch."""

from __future__ import annotations

from typing import Any

from k8snet_provision.capability import Capability, Phase
from k8snet_provision.change import CLUSTER, Change
from k8snet_provision.engine.batch import Failed
from k8snet_provision.engine.carry_out import cluster_changes
from k8snet_provision.resources import kube_object
from k8snet_provision.rollout import back

PHASE = Phase(Capability("objects", carry_out=cluster_changes), hosts=(CLUSTER,))
MOVED = "changed since it was observed (resourceVersion 7, now 9)"


def a_change(name: str, how: str) -> Change:
    """A ConfigMap that becomes something else, or goes."""
    meta = {"name": name, "namespace": "default", "resourceVersion": "7"}
    live: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta}
    wanted = None if how == "delete" else {**live, "data": {"a": "b"}}
    (change,) = kube_object.change("objects", live, wanted, how=how)
    return change


def put_back(changes: list[Change], step: str, said: str) -> list[str]:
    failure = back.failure(Failed("cp1", step, said))
    return [change.name for change in back.undone(PHASE, {CLUSTER: changes}, {CLUSTER: failure}).get(CLUSTER, [])]


def test_an_object_that_somebody_else_changed_is_left_to_them() -> None:
    one = a_change("a", "replace")
    assert put_back([one], f"replace {one.name}", MOVED) == []
    assert put_back([one], f"replace {one.name}", "the server is gone") == [one.name]


def test_of_several_only_those_that_were_changed_before_go_back() -> None:
    changes = [a_change("a", "apply"), a_change("b", "apply"), a_change("c", "delete"), a_change("d", "delete")]
    a, b, c, d = (change.name for change in changes)
    assert put_back(changes, "apply 2 objects", f"{a}: {MOVED}") == []
    assert put_back(changes, f"delete {c}", MOVED) == [b, a]
    assert put_back(changes, f"delete {d}", "exists by now: run diff again") == [c, b, a]
