"""K8N163 to K8N166: the controller's node ports, its image and how many there are."""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_provision.problems import Problem, Severity

from .cluster import Cluster
from .controller_versions import LAST_RELEASE, RETIRED, is_upstreams, open_holes, version
from .images import resolve, split
from .values import PortRange


def static_band(ports: PortRange) -> PortRange:
    """The NodePorts that are never given out by themselves (KEP-3682)."""
    size = ports.last - ports.first + 1
    length = min(max(16, size // 32), 128)
    return PortRange(ports.first, min(ports.first + length, ports.last + 1) - 1)


def _node_ports(cluster: Cluster) -> dict[str, int]:
    ingress = cluster.topology.ingress
    if ingress is None or ingress.pattern != "node_port":
        return {}
    return {name: getattr(ingress.node_port, name) for name in ("http", "https", "health")}


def node_ports_cannot_be(cluster: Cluster) -> Iterator[Problem]:
    """K8N163: outside the range, equal to each other, or asked for by a Service of the catalogue."""
    allowed = cluster.topology.node_port_range
    seen: dict[int, str] = {}
    for index, service in enumerate(cluster.topology.services or ()):
        for number, port in enumerate(service.ports):
            if port.node_port is not None and port.protocol == "TCP":
                where = cluster.origin("services", index, "ports", number, "node_port")
                seen[port.node_port] = f"the Service {service.namespace}/{service.name} at {where}"
    for name, wanted in _node_ports(cluster).items():
        where = cluster.origin("ingress", "node_port", name)
        if wanted not in allowed:
            text = f"ingress.node_port.{name} is outside node_port_range"
            expected = f"a port in {allowed}, written at {cluster.origin('node_port_range')}"
            yield Problem("K8N163", text, where, str(wanted), expected)
        if wanted in seen:
            text = f"ingress.node_port.{name} is the port of {seen[wanted]}"
            yield Problem("K8N163", text, where, str(wanted), "a port of its own")
        seen.setdefault(wanted, f"ingress.node_port.{name}")


def node_ports_are_not_static(cluster: Cluster) -> Iterator[Problem]:
    """K8N164: above the band another Service may be given the port first."""
    allowed = cluster.topology.node_port_range
    band = static_band(allowed)
    for name, wanted in _node_ports(cluster).items():
        if wanted in allowed and wanted not in band:
            yield Problem(
                "K8N164",
                f"ingress.node_port.{name} is outside the band for static NodePorts",
                cluster.origin("ingress", "node_port", name),
                str(wanted),
                str(band),
                "another Service may be given this port first",
                Severity.WARNING,
            )


def image_is_no_longer_maintained(cluster: Cluster) -> Iterator[Problem]:
    """K8N165: one warning for the image: its published holes, or that they cannot be told."""
    ingress = cluster.topology.ingress
    if ingress is None or not is_upstreams(split(ingress.image)[0]):
        return
    image = resolve(cluster.topology.images, ingress.image)
    tag = split(image)[1]
    release = version(tag)
    if release is None:
        text = f"ingress.image: {f'the release of {tag}' if tag else 'a release without a tag'} cannot be judged, "
        text += f"so neither can its published holes; upstream retired ingress-nginx in {RETIRED}"
    else:
        text = f"ingress.image: ingress-nginx was retired in {RETIRED}; open in {tag}: {', '.join(open_holes(release))}"
    yield Problem(
        "K8N165",
        text,
        cluster.origin("ingress", "image"),
        image,
        "a maintained fork's image" + ("" if tag == LAST_RELEASE else f", or at least {LAST_RELEASE}"),
        severity=Severity.WARNING,
    )


def replica_is_alone(cluster: Cluster) -> Iterator[Problem]:
    """K8N166: every restart of the only pod is an outage."""
    ingress = cluster.topology.ingress
    if ingress is not None and ingress.pattern != "host_network" and ingress.replicas == 1:
        yield Problem(
            "K8N166",
            "ingress.replicas is 1: requests fail whenever that pod restarts",
            cluster.origin("ingress", "replicas"),
            "1",
            "2 or more",
            severity=Severity.WARNING,
        )
