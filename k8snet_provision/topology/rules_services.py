"""K8N190, K8N197 and K8N198: the catalogue of Services, by the rules of the API's own validation."""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_provision.problems import Origin, Problem, Severity

from .cluster import Cluster
from .ingresses import IngressEntry
from .keys import Path
from .rules_ingress import nothing_gives_addresses
from .services import ServiceEntry
from .values import IPAddress

OF_THE_CLUSTER = {("default", "kubernetes"), ("kube-system", "kube-dns")}
OWN_PREFIX = "k8snet-provision/"
OWN_LABEL = "app.kubernetes.io/managed-by"

Fault = tuple[Path, str, str, str]
"""Keys below the Service, what is wrong, what was found, what was expected."""


def name_is_taken(cluster: Cluster) -> Iterator[Problem]:
    """K8N190: two entries for one object, or an entry for a Service that the cluster makes itself."""
    for section in ("services", "ingresses"):
        first: dict[tuple[str, str], Origin] = {}
        for index, entry in enumerate(getattr(cluster.topology, section) or ()):
            key, where = (entry.namespace, entry.name), cluster.origin(section, index, "name")
            name = "/".join(key)
            if section == "services" and key in OF_THE_CLUSTER:
                text = f"the Service {name} belongs to the cluster"
                yield Problem("K8N190", text, where, name, "a name of its own")
            if key in first:
                text = f"{section} has {name} twice"
                yield Problem("K8N190", text, where, name, f"another name than at {first[key]}")
            first.setdefault(key, where)


def label_is_the_tools(cluster: Cluster) -> Iterator[Problem]:
    """K8N106: labels by which this tool knows what it owns."""
    for section in ("services", "ingresses"):
        entries: tuple[ServiceEntry | IngressEntry, ...] = getattr(cluster.topology, section) or ()
        for index, entry in enumerate(entries):
            for kind, keys in (("labels", entry.labels), ("annotations", entry.annotations)):
                for key in keys:
                    if key.startswith(OWN_PREFIX) or key == OWN_LABEL:
                        where = cluster.origin(section, index, kind, key)
                        text = f"{key} marks what this tool owns"
                        yield Problem("K8N106", text, where, key, "another key", "take it out; it is set by itself")


def service_contradicts_itself(cluster: Cluster) -> Iterator[Problem]:
    """K8N197: what the API server refuses, or takes and never serves."""
    for index, service in enumerate(cluster.topology.services or ()):
        for path, text, found, expected in _faults(cluster, service):
            where = cluster.origin("services", index, *path)
            yield Problem("K8N197", f"Service {service.namespace}/{service.name}: {text}", where, found, expected)


def _faults(cluster: Cluster, service: ServiceEntry) -> Iterator[Fault]:
    if service.type == "ExternalName":
        yield from _external_name(service)
        return
    if service.external_name is not None:
        yield ("external_name",), "external_name is for type ExternalName only", service.type, "type: ExternalName"
    if service.headless and service.type != "ClusterIP":
        yield ("headless",), f"a Service of type {service.type} cannot be headless", service.type, "type: ClusterIP"
    if service.selector and service.endpoints:
        yield ("endpoints",), "it has both selector and endpoints", "both", "one of them"
    if not service.selector and not service.endpoints:
        yield (), "it leads nowhere", "neither selector nor endpoints", "one of them"
    if service.external_traffic_policy is not None and service.type == "ClusterIP":
        text = "external_traffic_policy is for types that are reached from outside"
        yield ("external_traffic_policy",), text, service.type, "type: NodePort or LoadBalancer"
    if service.address is not None and service.type != "LoadBalancer":
        yield ("address",), "address is for type LoadBalancer only", service.type, "type: LoadBalancer"
    yield from _ports(service)
    yield from _endpoints(cluster, service)


