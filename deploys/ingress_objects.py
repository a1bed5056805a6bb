"""Ingresses of the catalogue as the API has them, and the Secrets that hold their certificates."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from k8snet_provision.resources.kube_object import Manifest, ObjectRef, owned_by
from k8snet_provision.topology import Topology
from k8snet_provision.topology.certificates import Pair
from k8snet_provision.topology.ingresses import Backend, HostRule, IngressEntry, PathRule, Tls

NAME = "ingresses"

REWRITE_TARGET = "nginx.ingress.kubernetes.io/rewrite-target"

REGULAR = re.compile(r"([.^$*+?()\[\]{}|\\])")
"""What means something else in a regular expression of nginx (PCRE)."""


def reference(entry: IngressEntry) -> ObjectRef:
    return ObjectRef("networking.k8s.io/v1", "Ingress", entry.name, entry.namespace)


def secret_reference(entry: IngressEntry, tls: Tls) -> ObjectRef:
    """As it is named, else after the Ingress and the first host, with a digest that sets *.x apart from x."""
    name = tls.secret
    if name is None:
        first = tls.hosts[0]
        digest = hashlib.sha256(f"{entry.name}/{first}".encode()).hexdigest()[:8]
        name = f"{entry.name}-{first.removeprefix('*.')}"[:240].rstrip(".-") + f"-{digest}"
    return ObjectRef("v1", "Secret", name, entry.namespace)


def secret(entry: IngressEntry, tls: Tls, pair: Pair) -> Manifest:
    """The certificate and its key, as the controller reads them."""
    data = {"tls.crt": pair.certificate, "tls.key": pair.key}
    return owned_by(
        NAME,
        {
            **secret_reference(entry, tls).skeleton(),
            "type": "kubernetes.io/tls",
            "data": {key: b64encode(text.encode()).decode() for key, text in data.items()},
        },
    )


def ingress(topology: Topology, entry: IngressEntry) -> Manifest:
    return owned_by(
        NAME, {**reference(entry).skeleton(), "metadata": _metadata(entry), "spec": dict(_spec(topology, entry))}
    )


def class_name(topology: Topology, entry: IngressEntry) -> str | None:
    """Its IngressClass; None leaves it to the cluster's default."""
    return entry.class_name or (topology.ingress.class_name if topology.ingress else None)


def _metadata(entry: IngressEntry) -> dict[str, Any]:
    annotations = dict(entry.annotations)
    if entry.rewrite_target is not None:
        annotations[REWRITE_TARGET] = _target(entry, entry.rewrite_target)
    return {
        "name": entry.name,
        "namespace": entry.namespace,
        **({"labels": dict(entry.labels)} if entry.labels else {}),
        **({"annotations": annotations} if annotations else {}),
    }


def _spec(topology: Topology, entry: IngressEntry) -> Iterator[tuple[str, Any]]:
    if name := class_name(topology, entry):
        yield "ingressClassName", name
    if entry.default_backend:
        yield "defaultBackend", _backend(entry.default_backend)
    if entry.rules:
        yield "rules", [_rule(entry, rule) for rule in entry.rules]
    if entry.tls:
        yield "tls", [_tls(entry, tls) for tls in entry.tls]


def _rule(entry: IngressEntry, rule: HostRule) -> dict[str, Any]:
    paths = [{**_path(entry, path), "backend": _backend(path)} for path in rule.paths]
    return {**({"host": rule.host} if rule.host else {}), "http": {"paths": paths}}


def _path(entry: IngressEntry, rule: PathRule) -> dict[str, str]:
    if not _strips(entry) or rule.type == "ImplementationSpecific":
        return {"path": rule.path, "pathType": rule.type}
    # The controller replaces the whole path by the target, in which $2 is what this regular expression leaves.
    prefix = REGULAR.sub(r"\\\1", rule.path.rstrip("/"))
    rest = {"Prefix": "(/|$)(.*)" if prefix else "/()(.*)", "Exact": "$" if prefix else "/$"}
    return {"path": prefix + rest[rule.type], "pathType": "ImplementationSpecific"}


def _strips(entry: IngressEntry) -> bool:
    """A target without $1 or $2 stands for the part of the path that the rules name, as operators expect."""
    return entry.rewrite_target is not None and "$" not in entry.rewrite_target


def _target(entry: IngressEntry, target: str) -> str:
    prefixes = any(path.type == "Prefix" for rule in entry.rules for path in rule.paths)
    return f"{target.rstrip('/')}/$2" if _strips(entry) and prefixes else target


def _backend(backend: Backend) -> dict[str, Any]:
    key = "number" if isinstance(backend.port, int) else "name"
    return {"service": {"name": backend.service, "port": {key: backend.port}}}


def _tls(entry: IngressEntry, tls: Tls) -> dict[str, Any]:
    return {"hosts": list(tls.hosts), "secretName": secret_reference(entry, tls).name}
