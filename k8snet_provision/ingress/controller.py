"""The controller's objects: what all ways in share, and one way in as its row of the table says."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable

from k8snet_provision.ingress.exposure import (
    EXPOSURES,
    HEALTH,
    HTTP,
    HTTPS,
    WEBHOOK_PORT,
    Exposure,
    edge_networks,
    host_networks,
)
from k8snet_provision.ingress.paths import NODE_LABEL, OWNER, PATTERN_LABEL, ROWS, Row
from k8snet_provision.kube_proxy.install import node
from k8snet_provision.resources.kube_object import CAPABILITY_LABEL, Manifest, ObjectRef, owned_by, owner
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests as render
from k8snet_provision.topology import Cluster, certificates
from k8snet_provision.topology.images import resolve
from k8snet_provision.topology.ingress import Ingress, Pattern

SHARED = "ingress-nginx-k8snet"
"""Name of the roles; other than those of the release manifests, which may be there too."""

STATUS_ROLE = f"{SHARED}-status"
TRAFFIC_OWNER = "ingress-traffic"
"""The owner of the permission to write the status of Ingresses: an old way in loses it when traffic moves."""

WEBHOOK = "ingress-nginx-webhook"
"""Name of the admission webhook's Service and Secret."""

WEBHOOK_DIR = "/etc/ingress-webhook"
DEFAULT_CERTIFICATE = "ingress-nginx-default-certificate"
LEASE = "ingress-nginx-leader"
"""Shared by all ways in: whoever holds it writes the status of Ingresses."""

CONTROLLER = "k8s.io/ingress-nginx"
REVISION = "k8snet-provision/template-sha256"
"""On the pods: which of them are those that were asked for last."""

STATUS_INTERVAL = 10
"""Seconds until a new Ingress has its address in its status, instead of the controller's own 60."""

SELECTOR = {CAPABILITY_LABEL: OWNER}
TERMS = {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "controller"}

POD_TOLERATIONS = tuple(
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 30}
    for key in ("not-ready", "unreachable")
)
"""A lost node's pods are made elsewhere after 30 s instead of the API server's 5 minutes."""


def api_networks(world: World) -> tuple[str, ...]:
    """Where API servers call from: their hosts; of those that are nodes the pod ranges too, for overlays.

    Raises Unknown.
    """
    nodes = [node(world, host) for host in world.cluster.control_planes]
    ranges = [cidr for item in nodes if item for cidr in item["spec"].get("podCIDRs", [])]
    return (*host_networks(world.cluster, world.cluster.control_planes), *ranges)


def labels(pattern: Pattern) -> dict[str, str]:
    """What selects the pods of one way in."""
    return {**SELECTOR, PATTERN_LABEL: pattern}


def ingress_class(ingress: Ingress) -> ObjectRef:
    return ObjectRef("networking.k8s.io/v1", "IngressClass", ingress.class_name)


def controller_class(world: World, ingress: Ingress) -> str:
    """`spec.controller` of the IngressClass, which is immutable: that of the one there where it is ours or adopted."""
    live = world.live(ingress_class(ingress))
    if live is not None and (owner(live) == OWNER or ingress.adopt):
        return str(live["spec"]["controller"])
    return CONTROLLER if ingress.class_name == "nginx" else f"{CONTROLLER}-{ingress.class_name}"


def flags(world: World, ingress: Ingress, row: Row, exposure: Exposure) -> Iterable[str]:
    yield from exposure.flags
    yield f"--controller-class={controller_class(world, ingress)}"
    yield f"--ingress-class={ingress.class_name}"
    yield f"--election-id={LEASE}"
    yield f"--configmap=$(POD_NAMESPACE)/{row.name}"
    # Its successor, of this or another way in, writes the status; emptying it would take names away meanwhile.
    yield "--update-status-on-shutdown=false"
    yield f"--status-update-interval={STATUS_INTERVAL}"
    yield f"--enable-metrics={str(ingress.metrics).lower()}"
    yield f"--shutdown-grace-period={exposure.grace}"
    yield "--post-shutdown-grace-period=0"
    if ingress.default_class:
        yield "--watch-ingress-without-class=true"
    if ingress.default_backend:
        yield f"--default-backend-service={ingress.default_backend.namespace}/{ingress.default_backend.name}"
    if ingress.default_certificate:
        yield f"--default-ssl-certificate=$(POD_NAMESPACE)/{DEFAULT_CERTIFICATE}"
    if ingress.admission:
        yield f"--validating-webhook=:{WEBHOOK_PORT}"
        yield f"--validating-webhook-certificate={WEBHOOK_DIR}/tls.crt"
        yield f"--validating-webhook-key={WEBHOOK_DIR}/tls.key"


def config(ingress: Ingress, exposure: Exposure) -> dict[str, str]:
    """The ConfigMap: the operator's options, and over them those that the pattern rests on."""
    options = {"worker-shutdown-timeout": f"{exposure.open_requests}s", **ingress.config}
    if exposure.trusts:
        options |= {"use-proxy-protocol": "true", "proxy-real-ip-cidr": ",".join(exposure.trusts)}
    return options


