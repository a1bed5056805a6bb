"""The catalogue of Services that this tool owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from .annotated import (
    Address,
    AnnotationKey,
    AnnotationValue,
    Domain,
    LabelKey,
    LabelValue,
    Name,
    NodePort,
    PortNumber,
    PortRef,
)
from .base import Part


class ServicePort(Part):
    """A port of a Service."""

    port: PortNumber = Field(description="The Service's port.", examples=[80])
    name: Name | None = Field(
        default=None, description="The port's name; needed where there are several.", examples=["http"]
    )
    target_port: PortRef | None = Field(
        default=None,
        description="The pods' port, by number or name; the Service's when not given.",
        examples=[8080, "http"],
    )
    protocol: Literal["TCP", "UDP", "SCTP"] = Field(default="TCP", description="The port's protocol.")
    node_port: NodePort | None = Field(
        default=None, description="The nodes' port, for NodePort and LoadBalancer.", examples=[30123]
    )
    app_protocol: LabelKey | None = Field(default=None, description="What is spoken on it.", examples=["http"])


class ServiceEntry(Part):
    """A Service, and for one without a selector its EndpointSlices."""

    name: Name = Field(description="The Service's name.", examples=["shop"])
    namespace: Name = Field(default="default", description="The Service's namespace, which must be there.")
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = Field(
        default="ClusterIP", description="How it is reached."
    )
    headless: bool = Field(default=False, description="No ClusterIP: its name gives the pods' addresses.")
    selector: Mapping[LabelKey, LabelValue] = Field(
        default={}, description="Labels of its pods.", examples=[{"app": "shop"}]
    )
    endpoints: tuple[Address, ...] = Field(
        default=(),
        description="Addresses outside the cluster that it leads to, instead of a selector.",
        examples=[["192.0.2.60"]],
    )
    ports: tuple[ServicePort, ...] = Field(default=(), description="Its ports.")
    external_name: Domain | None = Field(
        default=None, description="The name it stands for, for ExternalName.", examples=["db.corp.example"]
    )
    address: Address | None = Field(
        default=None, description="The address asked for, for LoadBalancer.", examples=["192.0.2.201"]
    )
    session_affinity: bool = Field(default=False, description="A client keeps its pod (ClientIP).")
    affinity_timeout: int = Field(default=10800, ge=1, le=86400, description="Seconds for which it keeps it.")
    external_traffic_policy: Literal["Cluster", "Local"] | None = Field(
        default=None,
        description="Local: only nodes with a pod answer, and the client's address is kept.",
        examples=["Local"],
    )
    labels: Mapping[LabelKey, LabelValue] = Field(default={}, description="Labels of the Service.")
    annotations: Mapping[AnnotationKey, AnnotationValue] = Field(default={}, description="Annotations of the Service.")
