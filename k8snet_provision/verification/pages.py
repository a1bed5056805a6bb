"""What the Ingresses promise: hosts and paths that are answered, and names with certificates.

Those of the topology's catalogue as they are wanted; of the live ones of the controller's class the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.seen import World
from k8snet_provision.topology.ingresses import IngressEntry
from k8snet_provision.verification.way_in import WayIn

ANNOTATION = "nginx.ingress.kubernetes.io/"
ANY_LABEL = "k8snet-verify"
"""Stands for the star of a host name, and for the host of a rule that has none."""

_REGULAR = re.compile(r"[\\^$(\[{*+?|]")


@dataclass(frozen=True)
class Page:
    """A rule's host and path. An empty `host` is any."""

    ingress: str
    host: str
    path: str
    kind: str
    """The path's type, as in the Ingress."""
    service: str

    @property
    def name(self) -> str:
        """A host name that the rule is for."""
        return _some_name(self.host)

    @property
    def asked(self) -> str:
        """A path that the rule is for: of a regular expression what stands before its first special sign."""
        return (_REGULAR.split(self.path)[0] or "/") if self.kind == "ImplementationSpecific" else self.path

    def __str__(self) -> str:
        return f"{self.host or '*'}{self.path}"


@dataclass(frozen=True)
class Certified:
    """A host name that HTTPS is for: with the operator's certificate (PEM text or file), or with that of a Secret."""

    ingress: str
    host: str
    secret: str = ""
    given: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return _some_name(self.host)


@dataclass(frozen=True)
class Published:
    """An Ingress. `name` is its namespace and name."""

    name: str
    pages: tuple[Page, ...]
    certified: tuple[Certified, ...]
    annotations: Mapping[str, str]
    catches_all: bool
    """Whether it has a default backend of its own."""


def published(world: World, way: WayIn) -> tuple[Published, ...]:
    """The wanted ones, then the live ones that are not among them."""
    topology = world.topology
    entries = [entry for entry in topology.ingresses or () if _of_our_class(world, entry)]
    wanted = [_from_entry(entry) for entry in entries]
    known = {item.name for item in wanted}
    live = [_from_manifest(item) for item in way.ingresses]
    return (*wanted, *(item for item in live if item.name not in known))


def redirected(world: World, sites: Sequence[Published], page: Page) -> bool:
    """Whether HTTP is answered with the way to HTTPS: by the Ingress's annotations, else the ConfigMap's options."""
    site = next(site for site in sites if site.name == page.ingress)
    config = world.topology.ingress.config if world.topology.ingress else {}

    def said(option: str, otherwise: str) -> bool:
        return site.annotations.get(ANNOTATION + option, config.get(option, otherwise)) == "true"

    secure = any(page.host == item.host for other in sites for item in other.certified)
    return said("force-ssl-redirect", "false") or (secure and said("ssl-redirect", "true"))


def _of_our_class(world: World, entry: IngressEntry) -> bool:
    ingress = world.topology.ingress
    return ingress is not None and entry.class_name in (None, ingress.class_name)


def _some_name(host: str) -> str:
    return host.replace("*", ANY_LABEL, 1) or f"{ANY_LABEL}.invalid"


def _from_entry(entry: IngressEntry) -> Published:
    name = f"{entry.namespace}/{entry.name}"
    pages = tuple(
        Page(name, rule.host or "", path.path, path.type, f"{entry.namespace}/{path.service}")
        for rule in entry.rules
        for path in rule.paths
    )
    certified = tuple(
        Certified(name, host, _secret(entry.namespace, tls.secret), tls.certificate or "")
        for tls in entry.tls
        for host in tls.hosts
    )
    return Published(name, pages, certified, entry.annotations, entry.default_backend is not None)


def _from_manifest(item: Manifest) -> Published:
    meta, spec = item["metadata"], item["spec"]
    name = f"{meta['namespace']}/{meta['name']}"
    certified = tuple(
        Certified(name, host, _secret(meta["namespace"], tls.get("secretName")))
        for tls in spec.get("tls") or ()
        for host in tls.get("hosts") or ()
    )
    pages = tuple(_pages(name, meta["namespace"], spec))
    return Published(name, pages, certified, meta.get("annotations") or {}, bool(spec.get("defaultBackend")))


def _pages(name: str, namespace: str, spec: Mapping[str, Any]) -> Iterator[Page]:
    for rule in spec.get("rules") or ():
        for path in (rule.get("http") or {}).get("paths", ()):
            service = (path["backend"].get("service") or {}).get("name", "")
            yield Page(name, rule.get("host", ""), path.get("path", "/"), path["pathType"], f"{namespace}/{service}")


def _secret(namespace: str, name: str | None) -> str:
    return f"{namespace}/{name}" if name else ""
