"""K8N105 and K8N192 to K8N196: TLS of the catalogue's Ingresses, and the controller's default certificate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from k8snet_provision.inventory import Secret
from k8snet_provision.problems import Origin, Problem, Severity

from .certificate_faults import UNREADABLE, Fault, faults
from .certificates import CertificatePair, is_text, text
from .cluster import Cluster
from .keys import Path


@dataclass(frozen=True)
class Place:
    """A pair of the topology: where it is, whose it is, and the host names that it is for."""

    path: Path
    who: str
    pair: CertificatePair
    hosts: tuple[str, ...] = ()


def places(cluster: Cluster) -> Iterator[Place]:
    ingress = cluster.topology.ingress
    if ingress is not None and ingress.default_certificate is not None:
        yield Place(("ingress", "default_certificate"), "ingress.default_certificate", ingress.default_certificate)
    for index, entry in enumerate(cluster.topology.ingresses or ()):
        for number, tls in enumerate(entry.tls):
            who = f"Ingress {entry.namespace}/{entry.name}"
            yield Place(("ingresses", index, "tls", number), who, tls, tls.hosts)


def key_is_in_plain_text(cluster: Cluster) -> Iterator[Problem]:
    """K8N105: whoever reads the inventory has the key."""
    for place in places(cluster):
        written = cluster.wrote(*place.path, "key")
        if isinstance(written, str) and not isinstance(written, Secret) and is_text(written):
            yield Problem(
                "K8N105",
                f"{place.who}: the private key stands in the inventory in plain text",
                cluster.origin(*place.path, "key"),
                expected="a vaulted value, or a file that is not in version control",
                hint="ansible-vault encrypt_string",
                severity=Severity.WARNING,
            )


def tls_has_no_certificate(cluster: Cluster) -> Iterator[Problem]:
    """K8N192: hosts for which the controller would answer with its own self-signed certificate."""
    for place in places(cluster):
        pair, secret = place.pair, getattr(place.pair, "secret", None)
        where = cluster.origin(*place.path)
        if pair.certificate is None and pair.key is None and secret is None:
            hosts = f" for {', '.join(place.hosts[:5])}" if place.hosts else ""
            text = f"{place.who}: there is no certificate{hosts}"
            expected = "certificate and key" + (", or the secret that has them" if place.hosts else "")
            yield Problem("K8N192", text, where, "neither certificate nor key", expected)
        elif (pair.certificate is None) != (pair.key is None):
            has, lacks = ("certificate", "key") if pair.key is None else ("key", "certificate")
            yield Problem("K8N192", f"{place.who}: a {has} without its {lacks}", where, f"{has} only", "both")
    yield from _unused(cluster)
    yield from _secrets(cluster)


def _unused(cluster: Cluster) -> Iterator[Problem]:
    for index, entry in enumerate(cluster.topology.ingresses or ()):
        ruled = {rule.host for rule in entry.rules}
        if None in ruled or entry.default_backend is not None:
            continue
        for number, tls in enumerate(entry.tls):
            for step, host in enumerate(tls.hosts):
                if host not in ruled:
                    where = cluster.origin("ingresses", index, "tls", number, "hosts", step)
                    text = f"Ingress {entry.namespace}/{entry.name}: tls names a host that no rule has"
                    expected = ", ".join(str(name) for name in list(dict.fromkeys(r.host for r in entry.rules))[:5])
                    yield Problem("K8N192", text, where, host, expected, severity=Severity.WARNING)


def _secrets(cluster: Cluster) -> Iterator[Problem]:
    """Two pairs under one Secret's name: the second would overwrite the first."""
    first: dict[tuple[str, str], tuple[CertificatePair, Origin]] = {}
    for index, entry in enumerate(cluster.topology.ingresses or ()):
        for number, tls in enumerate(entry.tls):
            where = cluster.origin("ingresses", index, "tls", number, "secret")
            if tls.secret is None or tls.certificate is None:
                continue
            other, there = first.setdefault((entry.namespace, tls.secret), (tls, where))
            if (other.certificate, other.key) != (tls.certificate, tls.key):
                text = f"the Secret {entry.namespace}/{tls.secret} would hold two certificates"
                yield Problem("K8N192", text, where, tls.secret, f"another name than at {there}")


def certificate_is_wrong(cluster: Cluster, now: datetime | None = None) -> Iterator[Problem]:
    """K8N193 cannot be read; K8N194 key or chain does not fit; K8N195 not valid now; K8N196 for other names."""
    at = now or datetime.now(UTC)
    for place in places(cluster):
        if place.pair.certificate is None or place.pair.key is None:
            continue
        texts = {}
        for part, value in (("certificate", place.pair.certificate), ("key", place.pair.key)):
            try:
                texts[part] = text(cluster.inventory.path, value)
            except (OSError, ValueError) as error:
                yield _unreadable(cluster, place, part, value, error)
        if len(texts) == 2:
            for fault in faults(texts["certificate"], texts["key"], place.hosts, at):
                yield _located(cluster, place, fault)


def _unreadable(cluster: Cluster, place: Place, part: str, value: str, error: OSError | ValueError) -> Problem:
    why = (error.strerror or "cannot be read") if isinstance(error, OSError) else str(error)
    # A vaulted path stays as closed as any other vaulted value.
    found = "***" if isinstance(value, Secret) or is_text(value) else value
    expected = "PEM text, or a file relative to the inventory"
    where = cluster.origin(*place.path, part)
    return Problem(UNREADABLE, f"{place.who}: the {part} cannot be read: {why}", where, found[:200], expected)


def _located(cluster: Cluster, place: Place, fault: Fault) -> Problem:
    severity = Severity.WARNING if fault.warning else Severity.ERROR
    where = cluster.origin(*place.path, fault.part)
    text = f"{place.who}: {fault.text}"
    return Problem(fault.code, text, where, fault.found, fault.expected, fault.hint, severity)
