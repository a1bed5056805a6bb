"""ingress-nginx: which of the three patterns exposes it, and the controller's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from .annotated import Address, Argument, LabelKey, LabelValue, Name, NodePort, OnePattern, Quantity, Quoted
from .base import ApiPart, Part
from .certificates import CertificatePair
from .images import ImageName

Pattern = Literal["load_balancer", "node_port", "host_network"]

DEFAULT_IMAGE = "registry.k8s.io/ingress-nginx/controller:v1.15.1"
"""The last release before upstream's retirement in March 2026."""


class Toleration(ApiPart):
    """A taint that pods of the controller tolerate, as in a Pod's `tolerations`."""

    key: LabelKey | None = Field(
        default=None, description="The taint's key; every taint when not given.", examples=["dedicated"]
    )
    operator: Literal["Exists", "Equal"] = Field(default="Exists", description="Whether `value` counts.")
    value: LabelValue | None = Field(default=None, description="The taint's value, for Equal.", examples=["ingress"])
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = Field(
        default=None, description="The taint's effect; all of them when not given.", examples=["NoSchedule"]
    )


class Resources(ApiPart):
    """What a pod of the controller may use."""

    requests: Mapping[Literal["cpu", "memory"], Quantity] = Field(
        default={"cpu": "100m", "memory": "128Mi"}, description="What is set aside for it."
    )
    limits: Mapping[Literal["cpu", "memory"], Quantity] = Field(default={}, description="What it may not exceed.")


class ServiceRef(Part):
    """A Service of the cluster."""

    namespace: Name = Field(default="default", description="The Service's namespace.")
    name: Name = Field(description="The Service's name.", examples=["not-found"])


class LoadBalancerPattern(Part):
    """The pattern load_balancer: a Service of type LoadBalancer, whose address MetalLB announces."""

    address: Address | None = Field(
        default=None,
        description="The Service's address; the first of metallb's first pool when not given.",
        examples=["192.0.2.200"],
    )


class NodePortPattern(Part):
    """The pattern node_port: the edge hosts forward to fixed ports of every node."""

    http: NodePort = Field(default=30080, description="The nodes' port for HTTP.")
    https: NodePort = Field(default=30043, description="The nodes' port for HTTPS.")
    health: NodePort = Field(default=30054, description="The nodes' port for the controller's /healthz.")


class HostNetworkPattern(Part):
    """The pattern host_network: the controller holds ports 80 and 443 of the hosts in the group `ingress`."""

    behind_edge: bool = Field(
        default=False,
        description="Clients come through edge.vip only; the edge hosts pass their addresses on (PROXY protocol).",
    )


class Switch(Part):
    """How traffic moves when the pattern changes: both ways in serve until the old one has gone quiet."""

    quiet: int = Field(
        default=30,
        ge=0,
        le=86400,
        description="Seconds without a request after which the old way in is taken down; not below the names' TTL.",
    )
    deadline: int = Field(
        default=900,
        ge=1,
        le=86400,
        description="Seconds to wait for that; afterwards the old way in stays, and apply ends with 1.",
    )
    repoint: tuple[Argument, ...] = Field(
        default=(),
        description="A command of the operator's machine that points the names at the new addresses, run once they "
        "serve; JSON on its standard input has `hosts`, `from` and `to`. Without it, somebody or something that "
        "follows the Ingress status does.",
        examples=[["/usr/local/bin/repoint"]],
    )


class Ingress(Part):
    """ingress-nginx: the controller, and how requests from outside reach it."""

    pattern: Annotated[Pattern, OnePattern] = Field(
        description="How requests reach the controller.", examples=["load_balancer"]
    )
    image: ImageName = Field(
        default=DEFAULT_IMAGE, description="The controller's image, before `images` applies mirrors, tags and digests."
    )
    namespace: Name = Field(default="ingress-nginx", description="Where the controller lives.")
    class_name: Name = Field(default="nginx", description="The IngressClass that the controller serves.")
    default_class: bool = Field(default=False, description="Ingresses without a class are served too.")
    replicas: int = Field(
        default=2, ge=1, le=100, description="Pods of the controller; host_network has one on every host of `ingress`."
    )
    resources: Resources = Field(default=Resources(), description="CPU and memory of each pod of the controller.")
    config: Mapping[Name, Quoted] = Field(
        default={},
        description="Options of the controller's ConfigMap; those that belong to the pattern are not among them.",
        examples=[{"proxy-body-size": "16m"}],
    )
    default_backend: ServiceRef | None = Field(
        default=None, description="The Service that answers what no rule matches; the controller's own 404 otherwise."
    )
    default_certificate: CertificatePair | None = Field(
        default=None, description="The certificate for names without one of their own; self-signed otherwise."
    )
    admission: bool = Field(default=True, description="The API server asks the controller before it takes an Ingress.")
    metrics: bool = Field(default=True, description="Metrics for Prometheus on port 10254.")
    network_policy: bool = Field(default=True, description="A NetworkPolicy around the controller's pods.")
    node_selector: Mapping[LabelKey, LabelValue] = Field(
        default={"kubernetes.io/os": "linux"},
        description="Labels of the nodes that may run the controller; host_network adds its own.",
    )
    tolerations: tuple[Toleration, ...] = Field(default=(), description="Taints that the controller tolerates.")
    adopt: bool = Field(
        default=False,
        description="An ingress-nginx of this class that something else installed is taken over: it serves until ours "
        "does, and is deleted then.",
    )
    load_balancer: LoadBalancerPattern = Field(
        default=LoadBalancerPattern(), description="Settings of the pattern load_balancer."
    )
    node_port: NodePortPattern = Field(default=NodePortPattern(), description="Settings of the pattern node_port.")
    host_network: HostNetworkPattern = Field(
        default=HostNetworkPattern(), description="Settings of the pattern host_network."
    )
    switch: Switch = Field(default=Switch(), description="How traffic moves when the pattern changes.")

    @property
    def behind_edge(self) -> bool:
        """Whether requests come through the edge hosts, which then speak the PROXY protocol to the controller."""
        return self.pattern == "node_port" or (self.pattern == "host_network" and self.host_network.behind_edge)
