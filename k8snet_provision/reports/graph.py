"""The wanted way of a request as a picture: from the client to the pods, from the topology alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from k8snet_provision.ingress.paths import ROWS
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.ingress import Ingress
from k8snet_provision.topology.ingresses import Backend, IngressEntry
from k8snet_provision.topology.services import ServiceEntry

SHOWN = 6
"""Hosts that are named; a cluster may have hundreds."""


@dataclass(frozen=True)
class Step:
    """A place that requests come to, and where they go from there."""

    label: str
    then: tuple[Step, ...] = ()


def way_of_requests(cluster: Cluster) -> Step:
    """From clients through every way in that the topology has."""
    topology = cluster.topology
    steps = [_ingress(cluster, topology.ingress)] if topology.ingress else []
    if topology.edge and topology.edge.api:
        api = Step(
            f"kube-apiserver on {_hosts(cluster, cluster.control_planes)}, port {topology.edge.api.backend_port}"
        )
        steps.append(_vip(cluster, f"port {topology.edge.api.port}", api))
    steps += [
        _service_from_outside(cluster, s) for s in topology.services or () if s.type in ("NodePort", "LoadBalancer")
    ]
    return Step("client", tuple(steps) or (Step("no way in is described"),))


def as_text(step: Step) -> str:
    """A tree for a terminal."""
    return "\n".join([step.label, *_below(step.then, "")]) + "\n"


def as_mermaid(step: Step) -> str:
    """A flow chart that GitHub, GitLab and most wikis draw."""
    lines = ["flowchart LR"]
    waiting: list[tuple[Step, int | None]] = [(step, None)]
    for number, (here, before) in enumerate(waiting):
        text = here.label.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
        lines.append(f'  n{number}["{text}"]')
        lines += [f"  n{before} --> n{number}"] if before is not None else []
        waiting.extend((then, number) for then in here.then)
    return "\n".join(lines) + "\n"


def _below(steps: Sequence[Step], indent: str) -> Iterator[str]:
    for step in steps:
        last = step is steps[-1]
        yield f"{indent}{'└─' if last else '├─'} {step.label}"
        yield from _below(step.then, indent + ("   " if last else "│  "))


def _ingress(cluster: Cluster, ingress: Ingress) -> Step:
    controller = _controller(cluster, ingress)
    if ingress.pattern == "load_balancer":
        address = _load_balancer_address(cluster, ingress)
        service = Step(f"Service {ingress.namespace}/{ROWS['load_balancer'].name}, ports 80 and 443", (controller,))
        return Step(f"{address}, announced by MetalLB from a node with a controller", (service,))
    hosts, ports = cluster.nodes, f"{ingress.node_port.http} and {ingress.node_port.https}"
    if ingress.pattern == "host_network":
        hosts, ports = cluster.ingress, "80 and 443"
    if not ingress.behind_edge:
        return Step(f"{_hosts(cluster, hosts)}, ports {ports}", (controller,))
    edge = cluster.topology.edge
    drained = [host for host in hosts if edge and host in edge.drain]
    kept = tuple(host for host in hosts if host not in drained)
    rest = f" (drained: {', '.join(drained)})" if drained else ""
    nodes = Step(f"PROXY protocol to {_hosts(cluster, kept)}, ports {ports}{rest}", (controller,))
    return _vip(cluster, f"ports {edge.http_port} and {edge.https_port}" if edge else "", nodes)


def _vip(cluster: Cluster, ports: str, then: Step) -> Step:
    edge = cluster.topology.edge
    vip = f"VIP {edge.vip}, {ports}" if edge else "VIP"
    return Step(f"{vip}: HAProxy on one of {_hosts(cluster, cluster.load_balancers)}", (then,))


def _load_balancer_address(cluster: Cluster, ingress: Ingress) -> str:
    if ingress.load_balancer.address is not None:
        return f"address {ingress.load_balancer.address}"
    pools = cluster.topology.pools
    return f"an address of {pools[0]}" if pools else "an address that the cluster gives"


def _controller(cluster: Cluster, ingress: Ingress) -> Step:
    row = ROWS[ingress.pattern]
    pods = "one pod a host" if row.workload == "DaemonSet" else f"{ingress.replicas} pods"
    entries = cluster.topology.ingresses or ()
    ours = [entry for entry in entries if entry.class_name in (None, ingress.class_name)]
    rules = [step for entry in ours for step in _rules(cluster, entry)]
    default = ingress.default_backend
    answer = f"Service {default.namespace}/{default.name}" if default else "404 of the controller"
    return Step(f"{row.workload} {ingress.namespace}/{row.name}, {pods}", (*rules, Step(f"anything else: {answer}")))


def _rules(cluster: Cluster, entry: IngressEntry) -> Iterator[Step]:
    secure = {host for tls in entry.tls for host in tls.hosts}
    for rule in entry.rules:
        for path in rule.paths:
            scheme = "https://" if rule.host in secure else "http://"
            kind = "" if path.type == "Prefix" else f" ({path.type})"
            yield Step(f"{scheme}{rule.host or '*'}{path.path}{kind}", (_backend(cluster, entry, path),))
    if entry.default_backend:
        yield Step(
            f"anything else of Ingress {entry.namespace}/{entry.name}",
            (_backend(cluster, entry, entry.default_backend),),
        )


def _backend(cluster: Cluster, entry: IngressEntry, backend: Backend) -> Step:
    name = f"Service {entry.namespace}/{backend.service}:{backend.port}"
    for service in cluster.topology.services or ():
        if (service.namespace, service.name) == (entry.namespace, backend.service):
            return Step(name, _pods(service))
    return Step(name)


def _service_from_outside(cluster: Cluster, service: ServiceEntry) -> Step:
    inside = Step(f"Service {service.namespace}/{service.name}", _pods(service))
    if service.type == "LoadBalancer":
        address = f"address {service.address}" if service.address else "an address that MetalLB gives"
        return Step(f"{address}, ports {', '.join(str(port.port) for port in service.ports)}", (inside,))
    ports = ", ".join(str(port.node_port or "any") for port in service.ports)
    where = "nodes with a pod" if service.external_traffic_policy == "Local" else "every node"
    return Step(f"{where}, node ports {ports}", (inside,))


def _pods(service: ServiceEntry) -> tuple[Step, ...]:
    if service.external_name:
        return (Step(service.external_name),)
    if service.endpoints:
        return (Step(f"outside the cluster: {', '.join(map(str, service.endpoints))}"),)
    return (Step(f"pods {_labels(service.selector)}"),) if service.selector else ()


def _labels(selector: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in selector.items())


def _hosts(cluster: Cluster, names: Sequence[str]) -> str:
    shown = [name if cluster.addresses[name] == name else f"{name} {cluster.addresses[name]}" for name in names[:SHOWN]]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(shown) or "no host") + more
