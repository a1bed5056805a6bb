"""Kubernetes objects: how they are named, and their text without what only the API server writes."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.representer import SafeRepresenter

from k8snet_provision.change import CLUSTER, Change, Kind

FIELD_MANAGER = "k8snet-provision"
OWNED_LABEL = "app.kubernetes.io/managed-by"
"""With the value FIELD_MANAGER: ours to change and to delete. Nothing without it is ever deleted."""
CAPABILITY_LABEL = "k8snet-provision/capability"
"""Which capability owns it: changing the topology deletes what the same capability no longer asks for."""
GENERATED_LABEL = "k8snet-provision/generated"
"""On a Secret whose key was made in the cluster: it is never read."""

RECREATE = "recreate"
"""How an object changes of which a field is immutable: it is deleted and made again."""

BY_APISERVER = "by-apiserver"
"""How an object comes about that the apiserver makes by itself once the old one is gone."""

GUESSED = "guessed"
"""Detail of a change whose text is what is sent, because the server could not be asked what it makes of it: its
Namespace or its kind is not there yet."""

Manifest = dict[str, Any]

SERVER_METADATA = ("managedFields", "resourceVersion", "uid", "creationTimestamp", "generation", "selfLink")
SERVER_ANNOTATIONS = (
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "kubectl.kubernetes.io/last-applied-configuration",
)


@dataclass(frozen=True, order=True)
class ObjectRef:
    """Names one object. `namespace` is empty for cluster-wide kinds."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> ObjectRef:
        meta = manifest["metadata"]
        return cls(manifest["apiVersion"], manifest["kind"], meta["name"], meta.get("namespace", ""))

    def skeleton(self) -> Manifest:
        meta = {"name": self.name} | ({"namespace": self.namespace} if self.namespace else {})
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": meta}

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def owned_by(capability: str, manifest: Manifest) -> Manifest:
    """The manifest with the labels that make it ours."""
    meta = manifest["metadata"]
    labels = {**meta.get("labels", {}), OWNED_LABEL: FIELD_MANAGER, CAPABILITY_LABEL: capability}
    return {**manifest, "metadata": {**meta, "labels": labels}}


def owner(manifest: Mapping[str, Any]) -> str:
    """The capability that owns an object; empty for one that is not ours."""
    labels = manifest["metadata"].get("labels") or {}
    return str(labels.get(CAPABILITY_LABEL, "")) if labels.get(OWNED_LABEL) == FIELD_MANAGER else ""


def without_noise(manifest: Mapping[str, Any]) -> Manifest:
    """The object as a person would have written it: no status, no server-side bookkeeping."""
    clean: Manifest = {key: copy.deepcopy(value) for key, value in manifest.items() if key != "status"}
    meta = clean.get("metadata", {})
    for key in SERVER_METADATA:
        meta.pop(key, None)
    annotations = {k: v for k, v in (meta.pop("annotations", None) or {}).items() if k not in SERVER_ANNOTATIONS}
    if annotations:
        meta["annotations"] = annotations
    return clean


def to_text(manifest: Mapping[str, Any] | None) -> str | None:
    """Canonical YAML: keys sorted, text of several lines as a block, so that a diff reads line by line."""
    if manifest is None:
        return None
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Readable
    yaml.default_flow_style = False
    yaml.width = 4096
    out = io.StringIO()
    yaml.dump(_sorted(without_noise(manifest)), out)
    return out.getvalue()


class _Readable(SafeRepresenter):
    pass


def _represent_text(representer: SafeRepresenter, text: str) -> Any:
    return representer.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Readable.add_representer(str, _represent_text)


def _sorted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def version_of(live: Mapping[str, Any] | None) -> str:
    """What must not have moved between plan and apply: the generation where there is one, for it ignores
    status updates; else the resourceVersion; empty for an object that is not there."""
    if live is None:
        return ""
    meta = live["metadata"]
    key = "generation" if meta.get("generation") else "resourceVersion"
    return f"{key}={meta[key]}"


def change(
    phase: str,
    live: Manifest | None,
    wanted: Manifest | None,
    *,
    send: Manifest | None = None,
    how: str = "apply",
    because: str = "",
) -> Iterable[Change]:
    """The change from `live` to `wanted` (the whole object, as the dry run answered it), if there is one.

    `send` is what is sent to the server: our manifest for "apply", the edited object for "replace".
    """
    if live == wanted:  # before they are made text, which takes a second for the definitions of kinds
        return
    before, after = to_text(live), to_text(wanted)
    if before == after:
        return
    ref = ObjectRef.of(wanted or live or {})
    details = {"how": how, "before_version": version_of(live)}
    if live is not None:
        details["before_manifest"] = json.dumps(without_noise(live))
    if wanted is not None:
        details["manifest"] = json.dumps(send or wanted)
        if wanted is send:
            details[GUESSED] = "yes"
    else:
        details |= {"how": "delete", "manifest": json.dumps(ref.skeleton())}
    secret = ref.kind == "Secret"
    yield Change(phase, CLUSTER, Kind.OBJECT, str(ref), before, after, details, because=because, secret=secret)


def added_keys(live: Mapping[str, Any] | None, sent: Manifest) -> frozenset[str]:
    """Keys of a ConfigMap that somebody else put beside ours: a program reads them as if they were ours.

    Server-side apply leaves them alone.
    """
    if live is None or sent["kind"] != "ConfigMap":
        return frozenset()
    return frozenset(live.get("data") or ()) - frozenset(sent.get("data") or ())


def undone(change: Change) -> Change | None:
    """The change that makes the object what it was, whatever became of it since; None where that is not so simple."""
    how = change.details.get("how")
    if how not in ("apply", "create", "replace", "delete", RECREATE):
        return None
    before = change.details.get("before_manifest")
    if before is None and how == "delete":  # never read, as a generated key: what it was is not known
        return None
    if before is None:
        ref = ObjectRef.of(json.loads(change.details["manifest"]))
        details = {"how": "delete", "manifest": json.dumps(ref.skeleton())}
    else:
        way_back = {"delete": "create", RECREATE: RECREATE}.get(how, "replace")
        if how in ("apply", "delete") and owner(json.loads(before)):
            way_back = "apply"  # a replacement would own what it puts back, and no later apply would take it away
        details = {"how": way_back, "manifest": before}
    return replace(change, before=change.after, after=change.before, details=details)
