"""What people and programs do to objects of ours; each as a whole round over all objects that it fits."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from k8snet_provision.resources.kube_object import CAPABILITY_LABEL, Manifest
from tests.hosts.api_server import Answer, ApiServer

BY = "somebody"

WORKLOADS = ("Deployment", "DaemonSet")
CANNOT_GO = ("Namespace", "CustomResourceDefinition")
"""Deleting them would take others along."""


def _patched(server: ApiServer, item: Manifest, body: Any, kind: str = "merge-patch") -> None:
    answer = server.patch(item, body, kind, BY)
    assert answer.ok, answer


def label_changed(server: ApiServer, items: Sequence[Manifest]) -> None:
    for item in items:
        if CAPABILITY_LABEL in item["metadata"].get("labels", {}):
            _patched(server, item, {"metadata": {"labels": {CAPABILITY_LABEL: "theirs"}}})


def scaled(server: ApiServer, items: Sequence[Manifest]) -> None:
    for item in _of(items, "Deployment"):
        meta = item["metadata"]
        server.kubectl("-n", meta["namespace"], "scale", f"deployment/{meta['name']}", "--replicas=7")


def image_set(server: ApiServer, items: Sequence[Manifest]) -> None:
    for item in _of(items, *WORKLOADS):
        name = f"{item['kind'].lower()}/{item['metadata']['name']}"
        server.kubectl("-n", item["metadata"]["namespace"], "set", "image", name, "*=example.com/theirs:1")


def port_added(server: ApiServer, items: Sequence[Manifest]) -> None:
    """Before ours in Services, after ours in containers."""
    for item in _of(items, "Service"):
        if item["spec"].get("type") != "ExternalName":
            named = [{"op": "add", "path": f"/spec/ports/{i}/name", "value": f"was-{i}"} for i in _nameless(item)]
            port = {"name": "theirs", "port": 9999, "protocol": "TCP"}
            _patched(server, item, [*named, {"op": "add", "path": "/spec/ports/0", "value": port}], "json-patch")
    for item in _of(items, *WORKLOADS):
        port = {"name": "theirs", "containerPort": 9999}
        path = "/spec/template/spec/containers/0/ports/-"
        _patched(server, item, [{"op": "add", "path": path, "value": port}], "json-patch")


def _nameless(service: Manifest) -> list[int]:
    return [index for index, port in enumerate(service["spec"]["ports"]) if "name" not in port]


def annotation_added(server: ApiServer, items: Sequence[Manifest]) -> None:
    for item in items:
        _patched(server, item, {"metadata": {"annotations": {"example.com/theirs": "1"}}})


def sidecar_added(server: ApiServer, items: Sequence[Manifest]) -> None:
    """Before ours, with a variable in ours, as injectors do it; and a toleration, whose list is one field."""
    pod = "/spec/template/spec"
    for item in _of(items, *WORKLOADS):
        sidecar = {"name": "mesh", "image": "mesh", "ports": [{"containerPort": 15000}]}
        variable, taint = {"name": "MESH", "value": "on"}, {"key": "mesh", "operator": "Exists"}
        spec = item["spec"]["template"]["spec"]
        steps = [
            (f"{pod}/containers/0/env" + ("/-" if "env" in spec["containers"][0] else ""), variable),
            (f"{pod}/tolerations" + ("/-" if spec.get("tolerations") else ""), taint),
        ]
        body = [{"op": "add", "path": path, "value": it if path.endswith("/-") else [it]} for path, it in steps]
        body.append({"op": "add", "path": f"{pod}/containers/0", "value": sidecar})
        _patched(server, item, body, "json-patch")


def field_taken(server: ApiServer, items: Sequence[Manifest]) -> None:
    """By another who applies, and forces it."""
    for item in items:
        if CAPABILITY_LABEL in item["metadata"].get("labels", {}):
            theirs = _named(item, labels={CAPABILITY_LABEL: "theirs"})
            if item["kind"] in WORKLOADS:
                theirs["spec"] = {"template": {"spec": {"terminationGracePeriodSeconds": 7}}}
            assert server.patch(item, theirs, "apply-patch", BY).ok


def data_key_removed(server: ApiServer, items: Sequence[Manifest]) -> None:
    for item in _of(items, "ConfigMap"):
        for key in list(item.get("data") or ())[:1]:
            _patched(server, item, {"data": {key: None}})


def field_deleted(server: ApiServer, items: Sequence[Manifest]) -> None:
    """What has a default, what has none, and what holds more."""
    for item in items:
        kind = item["kind"]
        if kind in WORKLOADS:
            container = item["spec"]["template"]["spec"]["containers"][0]
            gone = dict.fromkeys(("readinessProbe", "resources", "args", "ports"))
            _patched(server, item, {"spec": {"template": {"spec": {"nodeSelector": None, "tolerations": None}}}})
            patch = {"spec": {"template": {"spec": {"containers": [{"name": container["name"], **gone}]}}}}
            _patched(server, item, patch, "strategic-merge-patch")
        elif kind in ("Role", "ClusterRole"):
            _patched(server, item, {"rules": None})
        elif kind == "Service" and item["spec"].get("selector"):
            _patched(server, item, {"spec": {"selector": None, "sessionAffinity": None}})
        elif kind == "ValidatingWebhookConfiguration":
            _patched(server, item, [{"op": "remove", "path": "/webhooks/0"}], "json-patch")
        elif kind not in CANNOT_GO:
            _patched(server, item, {"metadata": {"labels": None}})


def made_by_another(server: ApiServer, items: Sequence[Manifest]) -> None:
    """Deleted and made anew with fewer fields by somebody who does not apply: nothing of it is ours."""
    for item in items:
        if item["kind"] in CANNOT_GO:
            continue
        path = server.path(item)
        assert server.ask("DELETE", path).ok
        theirs = copy.deepcopy(item)
        del theirs["metadata"]["labels"]
        for key in ("replicas", "minReadySeconds", "externalTrafficPolicy"):
            theirs.get("spec", {}).pop(key, None)
        answer = _created(server, path, theirs)
        assert answer.ok, answer


def _created(server: ApiServer, path: str, item: Manifest) -> Answer:
    return server.ask("POST", f"{path.rpartition('/')[0]}?fieldManager=kubeadm", item)


def managers_forgotten(server: ApiServer, items: Sequence[Manifest]) -> None:
    """As the API allows: then nobody owns anything."""
    for item in items:
        _patched(server, item, {"metadata": {"managedFields": [{}]}})


ROUNDS: tuple[Callable[[ApiServer, Sequence[Manifest]], None], ...] = (
    label_changed, scaled, image_set, port_added, annotation_added, sidecar_added, field_taken, data_key_removed,
    field_deleted, made_by_another, managers_forgotten,
)  # fmt: skip


def _of(items: Sequence[Manifest], *kinds: str) -> Iterator[Manifest]:
    return (item for item in items if item["kind"] in kinds)


def _named(item: Manifest, **meta: Any) -> Manifest:
    kept = {key: value for key, value in item["metadata"].items() if key in ("name", "namespace")}
    return {"apiVersion": item["apiVersion"], "kind": item["kind"], "metadata": {**kept, **meta}}


def field_by_field(item: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every field of a manifest, taken out and set to something else: steps of a JSON patch, by what they do.

    Lists are addressed as we send them. What the server does not take is no tampering.
    """
    for path, value in _fields({key: value for key, value in item.items() if key not in ("apiVersion", "kind")}):
        if path in ("/metadata", "/metadata/name", "/metadata/namespace"):
            continue
        yield f"{path} is taken out", {"op": "remove", "path": path}
        yield f"{path} is changed", {"op": "replace", "path": path, "value": _other(value)}


def _fields(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in steps:
        at = f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"
        yield at, inner
        yield from () if key == "versions" else _fields(inner, at)


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return {"TCP": "UDP", "UDP": "TCP", "RollingUpdate": "Recreate"}.get(value, f"{value}x")
    return type(value)()