def ports(ingress: Ingress) -> Iterable[tuple[str, int]]:
    yield "http", HTTP
    yield "https", HTTPS
    yield "healthz", HEALTH
    if ingress.admission:
        yield "webhook", WEBHOOK_PORT


def objects(world: World) -> Iterable[Manifest]:
    """All objects of the wanted way in and those shared with others; nothing without an `ingress` section."""
    ingress = world.topology.ingress
    if ingress is None:
        return
    yield from shared(world, ingress)
    yield from own(world, ingress, ROWS[ingress.pattern])


def shared(world: World, ingress: Ingress) -> Iterable[Manifest]:
    """Raises OSError or ValueError for files of the default certificate that cannot be read."""
    found = render(
        "ingress_nginx/shared.yaml.j2",
        ingress=ingress,
        shared=SHARED,
        status_role=STATUS_ROLE,
        lease=LEASE,
        webhook=WEBHOOK,
        selector=SELECTOR,
        default_certificate=DEFAULT_CERTIFICATE,
        certificate=_certificate(world, ingress),
        controller_class=controller_class(world, ingress),
        privileged=ingress.pattern == "host_network",
    )
    for manifest in found:
        yield manifest if manifest["kind"] == "Namespace" else owned_by(OWNER, manifest)


def _certificate(world: World, ingress: Ingress) -> dict[str, str] | None:
    given = ingress.default_certificate
    pair = certificates.read(world.cluster.inventory.path, given) if given else None
    return {"tls.crt": _base64(pair.certificate), "tls.key": _base64(pair.key)} if pair else None


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def own(world: World, ingress: Ingress, row: Row) -> Iterable[Manifest]:
    """The objects of one way in, each labelled with its pattern."""
    exposure = EXPOSURES[row.pattern](world, ingress)
    selector = {**ingress.node_selector, **({NODE_LABEL: "true"} if exposure.host_network else {})}
    tolerations = [toleration.model_dump(exclude_none=True) for toleration in ingress.tolerations]
    found = render(
        "ingress_nginx/controller.yaml.j2",
        ingress=ingress,
        row=row,
        exposure=exposure,
        bindings=list(_bindings(row, ingress)),
        webhook=WEBHOOK,
        webhook_dir=WEBHOOK_DIR,
        labels=labels(row.pattern),
        config=config(ingress, exposure),
        flags=list(flags(world, ingress, row, exposure)),
        ports=list(ports(ingress)),
        image=resolve(world.topology.images, ingress.image),
        node_selector=selector,
        tolerations=[*tolerations, *(() if exposure.host_network else POD_TOLERATIONS)],
        resources={"requests": dict(ingress.resources.requests), "limits": dict(ingress.resources.limits)},
        api_networks=api_networks(world),
        edge_networks=edge_networks(world.cluster),
    )
    for manifest in found:
        moves = manifest.get("roleRef", {}).get("name") == STATUS_ROLE
        yield owned_by(TRAFFIC_OWNER if moves else OWNER, _labelled(manifest, row))


def _bindings(row: Row, ingress: Ingress) -> Iterable[tuple[str, str, str, str]]:
    """Name, kind of role, role and namespace of what the pods of one way in may do."""
    yield row.name, "ClusterRole", SHARED, ""
    yield f"{row.name}-status", "ClusterRole", STATUS_ROLE, ""
    yield row.name, "Role", SHARED, ingress.namespace


def _labelled(manifest: Manifest, row: Row) -> Manifest:
    """With the pattern's label; the pods also with the digest of their template, and the usual terms."""
    meta = {**manifest["metadata"], "labels": {**TERMS, PATTERN_LABEL: row.pattern}}
    if manifest["kind"] == row.workload:
        template = manifest["spec"]["template"]
        digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).hexdigest()
        template["metadata"]["annotations"] = {REVISION: digest}
        template["metadata"]["labels"] |= TERMS
    return {**manifest, "metadata": meta}


def refs(cluster: Cluster) -> Iterable[ObjectRef]:
    """Every object that may be asked for, of all ways in."""
    ingress = cluster.topology.ingress
    if ingress is None:
        return
    space, rbac = ingress.namespace, "rbac.authorization.k8s.io/v1"
    yield ObjectRef("v1", "Namespace", space)
    yield ObjectRef(rbac, "ClusterRole", SHARED)
    yield ObjectRef(rbac, "ClusterRole", STATUS_ROLE)
    yield ObjectRef(rbac, "Role", SHARED, space)
    yield ingress_class(ingress)
    yield ObjectRef("v1", "Service", WEBHOOK, space)
    if ingress.default_certificate:
        yield ObjectRef("v1", "Secret", DEFAULT_CERTIFICATE, space)
    for row in ROWS.values():
        yield ObjectRef("v1", "ServiceAccount", row.name, space)
        for name, kind, _, place in _bindings(row, ingress):
            yield ObjectRef(rbac, f"{kind}Binding", name, place)
        yield ObjectRef("v1", "ConfigMap", row.name, space)
        yield ObjectRef("v1", "Service", row.name, space)
        yield ObjectRef("apps/v1", row.workload, row.name, space)
        yield ObjectRef("policy/v1", "PodDisruptionBudget", row.name, space)
        yield ObjectRef("networking.k8s.io/v1", "NetworkPolicy", row.name, space)
