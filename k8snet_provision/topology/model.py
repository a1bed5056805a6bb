"""The topology: the tree under the one variable `topology`, validated and frozen."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from pydantic import Field

from .annotated import Address, Domain, Networks, Ports
from .base import Part
from .control_plane import ControlPlane, Units
from .dns import Cache, Dns
from .edge import Edge
from .hooks import Hooks
from .images import Images
from .ingress import Ingress
from .ingresses import IngressEntry
from .kube_proxy import Conntrack, Iptables, Ipvs, KubeProxy, Nftables
from .metallb import Metallb
from .services import ServiceEntry
from .values import AddressRange, PortRange

__all__ = [
    "AddressRange",
    "Cache",
    "Conntrack",
    "ControlPlane",
    "Dns",
    "Edge",
    "Hooks",
    "Images",
    "Ingress",
    "IngressEntry",
    "Iptables",
    "Ipvs",
    "KubeProxy",
    "Metallb",
    "Nftables",
    "PortRange",
    "ServiceEntry",
    "Topology",
    "Units",
]

# kubeadm's convention, which every installer follows: the DNS Service has the 10th address of the range.
DNS_HOST_NUMBER = 10


class Topology(Part):
    """What the service network of the cluster shall be."""

    service_cidr: Networks = Field(
        description="The range of ClusterIPs: a network, or one of each family; the first is the default.",
        examples=["10.254.0.0/16", ["10.254.0.0/16", "fd00:254::/108"]],
    )
    pod_cidr: Networks | None = Field(
        default=None,
        description="The range of pod addresses; taken from the cluster when not given.",
        examples=["10.244.0.0/16"],
    )
    node_port_range: Ports = Field(
        default=PortRange(30000, 32767),
        description="Ports that NodePort Services may have.",
        examples=["30000-32767"],
        json_schema_extra={"default": "30000-32767"},
    )
    cluster_domain: Domain = Field(default="cluster.local", description="The DNS zone of the cluster.")
    control_plane: ControlPlane = Field(
        default=ControlPlane(), description="Where the control plane's programs are; observed when not given."
    )
    kube_proxy: KubeProxy | None = Field(
        default=None, description="kube-proxy's mode and options; left as they are when not given."
    )
    dns: Dns | None = Field(default=None, description="CoreDNS; left as it is when not given.")
    images: Images = Field(default=Images(), description="Mirrors, tags and digests of container images.")
    vips: tuple[Address, ...] = Field(
        default=(),
        description="Virtual addresses of load balancers that this tool does not manage.",
        examples=[["192.0.2.100"]],
    )
    ingress: Ingress | None = Field(
        default=None, description="ingress-nginx in one of three patterns; left as it is when not given."
    )
    metallb: Metallb | None = Field(
        default=None, description="Addresses for Services of type LoadBalancer; left as they are when not given."
    )
    edge: Edge | None = Field(
        default=None, description="HAProxy and keepalived outside the cluster; left as they are when not given."
    )
    services: tuple[ServiceEntry, ...] | None = Field(
        default=None,
        description="Services that this tool owns: one that is taken out of the list is deleted; all are left as they "
        "are when not given.",
    )
    ingresses: tuple[IngressEntry, ...] | None = Field(
        default=None,
        description="Ingresses that this tool owns: one that is taken out of the list is deleted; all are left as "
        "they are when not given.",
    )

    hooks: Hooks | None = Field(
        default=None, description="Commands that are run here before and after a phase; none when not given."
    )

    @property
    def virtual_addresses(self) -> tuple[IPv4Address | IPv6Address, ...]:
        """The VIPs of load balancers outside the cluster: the edge's, and others that are named."""
        return (*self.vips, *((self.edge.vip,) if self.edge and self.edge.vip not in self.vips else ()))

    @property
    def pools(self) -> tuple[AddressRange, ...]:
        """Every range of addresses for Services of type LoadBalancer."""
        return tuple(range_ for pool in (self.metallb.pools if self.metallb else ()) for range_ in pool.addresses)

    @property
    def dns_address(self) -> IPv4Address | IPv6Address:
        """ClusterIP of kube-dns: as given, or the 10th address of the first service_cidr.

        Raises IndexError for a range too small to have one (K8N122 refuses it).
        """
        if self.dns is not None and self.dns.address is not None:
            return self.dns.address
        return self.service_cidr[0][DNS_HOST_NUMBER]

    @property
    def first_service_address(self) -> IPv4Address | IPv6Address:
        """ClusterIP of the Service default/kubernetes."""
        return self.service_cidr[0][1]
