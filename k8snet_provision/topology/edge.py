"""The edge: HAProxy and keepalived on the hosts of `load_balancer`, outside the cluster."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from .annotated import Address, HostName, Interface, PortNumber
from .base import Part
from .values import refuse


def _hundredths(seconds: float) -> float:
    """VRRP version 3 counts in hundredths of a second (RFC 5798 section 5.2.7)."""
    if abs(seconds * 100 - round(seconds * 100)) > 1e-6:
        raise refuse("not a multiple of 0.01", "seconds, in hundredths at most")
    return seconds


class EdgeApi(Part):
    """The edge also carries the API endpoint."""

    port: PortNumber = Field(default=6443, description="The VIP's port.")
    backend_port: PortNumber = Field(default=6443, description="kube-apiserver's port on the control planes.")


class Edge(Part):
    """HAProxy and keepalived on the load_balancer hosts. Without this section they are left as they are."""

    vip: Address = Field(
        description="The virtual address that one of the hosts has at any time.", examples=["192.0.2.100"]
    )
    interface: Interface | None = Field(
        default=None,
        description="The network device of the VIP; the one with the host's address when not given.",
        examples=["eth0"],
    )
    virtual_router_id: int = Field(
        default=51, ge=1, le=255, description="VRRP's number of the VIP, unique in the network segment."
    )
    advertisement_interval: Annotated[float, AfterValidator(_hundredths)] = Field(
        default=0.2,
        ge=0.01,
        le=40.95,
        allow_inf_nan=False,
        description="Seconds between two VRRP advertisements; the VIP moves after about three that are missing.",
    )
    preempt: bool = Field(default=False, description="The first host takes the VIP back whenever it can.")
    http_port: PortNumber = Field(default=80, description="The VIP's port for HTTP.")
    https_port: PortNumber = Field(default=443, description="The VIP's port for HTTPS.")
    max_connections: int = Field(
        default=8000,
        ge=1,
        le=1_000_000,
        description="Connections that one host carries at once; each takes two file descriptors and up to 35 kB.",
    )
    drain: tuple[HostName, ...] = Field(
        default=(), description="Nodes that get no new connections; open ones go on.", examples=[["node1"]]
    )
    api: EdgeApi | None = Field(default=None, description="The edge also carries the API endpoint; not when not given.")
