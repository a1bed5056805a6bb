"""The API server's own way of writing: quantities, what it leaves out, and fields that follow other fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from k8snet_provision.resources import places, quantity
from k8snet_provision.resources.kube_object import Manifest

QUANTITIES = frozenset({
    "pod.containers[].resources.limits", "pod.containers[].resources.requests",
    "pod.resources.limits", "pod.resources.requests",
})  # fmt: skip
"""Maps whose values are quantities."""

LEFT_OUT_AT_ZERO = frozenset({
    "hostIPC", "hostNetwork", "hostPID", "initialDelaySeconds", "minReadySeconds", "nodePort", "paused",
    "publishNotReadyAddresses", "readOnly", "stdin", "stdinOnce", "tty", "value",
})  # fmt: skip
"""Fields that are the same to the server with their zero value and without it (no pointers in its types)."""

LEFT_OUT_IF_EMPTY = frozenset({
    "annotations", "binaryData", "data", "labels", "limits", "matchLabels", "nodeSelector", "requests",
})  # fmt: skip

FOR_CLIENTS_OUTSIDE = ("NodePort", "LoadBalancer")


def settled(value: Manifest, live: Manifest) -> Manifest:
    """An object as the server would keep it, given what it holds now."""
    place = places.root(value)
    if place == places.OTHER:
        return value
    found: Manifest = _written(place, value)
    if place == "Service":
        found["spec"] = _service(found["spec"], live.get("spec") or {})
    return found


def _written(place: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        if place in QUANTITIES:
            return {key: quantity.canonical(item) for key, item in value.items()}
        found = {key: item for key, given in value.items() for item in _field(place, key, given)}
        return _with_alias(found) if place == "pod" else found
    return [_written(places.items(place), item) for item in value] if isinstance(value, list) else value


def _field(place: str, key: str, value: Any) -> Iterator[Any]:
    if key in LEFT_OUT_AT_ZERO and value in (0, ""):
        return
    if value == [] or (value == {} and key in LEFT_OUT_IF_EMPTY):
        return
    yield _written(places.at(place, key), value)


def _with_alias(pod: dict[str, Any]) -> dict[str, Any]:
    """serviceAccount is the old name of serviceAccountName, and follows it."""
    name = pod.get("serviceAccountName") or pod.get("serviceAccount")
    return {**pod, "serviceAccountName": name, "serviceAccount": name} if name else pod


def _service(spec: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What depends on the type comes and goes with it (SetDefaults_Service, dropTypeDependentFields)."""
    kind, was = spec.get("type"), before.get("type")
    spec = dict(spec)
    if kind != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec.get("sessionAffinity") == "None":
        spec.pop("sessionAffinityConfig", None)
    elif not (spec.get("sessionAffinityConfig") or {}).get("clientIP"):
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    if kind in FOR_CLIENTS_OUTSIDE:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    elif was in FOR_CLIENTS_OUTSIDE:
        spec = _without_same(spec, before, "externalTrafficPolicy")
        spec["ports"] = [_without_same(port, port, "nodePort") for port in spec.get("ports") or ()]
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    elif was == "LoadBalancer":
        spec = _without_same(spec, before, "allocateLoadBalancerNodePorts", "loadBalancerClass")
    if "healthCheckNodePort" in spec and (kind != "LoadBalancer" or spec.get("externalTrafficPolicy") != "Local"):
        spec = _without_same(spec, before, "healthCheckNodePort")
    return spec


def _without_same(spec: Mapping[str, Any], before: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in spec.items() if key not in keys or before.get(key) != value}
