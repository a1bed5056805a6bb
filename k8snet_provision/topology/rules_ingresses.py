"""K8N191 and K8N199: the catalogue of Ingresses: who claims what, and where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from k8snet_provision.problems import Origin, Problem

from .cluster import Cluster
from .ingresses import Backend, IngressEntry, PathRule
from .keys import Path
from .services import ServiceEntry

REWRITE = "nginx.ingress.kubernetes.io/rewrite-target"
CANARY = "nginx.ingress.kubernetes.io/canary"
STRICT = "strict-validate-path-type"
# ingress-nginx's strict-validate-path-type, and what the API refuses in Prefix and Exact.
_PLAIN = re.compile(r"/[A-Za-z0-9._/-]*\Z")
_NOT_IN_PLAIN = ("//", "/./", "/../")

Claim = tuple[str, str, str]
"""IngressClass, host and path."""


class Held(NamedTuple):
    """Who claimed it first."""

    ingress: int
    kind: str
    where: Origin


def claims_collide(cluster: Cluster) -> Iterator[Problem]:
    """K8N191: of two Ingresses with one host and path one would answer; the admission webhook refuses the other."""
    claimed: dict[Claim, list[Held]] = {}
    for index, entry in enumerate(cluster.topology.ingresses or ()):
        # A canary is a second Ingress of the same host and path on purpose.
        if entry.annotations.get(CANARY, "").lower() == "true":
            continue
        for path, rule, host in _paths(entry):
            where = cluster.origin("ingresses", index, *path)
            kind = "Exact" if rule.type == "Exact" else "Prefix"
            before = claimed.setdefault((_class(cluster, entry), host, _same(rule)), [])
            # Within one Ingress, Exact and Prefix of the same path are two things.
            held = next((held for held in before if held.ingress != index or held.kind == kind), None)
            before.append(Held(index, kind, where))
            if held is None:
                continue
            other = (cluster.topology.ingresses or ())[held.ingress]
            who = f"Ingress {entry.namespace}/{entry.name}"
            text = f"{who} claims {host or 'any host'} {rule.path}, which {other.namespace}/{other.name} has"
            yield Problem("K8N191", text, where, rule.path, f"a path or host that is not claimed at {held.where}")


def _class(cluster: Cluster, entry: IngressEntry) -> str:
    ingress = cluster.topology.ingress
    return entry.class_name or (ingress.class_name if ingress else "")


def _same(rule: PathRule) -> str:
    """Prefix ignores a slash at the end (Ingress API, pathType)."""
    return rule.path if rule.type == "Exact" else rule.path.rstrip("/") or "/"


def _paths(entry: IngressEntry) -> Iterator[tuple[Path, PathRule, str]]:
    for number, rule in enumerate(entry.rules):
        for step, path in enumerate(rule.paths):
            yield ("rules", number, "paths", step), path, rule.host or ""


def ingress_leads_nowhere(cluster: Cluster) -> Iterator[Problem]:
    """K8N199: nothing to serve, paths that the controller refuses, ports that a Service of the catalogue lacks."""
    services = {(item.namespace, item.name): item for item in cluster.topology.services or ()}
    strict = _is_strict(cluster)
    for index, entry in enumerate(cluster.topology.ingresses or ()):
        who = f"Ingress {entry.namespace}/{entry.name}"
        if not entry.rules and entry.default_backend is None:
            where = cluster.origin("ingresses", index)
            yield Problem("K8N199", f"{who} has neither rules nor default_backend", where, expected="one of them")
        if entry.rewrite_target is not None and REWRITE in entry.annotations:
            where = cluster.origin("ingresses", index, "annotations", REWRITE)
            yield Problem("K8N199", f"{who} has rewrite_target and its annotation", where, expected="one of them")
        backends: list[tuple[Path, Backend]] = [(path, rule) for path, rule, _ in _paths(entry)]
        if entry.default_backend is not None:
            backends.append((("default_backend",), entry.default_backend))
        for path, backend in backends:
            where = cluster.origin("ingresses", index, *path)
            if isinstance(backend, PathRule) and not _is_plain(backend, strict):
                yield _odd_path(who, backend, cluster.origin("ingresses", index, *path, "path"))
            service = services.get((entry.namespace, backend.service))
            if service is not None and not _has(service, backend.port):
                yield _no_port(who, service, backend, where)


def _is_strict(cluster: Cluster) -> bool:
    ingress = cluster.topology.ingress
    return ingress is None or ingress.config.get(STRICT, "true").lower() != "false"


def _is_plain(rule: PathRule, strict: bool) -> bool:
    if rule.type == "ImplementationSpecific":
        return True
    odd = any(part in rule.path for part in _NOT_IN_PLAIN) or rule.path.endswith(("/.", "/.."))
    return not odd and (not strict or _PLAIN.match(rule.path) is not None)


def _odd_path(who: str, rule: PathRule, where: Origin) -> Problem:
    return Problem(
        "K8N199",
        f"{who}: the path is none of type {rule.type}",
        where,
        rule.path,
        "letters, digits and . _ - / without //, /./ and /../",
        "for a regular expression write type: ImplementationSpecific",
    )


def _has(service: ServiceEntry, port: int | str) -> bool:
    return any(port in (item.port, item.name) for item in service.ports)


def _no_port(who: str, service: ServiceEntry, backend: Backend, where: Origin) -> Problem:
    has = ", ".join(f"{item.port}" + (f" ({item.name})" if item.name else "") for item in service.ports[:5])
    text = f"{who} leads to a port that the Service {service.namespace}/{service.name} does not have"
    return Problem("K8N199", text, where, str(backend.port), has or "a Service with that port")
