"""The catalogue of Services: what the topology lists is there, and what it no longer lists is deleted."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from shlex import quote

from deploys import catalogue
from deploys.service_objects import (
    HEADLESS,
    NAME,
    REQUESTED_ADDRESS,
    SERVICE_OF_SLICE,
    reference,
    service,
    slice_reference,
    slices,
)
from k8snet_provision.capability import Capability, Gate
from k8snet_provision.change import Action, Change
from k8snet_provision.engine.carry_out import cluster_changes as carry_out
from k8snet_provision.problems import Problem
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import RECREATE, Manifest, ObjectRef
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster, Topology
from k8snet_provision.topology.services import ServiceEntry

ADDRESSES = ("clusterIP", "clusterIPs")
REST = ("internalTrafficPolicy", "ipFamilies", "ipFamilyPolicy")
"""What the server filled in, which a Service that is made anew gets again."""


def listed(topology: Topology) -> tuple[ServiceEntry, ...]:
    return topology.services or ()


def reads(cluster: Cluster) -> Iterator[ObjectRef]:
    for entry in listed(cluster.topology):
        yield catalogue.namespace_of(entry)
        yield reference(entry)
        yield from (slice_reference(entry, version) for version in (4, 6))


def objects(topology: Topology, entry: ServiceEntry) -> list[Manifest]:
    """Everything that an entry stands for, the Service first: kube-proxy then finds its slices at once."""
    return [service(topology, entry), *slices(entry)]


def manifests(world: World) -> Iterator[Manifest]:
    """All objects, but for Services that have to be made anew: the server would refuse to try them out."""
    for entry in listed(world.topology):
        made = objects(world.topology, entry)
        yield from made[1:] if remade(world.live(reference(entry)), entry) else made


def remade(live: Manifest | None, entry: ServiceEntry) -> str:
    """Why a Service of ours has to be deleted and made again; empty where it can be changed."""
    if live is None or kube_object.owner(live) != NAME:
        return ""
    spec = live["spec"]
    if "ExternalName" in (spec.get("type"), entry.type):
        return ""
    if (spec.get("clusterIP") == HEADLESS) != entry.headless:
        return "made anew with another address: a Service cannot change between ClusterIP and headless"
    if spec.get("selector") and not entry.selector:
        return "made anew with the same address: the endpoints of its old selector would stay"
    return ""


def cluster_changes(world: World) -> Iterator[Change]:
    for entry in listed(world.topology):
        live = world.live(reference(entry))
        if live is not None and (because := remade(live, entry)):
            wanted = _like(live, service(world.topology, entry))
            yield from kube_object.change(NAME, live, wanted, how=RECREATE, because=because)


def _like(live: Manifest, wanted: Manifest) -> Manifest:
    """The Service with all that can stay of the one it replaces, its addresses among it."""
    before, after = live["spec"], wanted["spec"]
    same_kind = (before.get("clusterIP") == HEADLESS) == (after.get("clusterIP") == HEADLESS)
    stays = () if "ipFamilies" in after else (*(ADDRESSES if same_kind else ()), *REST)
    return {**wanted, "spec": {key: before[key] for key in stays if key in before} | after}


def refusals(world: World) -> Iterator[Problem]:
    entries = listed(world.topology)
    yield from catalogue.problems(world, NAME, entries, lambda i: objects(world.topology, entries[i]), ())


def notices(world: World) -> Iterator[str]:
    for entry in listed(world.topology):
        live = world.live(reference(entry))
        if live is None or live["spec"].get("type") == "ExternalName":
            continue
        if entry.type == "LoadBalancer" and not live.get("status", {}).get("loadBalancer", {}).get("ingress"):
            yield f"{reference(entry)} has no address yet: nothing has given it one"
        if not _leads_somewhere(world, entry):
            yield f"{reference(entry)} has no endpoint that is ready"


def _leads_somewhere(world: World, entry: ServiceEntry) -> bool:
    return any(
        (endpoint.get("conditions") or {}).get("ready", True)
        for item in world.state.endpoint_slices
        if item["metadata"]["namespace"] == entry.namespace
        and item["metadata"]["labels"].get(SERVICE_OF_SLICE) == entry.name
        for endpoint in item.get("endpoints") or ()
    )


def addresses_given(world: World, host: str, changes: Sequence[Change]) -> str | None:
    """Every Service of type LoadBalancer that was changed has an address, and the one it asks for."""
    checks = [_check(manifest) for manifest in _load_balancers(changes)]
    return f"{world.prelude}\n{GIVEN}\n" + "\n".join(checks) if checks else None


def _load_balancers(changes: Iterable[Change]) -> Iterator[Manifest]:
    for change in changes:
        manifest = json.loads(change.details["manifest"])
        if change.action is not Action.DELETE and manifest.get("spec", {}).get("type") == "LoadBalancer":
            yield manifest


GIVEN = r"""
given() {
  service="Service $1/$2"; namespace=$1 name=$2; shift 2
  now=$(K get service -n "$namespace" "$name" \
    -o 'jsonpath={.status.loadBalancer.ingress[*].ip} {.status.loadBalancer.ingress[*].hostname}' 2>&1) ||
    { echo "$service: $now"; exit 1; }
  missing=
  for address in "$@"; do case " $now " in *" $address "*) ;; *) missing="$missing $address" ;; esac; done
  [ "${now# }" ] && [ -z "$missing" ] && return
  said=$(K get events -n "$namespace" --sort-by=.lastTimestamp \
    --field-selector "type=Warning,involvedObject.kind=Service,involvedObject.name=$name" \
    -o 'jsonpath={range .items[*]}{.reason}: {.message}{"\n"}{end}' 2>&1 | tail -n 1)
  echo "$service has no address$missing${said:+; $said}"
  exit 1
}
"""
"""sh: given NAMESPACE NAME [ADDRESS...]; without an address any will do."""


def _check(manifest: Manifest) -> str:
    meta = manifest["metadata"]
    wanted = (meta.get("annotations") or {}).get(REQUESTED_ADDRESS, "").split(",")
    return " ".join(["given", *map(quote, filter(None, (meta["namespace"], meta["name"], *map(str.strip, wanted))))])


CAPABILITY = Capability(
    name=NAME,
    felt="nothing at Services that stay; one that is made anew is away for a moment",
    carry_out=carry_out,
    reads=reads,
    manifests=manifests,
    cluster_changes=cluster_changes,
    refusals=refusals,
    notices=notices,
    gates=(Gate("addresses given", addresses_given, deadline=30),),
    managed=lambda cluster: cluster.topology.services is not None,
)
