"""What an inventory says, as far as a plan rests on it, without its secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from k8snet_provision.inventory import connection
from k8snet_provision.inventory.connection import Connection
from k8snet_provision.inventory.values import secrets_in
from k8snet_provision.saved_plan.model import RestsOn
from k8snet_provision.topology import Cluster, certificates
from k8snet_provision.topology.agreement import VARIABLE
from k8snet_provision.topology.certificates import CertificatePair
from k8snet_provision.topology.shown import dotted

HIDDEN = "***"

Path = tuple[str | int, ...]


def says(cluster: Cluster) -> RestsOn:
    """Passwords and the keys to log in with are no part of it: they open the same hosts or none."""
    connections = connection.connections(cluster.inventory)[0]
    plain = frozenset(filter(None, secrets_in(cluster.inventory.rendered(cluster.reference, VARIABLE))))
    return RestsOn(
        hosts={member.name: _host(member.roles, connections.get(member.name)) for member in cluster.members},
        topology=_without(cluster.topology.model_dump(mode="json"), plain),
        files={dotted(path): digest for path, digest in _certificates(cluster, cluster.topology, ())},
    )


def _host(roles: Sequence[str], to: Connection | None) -> str:
    if to is None:
        return f"{', '.join(roles)}: cannot be connected to"
    words = [f"{', '.join(roles)}: {to.user}@{to.address} port {to.port}"]
    words += [f"becomes {to.become_user}"] if to.become else []
    words += [f"through {hop.user}@{hop.host} port {hop.port}" for hop in to.jump]
    words += [] if to.host_key_checking else ["its host key is not checked"]
    return ", ".join(words)


def _without(value: Any, secrets: frozenset[str]) -> Any:
    """The topology with what came out of a vault, and every private key, hidden."""
    if isinstance(value, Mapping):
        return {key: _without(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, secrets) for item in value]
    if isinstance(value, str) and ("PRIVATE KEY" in value or any(secret in value for secret in secrets)):
        return HIDDEN
    return value


def _certificates(cluster: Cluster, part: Any, path: Path) -> Iterator[tuple[Path, str]]:
    """Certificates are public and keys cannot be guessed, so digests of them give nothing away."""
    if isinstance(part, CertificatePair):
        for name in ("certificate", "key"):
            if (value := getattr(part, name)) is not None:
                yield (*path, name), _sha256(cluster, value)
    if isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from _certificates(cluster, getattr(part, name), (*path, name))
    elif isinstance(part, tuple):
        for index, item in enumerate(part):
            yield from _certificates(cluster, item, (*path, index))


def _sha256(cluster: Cluster, value: str) -> str:
    try:
        return hashlib.sha256(certificates.text(cluster.inventory.path, value).encode()).hexdigest()
    except (OSError, ValueError) as error:
        return f"unreadable: {error}"
