"""What was sent before and is there unchanged; the objects are written as an API server answers them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from k8snet_provision.resources.as_sent import is_as_sent

SENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "shop", "namespace": "demo", "creationTimestamp": None, "labels": {"app": "shop"}},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "shop"}},
        "template": {
            "spec": {
                "containers": [
                    {"name": "web", "image": "web:1", "args": ["-v"], "ports": [{"containerPort": 80}]},
                    {"name": "side", "image": "side:1", "securityContext": {}},
                ]
            }
        },
    },
}

FIELDS = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:selector": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"web"}': {
                        ".": {}, "f:name": {}, "f:image": {}, "f:args": {},
                        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    },
                    'k:{"name":"side"}': {".": {}, "f:name": {}, "f:image": {}, "f:securityContext": {}},
                }
            }
        },
    },
}  # fmt: skip


def live() -> dict[str, Any]:
    """SENT with what the server and others add: defaults, a status, another manager's annotation and sidecar."""
    item = copy.deepcopy(SENT)
    del item["metadata"]["creationTimestamp"]
    item["metadata"] |= {"generation": 1, "uid": "u", "annotations": {"theirs": "1"}}
    containers = item["spec"]["template"]["spec"]["containers"]
    containers[0] |= {"imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": 80, "protocol": "TCP"}]}
    containers.insert(0, {"name": "injected", "image": "mesh:1"})
    item["spec"]["strategy"] = {"type": "RollingUpdate"}
    item["metadata"]["managedFields"] = [
        {"manager": "mesh", "operation": "Update", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {}}},
        {
            "manager": "k8snet-provision",
            "operation": "Apply",
            "apiVersion": "apps/v1",
            "fieldsV1": copy.deepcopy(FIELDS),
        },
    ]
    return item


def containers(item: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = item["spec"]["template"]["spec"]["containers"]
    return found


def ours(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = item["metadata"]["managedFields"][1]
    return found


def test_what_others_added_changes_nothing() -> None:
    assert is_as_sent(live(), SENT)


@pytest.mark.parametrize(
    "change",
    [
        lambda item, sent: sent["spec"].update(replicas=3),
        lambda item, sent: item["spec"].update(replicas=3),
        lambda item, sent: sent["spec"].pop("replicas"),
        lambda item, sent: sent["spec"].update(minReadySeconds=1),
        lambda item, sent: sent["metadata"]["labels"].update(more="x"),
        lambda item, sent: sent["metadata"].pop("labels"),
        lambda item, sent: containers(sent)[0].update(image="web:2"),
        lambda item, sent: containers(sent)[0].update(args=["-v", "-v"]),
        lambda item, sent: containers(sent).pop(),
        lambda item, sent: containers(sent).append({"name": "third", "image": "x"}),
        lambda item, sent: containers(sent)[0].update(ports=[{"containerPort": 81}]),
        lambda item, sent: containers(sent)[0].update(ports=[{"containerPort": 80, "protocol": "UDP"}]),
        lambda item, sent: containers(sent)[0].pop("ports"),
        lambda item, sent: containers(item).pop(),
        lambda item, sent: sent["spec"]["selector"]["matchLabels"].update(tier="x"),
        lambda item, sent: containers(sent)[1].update(securityContext={"runAsUser": 1}),
    ],
)
def test_any_difference_of_ours_is_seen(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> None:
    item, sent = live(), copy.deepcopy(SENT)
    change(item, sent)
    assert not is_as_sent(item, sent)


@pytest.mark.parametrize(
    "change",
    [
        lambda item: item["metadata"].pop("managedFields"),
        lambda item: ours(item).update(manager="kubectl"),
        lambda item: ours(item).update(operation="Update"),
        lambda item: ours(item).update(subresource="status"),
        lambda item: ours(item).update(apiVersion="apps/v1beta1"),
        lambda item: item.update(apiVersion="apps/v1beta1"),
    ],
)
def test_what_we_did_not_apply_is_not_known(change: Callable[[dict[str, Any]], object]) -> None:
    item = live()
    change(item)
    assert not is_as_sent(item, SENT)


def test_sets_are_compared_by_their_values() -> None:
    fields = {"f:metadata": {"f:finalizers": {'v:"ours"': {}}}}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": ["theirs", "ours"]}}
    item["metadata"]["managedFields"] = [  # type: ignore[index]
        {"manager": "k8snet-provision", "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields}
    ]
    sent: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "finalizers": ["ours"]}}
    assert is_as_sent(item, sent)
    sent["metadata"]["finalizers"] = ["ours", "more"]
    assert not is_as_sent(item, sent)