def _external_name(service: ServiceEntry) -> Iterator[Fault]:
    name = service.external_name
    if name is None:
        yield ("type",), "ExternalName needs external_name", "nothing", "external_name: db.corp.example"
    elif name.rpartition(".")[2].isdigit():
        text = "external_name is an address, which DNS has no CNAME for"
        yield ("external_name",), text, name, "a DNS name; for addresses type: ClusterIP with endpoints"
    given = {
        "selector": service.selector, "endpoints": service.endpoints, "headless": service.headless,
        "address": service.address, "session_affinity": service.session_affinity,
        "external_traffic_policy": service.external_traffic_policy,
    }  # fmt: skip
    for key, value in given.items():
        if value:
            yield (key,), f"ExternalName is an alias of DNS, {key} has no effect", "ExternalName", f"no {key}"


def _ports(service: ServiceEntry) -> Iterator[Fault]:
    if not service.ports and not service.headless:
        yield (), "it has no ports", "nothing", "ports: [{port: 80}]"
    names: set[str] = set()
    numbers: set[tuple[int, str]] = set()
    for index, port in enumerate(service.ports):
        if port.name is None and len(service.ports) > 1:
            yield ("ports", index), "several ports need names", f"port {port.port}", "name"
        if port.name is not None and port.name in names:
            yield ("ports", index, "name"), "two ports have one name", port.name, "another name"
        if (port.port, port.protocol) in numbers:
            yield ("ports", index, "port"), "two ports have one number", f"{port.port}/{port.protocol}", "another port"
        names |= {port.name} if port.name else set()
        numbers.add((port.port, port.protocol))
        if service.endpoints and isinstance(port.target_port, str):
            text = "endpoints have no names for their ports"
            yield ("ports", index, "target_port"), text, port.target_port, "a number"


def _endpoints(cluster: Cluster, service: ServiceEntry) -> Iterator[Fault]:
    """As the API's validation of EndpointSlices; and a ClusterIP is no destination for kube-proxy."""
    for index, address in enumerate(service.endpoints):
        if unusable(address) or any(address in network for network in cluster.topology.service_cidr):
            text = "nobody answers at that address"
            yield ("endpoints", index), text, str(address), "a host's address outside service_cidr"
    if len(set(service.endpoints)) < len(service.endpoints):
        yield ("endpoints",), "an address is there twice", ", ".join(map(str, service.endpoints[:5])), "each once"


def unusable(address: IPAddress) -> bool:
    """Addresses that no EndpointSlice may have."""
    return address.is_loopback or address.is_unspecified or address.is_link_local or address.is_multicast


def service_asks_what_nobody_gives(cluster: Cluster) -> Iterator[Problem]:
    """K8N198: NodePorts that are taken, out of range or of no use; and addresses where nothing gives them."""
    allowed = cluster.topology.node_port_range
    first: dict[tuple[int, str], str] = {}
    for index, service in enumerate(cluster.topology.services or ()):
        who = f"Service {service.namespace}/{service.name}"
        if service.type == "LoadBalancer" and nothing_gives_addresses(cluster):
            yield _no_address(cluster, index, who)
        for number, port in enumerate(service.ports):
            if port.node_port is None:
                continue
            where = cluster.origin("services", index, "ports", number, "node_port")
            found, key = str(port.node_port), (port.node_port, port.protocol)
            if service.type not in ("NodePort", "LoadBalancer"):
                text = f"{who}: node_port is for types NodePort and LoadBalancer"
                yield Problem("K8N198", text, where, service.type, "type: NodePort")
            if port.node_port not in allowed:
                expected = f"a port in {allowed}, written at {cluster.origin('node_port_range')}"
                yield Problem("K8N198", f"{who}: node_port is outside node_port_range", where, found, expected)
            if key in first:
                yield Problem("K8N198", f"{who}: node_port is that of {first[key]}", where, found, "a port of its own")
            first.setdefault(key, f"{who} at {where}")


def _no_address(cluster: Cluster, index: int, who: str) -> Problem:
    return Problem(
        "K8N198",
        f"{who} gets an address only if something else in the cluster gives it",
        cluster.origin("services", index, "type"),
        "no section metallb",
        "metallb with a pool, or type: NodePort",
        "fine where another load balancer controller runs",
        Severity.WARNING,
    )
