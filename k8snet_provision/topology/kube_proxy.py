"""kube-proxy: the mode and those fields of KubeProxyConfiguration that this tool manages."""

from typing import Literal

from pydantic import Field

from .annotated import BindAddress, Duration, Network, NodePortAddress
from .base import ApiPart

Mode = Literal["iptables", "ipvs", "nftables"]


class Ipvs(ApiPart):
    """Options of the ipvs mode."""

    scheduler: Literal["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq"] | None = Field(
        default=None, description="The IPVS scheduler.", examples=["rr"]
    )
    strict_arp: bool | None = Field(
        default=None,
        serialization_alias="strictARP",
        description="Answer ARP only for addresses of the interface asked; MetalLB needs it in ipvs mode.",
        examples=[True],
    )
    exclude_cidrs: tuple[Network, ...] | None = Field(
        default=None,
        serialization_alias="excludeCIDRs",
        description="Virtual servers in these networks are not kube-proxy's and are left alone.",
        examples=[["192.0.2.0/24"]],
    )
    min_sync_period: Duration | None = Field(
        default=None, description="Shortest time between two updates.", examples=["1s"]
    )


class Nftables(ApiPart):
    """Options of the nftables mode."""

    masquerade_all: bool | None = Field(
        default=None, description="Masquerade all traffic to ClusterIPs.", examples=[False]
    )
    min_sync_period: Duration | None = Field(
        default=None, description="Shortest time between two updates.", examples=["1s"]
    )


class Iptables(ApiPart):
    """Options of the iptables mode."""

    localhost_node_ports: bool | None = Field(
        default=None, description="Serve NodePorts on 127.0.0.1 too.", examples=[False]
    )
    min_sync_period: Duration | None = Field(
        default=None, description="Shortest time between two updates.", examples=["1s"]
    )


class Conntrack(ApiPart):
    """Connection tracking limits that kube-proxy sets on the node."""

    max_per_core: int | None = Field(
        default=None,
        ge=0,
        le=2**31 - 1,
        description="Entries per CPU core; 0 leaves the limit alone.",
        examples=[32768],
    )
    min: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="Fewest entries whatever the cores.", examples=[131072]
    )
    tcp_be_liberal: bool | None = Field(
        default=None,
        description="Accept TCP segments outside the window; for kernels before 6.1 in nftables mode.",
        examples=[True],
    )


class KubeProxy(ApiPart):
    """kube-proxy on every node. Only the keys that are given are managed."""

    mode: Mode = Field(description="How Services become packet rules.", examples=["nftables"])
    install: Literal["systemd", "daemonset"] | None = Field(
        default=None,
        exclude=True,
        description="How kube-proxy runs; observed when not given.",
        examples=["daemonset"],
    )
    ipvs: Ipvs | None = Field(default=None, description="Options of the ipvs mode.")
    nftables: Nftables | None = Field(default=None, description="Options of the nftables mode.")
    iptables: Iptables | None = Field(default=None, description="Options of the iptables mode.")
    node_port_addresses: tuple[NodePortAddress, ...] | None = Field(
        default=None,
        description="NodePorts are served on addresses of these networks; `primary` is the node's own.",
        examples=[["192.0.2.0/24"]],
    )
    healthz_bind_address: BindAddress | None = Field(
        default=None, description="Address and port of /healthz.", examples=["0.0.0.0:10256"]
    )
    metrics_bind_address: BindAddress | None = Field(
        default=None, description="Address and port of /metrics and /proxyMode.", examples=["127.0.0.1:10249"]
    )
    conntrack: Conntrack | None = Field(default=None, description="Connection tracking limits.")
