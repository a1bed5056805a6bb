"""Services of the catalogue as the API has them, and EndpointSlices for those without a selector."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from k8snet_provision.resources.kube_object import FIELD_MANAGER, Manifest, ObjectRef, owned_by
from k8snet_provision.topology import Topology
from k8snet_provision.topology.services import ServiceEntry, ServicePort

NAME = "services"

REQUESTED_ADDRESS = "metallb.io/loadBalancerIPs"
"""How MetalLB is asked for an address: spec.loadBalancerIP is deprecated since Kubernetes 1.24."""

HEADLESS = "None"

SERVICE_OF_SLICE = "kubernetes.io/service-name"
SLICE_MANAGER = "endpointslice.kubernetes.io/managed-by"
"""Says which controller a slice belongs to; the cluster's own leaves those of others alone (KEP-0752)."""

SLICES = "discovery.k8s.io/v1"


def reference(entry: ServiceEntry) -> ObjectRef:
    return ObjectRef("v1", "Service", entry.name, entry.namespace)


def slice_reference(entry: ServiceEntry, version: int) -> ObjectRef:
    return ObjectRef(SLICES, "EndpointSlice", f"{entry.name}-ipv{version}", entry.namespace)


def service(topology: Topology, entry: ServiceEntry) -> Manifest:
    return owned_by(NAME, {**reference(entry).skeleton(), "metadata": _metadata(entry), "spec": _spec(topology, entry)})


def slices(entry: ServiceEntry) -> Iterator[Manifest]:
    """One for each family of its endpoints; a slice holds addresses of one family."""
    for version in families(entry):
        ref = slice_reference(entry, version)
        labels = {SERVICE_OF_SLICE: entry.name, SLICE_MANAGER: FIELD_MANAGER}
        yield owned_by(
            NAME,
            {
                **ref.skeleton(),
                "metadata": {"name": ref.name, "namespace": ref.namespace, "labels": labels},
                "addressType": f"IPv{version}",
                "endpoints": [
                    {"addresses": [str(address)], "conditions": {"ready": True}}
                    for address in entry.endpoints
                    if address.version == version
                ],
                "ports": [_slice_port(port) for port in entry.ports],
            },
        )


def families(entry: ServiceEntry) -> list[int]:
    """The address families of its endpoints, 4 before 6; none where there are no endpoints."""
    return sorted({address.version for address in entry.endpoints})


def _metadata(entry: ServiceEntry) -> dict[str, Any]:
    annotations = dict(entry.annotations)
    if entry.type == "LoadBalancer" and entry.address is not None:
        annotations[REQUESTED_ADDRESS] = str(entry.address)
    return {
        "name": entry.name,
        "namespace": entry.namespace,
        **({"labels": dict(entry.labels)} if entry.labels else {}),
        **({"annotations": annotations} if annotations else {}),
    }


def _spec(topology: Topology, entry: ServiceEntry) -> dict[str, Any]:
    """What has a default is written out too: an apply mends only what it names."""
    spec: dict[str, Any] = {"type": entry.type}
    if entry.ports:
        spec["ports"] = [_port(port) for port in entry.ports]
    if entry.type == "ExternalName":
        return {**spec, "externalName": entry.external_name}
    if entry.selector:
        spec["selector"] = dict(entry.selector)
    if entry.headless:
        spec["clusterIP"] = HEADLESS
    if entry.type in ("NodePort", "LoadBalancer"):
        spec["externalTrafficPolicy"] = entry.external_traffic_policy or "Cluster"
    return spec | _affinity(entry) | _families(topology, entry)


def _affinity(entry: ServiceEntry) -> dict[str, Any]:
    if not entry.session_affinity:
        return {"sessionAffinity": "None"}
    config = {"clientIP": {"timeoutSeconds": entry.affinity_timeout}}
    return {"sessionAffinity": "ClientIP", "sessionAffinityConfig": config}


def _families(topology: Topology, entry: ServiceEntry) -> dict[str, Any]:
    """Only where the addresses that are named need others than the cluster's default family."""
    found = [entry.address.version] if entry.address else families(entry)
    if len(found) == 2:
        return {"ipFamilyPolicy": "PreferDualStack"}
    if found and found[0] != topology.service_cidr[0].version:
        return {"ipFamilyPolicy": "SingleStack", "ipFamilies": [f"IPv{found[0]}"]}
    return {}


def _port(port: ServicePort) -> dict[str, Any]:
    return {
        "port": port.port,
        "protocol": port.protocol,
        "targetPort": port.target_port or port.port,
        **({"name": port.name} if port.name else {}),
        **({"nodePort": port.node_port} if port.node_port else {}),
        **({"appProtocol": port.app_protocol} if port.app_protocol else {}),
    }


def _slice_port(port: ServicePort) -> dict[str, Any]:
    """kube-proxy finds a slice's port by the name of the Service's; a number, for there is no pod to name one."""
    number = port.target_port if isinstance(port.target_port, int) else port.port
    return {
        "name": port.name or "",
        "port": number,
        "protocol": port.protocol,
        **({"appProtocol": port.app_protocol} if port.app_protocol else {}),
    }
