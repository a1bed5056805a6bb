"""Whether an object still is what a change made of it, or again what it was before.

What only the cluster fills in is left aside: addresses and node ports that nobody asked for, the CA bundle that a
controller writes into its webhook, the annotation by which kubectl restarts pods.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from ruamel.yaml import YAML

from k8snet_provision.change import Change
from k8snet_provision.resources.kube_object import (
    BY_APISERVER,
    FIELD_MANAGER,
    GENERATED_LABEL,
    RECREATE,
    Manifest,
    ObjectRef,
    to_text,
    without_noise,
)

RESTARTED = "kubectl.kubernetes.io/restartedAt"
ALLOCATED_FROM = ("metallb.io/ip-allocated-from-pool", "metallb.universe.tf/ip-allocated-from-pool")
ADDRESSES = ("clusterIP", "clusterIPs")


def ref(change: Change) -> ObjectRef | None:
    """The object that a change is about; None where the change is about something less, as a Node's label.

    The content of a Secret is in no journal, so its name is all there is.
    """
    manifest = change.details.get("before_manifest") or change.details.get("manifest")
    if manifest:
        return ObjectRef.of(json.loads(manifest))
    kind, _, place = change.name.partition(" ")
    namespace, _, name = place.partition("/")
    return ObjectRef("v1", "Secret", name, namespace) if change.secret and kind == "Secret" else None


def is_half_way(change: Change, live: Mapping[str, Any] | None) -> bool:
    """Whether whoever makes the object anew was cut short: the old one is away, or going, and the new one not there."""
    anew = change.details.get("how") in (RECREATE, BY_APISERVER) and change.before is not None
    return anew and change.after is not None and (live is None or "deletionTimestamp" in live["metadata"])


def parsed(text: str) -> Manifest:
    """What `to_text` wrote."""
    manifest: Manifest = YAML(typ="safe", pure=True).load(text)
    return manifest


def alike(
    live: Mapping[str, Any] | None, text: str | None, sent: Mapping[str, Any] | None, *, guessed: bool = False
) -> bool:
    """Whether the live object is the one of `text`, but for what the cluster fills in where `sent` does not say it.

    `guessed`: the server was not asked what it makes of it, so `text` is no more than what was sent.
    """
    if live is None or text is None:
        return live is None and text is None
    if guessed:
        return _holds(as_asked(without_noise(live), sent), as_asked(parsed(text), sent))
    return to_text(as_asked(live, sent)) == to_text(as_asked(parsed(text), sent))


def _holds(live: Any, sent: Any) -> bool:
    """Whether everything that was sent is in the live object, in which the server fills in what it is by default."""
    if isinstance(sent, Mapping) and isinstance(live, Mapping):
        return all(_holds(live[key], value) if key in live else not value for key, value in sent.items())
    if isinstance(sent, list) and isinstance(live, list):
        return len(live) == len(sent) and all(map(_holds, live, sent))
    return bool(live == sent)


def sent(change: Change) -> Manifest | None:
    """Our part of the object, where that was sent; None where all of it was."""
    manifest: Manifest = json.loads(change.details.get("manifest", "{}"))
    return manifest if change.details.get("how") == "apply" else None


def of_others(live: Mapping[str, Any]) -> str:
    """Who else wrote content of a Secret since: the text of it is nowhere to compare with; empty for nobody."""
    if GENERATED_LABEL in (live["metadata"].get("labels") or {}):
        return ""  # its content is a controller's
    for entry in live["metadata"].get("managedFields") or ():
        fields = entry.get("fieldsV1") or {}
        if entry.get("manager") != FIELD_MANAGER and ("f:data" in fields or "f:type" in fields):
            return str(entry.get("manager", ""))
    return ""


def as_asked(manifest: Mapping[str, Any], sent: Mapping[str, Any] | None) -> Manifest:
    """The object without what the cluster fills in by itself."""
    clean: Manifest = copy.deepcopy(dict(manifest))
    _without_annotations(clean.get("metadata") or {}, ALLOCATED_FROM)
    strip = _BY_KIND.get(str(clean.get("kind")))
    if strip:
        strip(clean, sent or {})
    return clean


def _service(clean: Manifest, sent: Mapping[str, Any]) -> None:
    spec, said = clean.get("spec") or {}, sent.get("spec") or {}
    clean.get("metadata", {}).pop("finalizers", None)
    if not any(key in said for key in ADDRESSES) and spec.get("clusterIP") != "None":
        for key in ADDRESSES:
            spec.pop(key, None)
    if "healthCheckNodePort" not in said:
        spec.pop("healthCheckNodePort", None)
    asked = {_port(port) for port in said.get("ports") or () if "nodePort" in port}
    for port in spec.get("ports") or ():
        if _port(port) not in asked:
            port.pop("nodePort", None)


def _port(port: Mapping[str, Any]) -> tuple[Any, str]:
    return port.get("port"), str(port.get("protocol", "TCP"))


def _webhooks(clean: Manifest, sent: Mapping[str, Any]) -> None:
    for webhook in clean.get("webhooks") or ():
        (webhook.get("clientConfig") or {}).pop("caBundle", None)


def _definition(clean: Manifest, sent: Mapping[str, Any]) -> None:
    conversion = (clean.get("spec") or {}).get("conversion") or {}
    ((conversion.get("webhook") or {}).get("clientConfig") or {}).pop("caBundle", None)


def _workload(clean: Manifest, sent: Mapping[str, Any]) -> None:
    template = (clean.get("spec") or {}).get("template") or {}
    _without_annotations(template.get("metadata") or {}, (RESTARTED,))


def _account(clean: Manifest, sent: Mapping[str, Any]) -> None:
    clean.pop("secrets", None)


def _without_annotations(meta: dict[str, Any], names: tuple[str, ...]) -> None:
    left = {key: value for key, value in (meta.pop("annotations", None) or {}).items() if key not in names}
    if left:
        meta["annotations"] = left


_BY_KIND = {
    "Service": _service,
    "ValidatingWebhookConfiguration": _webhooks,
    "MutatingWebhookConfiguration": _webhooks,
    "CustomResourceDefinition": _definition,
    "Deployment": _workload,
    "DaemonSet": _workload,
    "ServiceAccount": _account,
}
