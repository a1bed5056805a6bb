"""The edge: HAProxy and keepalived on the hosts of `load_balancer`, outside the cluster."""

from __future__ import annotations

from pydantic import Field

from .annotated import Address, HostName, Interface
from .base import Part


class EdgeApi(Part):
    """The edge also carries the API endpoint."""

    port: int = Field(default=6443, ge=1, le=65535, description="The VIP's port.")
    backend_port: int = Field(default=6443, ge=1, le=65535, description="kube-apiserver's port on the control planes.")


class Edge(Part):
    """HAProxy and keepalived on the load_balancer hosts. Without this section they are left as they are."""

    vip: Address = Field(
        description="The virtual address that one of the hosts has at any time.", examples=["192.0.2.100"]
    )
    interface: Interface | None = Field(
        default=None, description="The network device of the VIP; the one with the host's address when not given."
    )
    virtual_router_id: int = Field(
        default=51, ge=1, le=255, description="VRRP's number of the VIP, unique in the network segment."
    )
    advertisement_interval: float = Field(
        default=0.2,
        ge=0.01,
        le=40.95,
        description="Seconds between two VRRP advertisements; the VIP moves after about three that are missing.",
    )
    preempt: bool = Field(default=False, description="The first host takes the VIP back whenever it can.")
    http_port: int = Field(default=80, ge=1, le=65535, description="The VIP's port for HTTP.")
    https_port: int = Field(default=443, ge=1, le=65535, description="The VIP's port for HTTPS.")
    drain: tuple[HostName, ...] = Field(
        default=(), description="Nodes that get no new connections; open ones go on.", examples=[["node1"]]
    )
    api: EdgeApi | None = Field(default=None, description="The edge also carries the API endpoint; not when not given.")
