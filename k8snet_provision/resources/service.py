"""Services as a dry run answers them: what the API server only gives when it really makes one is not known yet."""

from __future__ import annotations

import copy
from typing import Any

from k8snet_provision.resources.kube_object import Manifest

GIVEN = ("clusterIP", "clusterIPs", "healthCheckNodePort")


def without_given(dry: Manifest, manifest: Manifest, live: Manifest | None) -> Manifest:
    """The dry run's Service without addresses and node ports that neither we nor the live Service name.

    A dry run allocates nothing: it answers the range's first address, and a node port that another may get.
    """
    if dry["kind"] != "Service" or dry["apiVersion"] != "v1":
        return dry
    known = [item["spec"] for item in (manifest, live) if item is not None]
    cleaned = copy.deepcopy(dry)
    spec = cleaned["spec"]
    for key in GIVEN:
        if not any(spec.get(key) == item.get(key) for item in known) and not _follows(key, spec):
            spec.pop(key, None)
    ports = {port.get("nodePort") for item in known for port in item.get("ports") or ()}
    for port in spec.get("ports") or ():
        _forget(port, ports)
    return cleaned


def _follows(key: str, spec: dict[str, Any]) -> bool:
    """The list of addresses is that of the one address, where that is known: "None" of a headless Service."""
    return key == "clusterIPs" and "clusterIP" in spec and spec.get(key) == [spec["clusterIP"]]


def _forget(port: dict[str, Any], known: set[Any]) -> None:
    if port.get("nodePort") not in known:
        port.pop("nodePort", None)
