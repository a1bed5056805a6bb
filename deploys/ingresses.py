"""The catalogue of Ingresses and their certificates: what the topology lists is there, the rest of ours is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from deploys import catalogue
from deploys.ingress_objects import NAME, ingress, reference, secret, secret_reference
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import CLUSTER, Action, Change
from k8snet_provision.engine.carry_out import cluster_changes as carry_out
from k8snet_provision.ingress import paths
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster, Topology, certificates
from k8snet_provision.topology.ingresses import Backend, IngressEntry, Tls


def listed(topology: Topology) -> tuple[IngressEntry, ...]:
    return topology.ingresses or ()


def reads(cluster: Cluster) -> Iterator[ObjectRef]:
    for entry in listed(cluster.topology):
        yield catalogue.namespace_of(entry)
        yield reference(entry)
        yield from (secret_reference(entry, tls) for tls in entry.tls if tls.certificate is not None)


def manifests(world: World) -> Iterator[Manifest]:
    """Secrets before the Ingresses that name them; one that several Ingresses share is there once."""
    found = [manifest for entry in listed(world.topology) for manifest in objects(world, entry)]
    return iter({ObjectRef.of(manifest): manifest for manifest in found}.values())


def objects(world: World, entry: IngressEntry) -> list[Manifest]:
    """Raises Unknown for a certificate that cannot be read."""
    secrets = [secret(entry, tls, pair) for tls in entry.tls if (pair := _pair(world, entry, tls))]
    return [*secrets, ingress(world.topology, entry)]


def _pair(world: World, entry: IngressEntry, tls: Tls) -> certificates.Pair | None:
    try:
        return certificates.read(world.cluster.inventory.path, tls)
    except (OSError, ValueError) as error:
        raise Unknown(CLUSTER, f"the certificate of {tls.hosts[0]} ({reference(entry)})", str(error)) from None


def refusals(world: World) -> Iterator[Problem]:
    entries, wanted = listed(world.topology), world.topology.ingress
    made_before = {wanted.namespace} if wanted else set()
    yield from catalogue.problems(world, NAME, entries, lambda i: objects(world, entries[i]), made_before)


def notices(world: World) -> Iterator[str]:
    """Backends that are not there; what the topology lists will be."""
    there = {(s["metadata"]["namespace"], s["metadata"]["name"]) for s in world.state.services}
    there |= {(entry.namespace, entry.name) for entry in world.topology.services or ()}
    for entry in listed(world.topology):
        named = dict.fromkeys(backend.service for backend in _backends(entry))
        for service in named:
            if (entry.namespace, service) not in there:
                yield f"{reference(entry)}: its Service {service} is not there, requests for it get 503"


def _backends(entry: IngressEntry) -> Iterator[Backend]:
    if entry.default_backend:
        yield entry.default_backend
    for rule in entry.rules:
        yield from rule.paths


TAKEN = r"""
taken() {
  uid=$(K get ingress -n "$1" "$2" -o 'jsonpath={.metadata.uid}' 2>&1) || { echo "Ingress $1/$2: $uid"; exit 1; }
  status=$(K get ingress -n "$1" "$2" -o 'jsonpath={.status.loadBalancer.ingress}')
  event=$(K get events -n "$1" --field-selector "reason=Sync,involvedObject.uid=$uid" -o name)
  [ "$status$event" ] || { echo "Ingress $1/$2: no controller has taken it"; exit 1; }
}
"""
"""sh: taken NAMESPACE NAME. The controller reports each Ingress at once and writes its status every minute."""


def admitted(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """Every Ingress of our class that was changed is seen by the controller, where one of ours runs."""
    if not paths.live(world) and not world.concerns(paths.OWNER):
        return None
    checks = [f"taken {quote(ref.namespace)} {quote(ref.name)}" for ref in _of_our_class(world, changes)]
    return "\n".join((world.prelude, TAKEN, *checks)) if checks else None


def _of_our_class(world: World, changes: Iterable[Change]) -> Iterator[ObjectRef]:
    wanted = world.topology.ingress
    for change in changes:
        manifest = json.loads(change.details["manifest"])
        if wanted is None or change.action is Action.DELETE or manifest["kind"] != "Ingress":
            continue
        if manifest["spec"].get("ingressClassName") == wanted.class_name:
            yield ObjectRef.of(manifest)


CAPABILITY = Capability(
    name=NAME,
    felt="requests are answered by the new rules from here on",
    carry_out=carry_out,
    reads=reads,
    manifests=manifests,
    refusals=refusals,
    notices=notices,
    gates=(Gate("Ingresses taken by the controller", admitted, deadline=30),),
    managed=lambda cluster: cluster.topology.ingresses is not None,
    backwards=True,
)
