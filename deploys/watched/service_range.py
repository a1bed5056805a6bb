"""The service range as it is in force: ServiceCIDRs, the flags of all that runs, and the Services' addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from deploys import control_plane
from deploys.control_plane import APISERVER, Program
from deploys.kube_apiserver import SERVICE_RANGE
from deploys.service_range_changes import KUBE_DNS, KUBERNETES, NAME
from deploys.watched.found import found
from k8snet_provision.capability import attempt
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Code, Finding, Severity, Watch
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

Networks = tuple[IPv4Network | IPv6Network, ...]


def in_cluster(world: World) -> Iterator[Finding]:
    yield from _not_ready(world)
    yield from _out_of_range(world)
    yield from _ranges(world)


def _ranges(world: World) -> Iterator[Finding]:
    """One finding for all that do not agree: it is them together that give addresses nobody expects."""
    says = _of_flags(world)
    for item in world.state.service_cidrs or ():
        if item["metadata"]["name"] == "kubernetes":
            says["ServiceCIDR kubernetes"] = _networks(",".join(item["spec"]["cidrs"]), "ServiceCIDR kubernetes")
    if len(set(says.values())) > 1:
        text = "is not the same everywhere: new Services may get addresses that others refuse"
        before = "".join(f"{name}: {_shown(networks)}\n" for name, networks in says.items())
        after = "".join(f"{name}: {_shown(world.topology.service_cidr)}\n" for name in says)
        mend = f"k8snet-provision apply {world.cluster.inventory.path} (every control plane at once)"
        what = "the service range in force"
        yield found(world, Code.SERVICE_CIDR, CLUSTER, NAME, what, text, before=before, after=after, mend=mend)


def _of_flags(world: World) -> dict[str, Networks]:
    """The range by the running flags of each program; a host that cannot tell is reported by itself."""
    says = {}
    for host in world.reached(world.cluster.control_planes):
        for program in attempt(_programs, world, host):
            given = program.running(SERVICE_RANGE)
            if given is not None:
                name = f"{program.name} on {host}"
                says[name] = _networks(given, name)
    return says


def _programs(world: World, host: str) -> Iterable[Program]:
    return control_plane.read(world, host).programs


def _networks(text: str, whose: str) -> Networks:
    try:
        return tuple(ip_network(part.strip(), strict=False) for part in text.split(","))
    except ValueError:
        raise Unknown(CLUSTER, f"the range of {whose}", f"{text!r} is no network") from None


def _shown(networks: Iterable[object]) -> str:
    return ",".join(map(str, networks))


def _not_ready(world: World) -> Iterator[Finding]:
    for item in world.state.service_cidrs or ():
        why = _why_not_ready(item)
        if why:
            name = item["metadata"]["name"]
            text = f"takes no new Services: {why}"
            mend = f"kubectl describe servicecidr {name}"
            what = f"ServiceCIDR {name}"
            bad = Severity.WARNING
            yield found(world, Code.SERVICE_CIDR, CLUSTER, NAME, what, text, before=f"{why}\n", mend=mend, severity=bad)


def _why_not_ready(item: Manifest) -> str:
    if "deletionTimestamp" in item["metadata"]:
        return "it is being deleted, and Services keep it"
    ready = [c for c in item.get("status", {}).get("conditions") or () if c["type"] == "Ready"]
    refused = [c for c in ready if c["status"] == "False"]
    return f"it is not Ready: {refused[0].get('reason') or 'no reason given'}" if refused else ""


def _out_of_range(world: World) -> Iterator[Finding]:
    """The cluster's own Services are moved by the plan."""
    ranges = _ranges_of_services(world)
    own = {(ref.namespace, ref.name) for ref in (KUBERNETES, KUBE_DNS)}
    for service in world.state.services:
        meta, spec = service["metadata"], service["spec"]
        if (meta["namespace"], meta["name"]) in own:
            continue
        given = [a for a in spec.get("clusterIPs") or [spec.get("clusterIP")] if a and a != "None"]
        outside = [a for a in given if not any(ip_address(a) in network for network in ranges)]
        if outside:
            name = f"{meta['namespace']}/{meta['name']}"
            what, text = f"Service {name}", "has an address that no ServiceCIDR holds: it may be given out twice"
            before, after = f"{', '.join(outside)}\n", f"in {_shown(ranges)}\n"
            mend = "give it a ServiceCIDR that holds the address, or delete it and make it anew"
            yield found(world, Code.OUT_OF_RANGE, CLUSTER, NAME, what, text, before=before, after=after, mend=mend)


def _ranges_of_services(world: World) -> Networks:
    """The ServiceCIDRs; before Kubernetes 1.33 what the API servers' flags say. Raises Unknown."""
    cidrs = world.state.service_cidrs
    if cidrs is not None:
        return tuple(ip_network(cidr) for item in cidrs for cidr in item["spec"]["cidrs"])
    ranges = {network for name, said in _of_flags(world).items() if name.startswith(APISERVER) for network in said}
    return tuple(sorted(ranges, key=str))


def probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    return control_plane.probes(cluster)


WATCH = Watch(NAME, hosts=(CLUSTER, "kube_control_plane"), probes=probes, in_cluster=in_cluster)
