"""Places in Kubernetes' own kinds: how a list is merged there, what is replaced as a whole.

What the API server publishes as its OpenAPI (x-kubernetes-list-type, x-kubernetes-list-map-keys,
x-kubernetes-map-type), for the kinds that we send; tests compare it with a real one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from k8snet_provision.resources.fields import Element, Tree

OTHER = "*"
"""The place of a kind that is not Kubernetes' own, of which nothing is known before managedFields tells."""

SET: tuple[str, ...] = ()
"""The list is merged by its values."""

LISTS: Mapping[str, tuple[str, ...]] = {
    "Service.spec.ports": ("port", "protocol"),
    "ServiceAccount.secrets": ("name",),
    "ValidatingWebhookConfiguration.webhooks": ("name",),
    "ValidatingWebhookConfiguration.webhooks[].matchConditions": ("name",),
    "pod.containers": ("name",),
    "pod.containers[].env": ("name",),
    "pod.containers[].ports": ("containerPort", "protocol"),
    "pod.containers[].resources.claims": ("name",),
    "pod.containers[].volumeDevices": ("devicePath",),
    "pod.containers[].volumeMounts": ("mountPath",),
    "pod.hostAliases": ("ip",),
    "pod.imagePullSecrets": ("name",),
    "pod.resourceClaims": ("name",),
    "pod.resources.claims": ("name",),
    "pod.schedulingGates": ("name",),
    "pod.topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "pod.volumes": ("name",),
}
"""By place, the keys that tell items apart. Other lists of Kubernetes' own kinds are replaced as a whole."""

META_LISTS: Mapping[str, tuple[str, ...]] = {"finalizers": SET, "ownerReferences": ("uid",)}

KEY_DEFAULTS: Mapping[str, str] = {"protocol": "TCP"}
"""What an item that leaves a key out is known by."""

WHOLE = frozenset({
    "configMapKeyRef", "dataSource", "fieldRef", "fileKeyRef", "labelSelector", "namespaceSelector",
    "nodePublishSecretRef", "nodeSelector", "objectSelector", "podSelector", "resourceFieldRef", "roleRef",
    "secretKeyRef", "secretRef", "selector",
})  # fmt: skip
"""Maps that are replaced as a whole, by the names of their fields."""

WHOLE_AT = frozenset({
    "Ingress.spec.defaultBackend.resource",
    "Ingress.spec.defaultBackend.service.port",
    "ServiceAccount.secrets[]",
    "pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution",
    "pod.imagePullSecrets[]",
})  # fmt: skip


def root(manifest: Mapping[str, Any]) -> str:
    group = manifest["apiVersion"].rpartition("/")[0]
    own = "." not in group or group.endswith(".k8s.io")
    return str(manifest["kind"]) if own else OTHER


def at(place: str, key: str) -> str:
    """The place of a field. Pods have one place in every kind, and so have their containers."""
    found = f"{place}.{key}"
    if place.endswith(".spec.template") and key == "spec":
        return "pod"
    return "pod.containers" if found in ("pod.initContainers", "pod.ephemeralContainers") else found


def items(place: str) -> str:
    """The place of a list's items."""
    return f"{place}[]"


def is_known(place: str) -> bool:
    """Of other kinds too: that the object itself and its spec are merged, and everything about metadata."""
    return not place.startswith(OTHER) or place.count(".") < 2 or place.startswith(f"{OTHER}.metadata.")


def merge_keys(place: str, known: Tree) -> tuple[str, ...] | None:
    """The keys that tell the items of a list apart; None where the list is replaced as a whole.

    `known`: the fields that somebody owns there. What they show goes before what is known of the kind.
    """
    for kind, what in known:
        if kind in ("k", "v"):
            return tuple(name for name, _ in what) if kind == "k" else SET
    before, _, name = place.rpartition(".")
    if before.endswith("metadata") and name in META_LISTS:
        return META_LISTS[name]
    return LISTS.get(place)


def element(keys: tuple[str, ...], item: Any) -> Element:
    """An item of a merged list, as managedFields names it."""
    if not keys:
        return "v", item
    given = ((name, item.get(name, KEY_DEFAULTS.get(name))) for name in sorted(keys))
    return "k", tuple((name, value) for name, value in given if value is not None)


def by_element(keys: tuple[str, ...], items: Iterable[Any]) -> dict[Element, Any]:
    return {element(keys, item): item for item in items}


def is_whole(place: str) -> bool:
    """Whether the map is replaced as a whole."""
    name = place.rpartition(".")[2]
    if name.endswith("[]"):
        return place in WHOLE_AT or place.endswith("ownerReferences[]")
    return name in WHOLE or place in WHOLE_AT
