"""MetalLB: addresses for Services of type LoadBalancer, announced by ARP and NDP (layer 2)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .annotated import Interface, Name, Pool, Sha256, Source
from .base import Part


class AddressPool(Part):
    """An IPAddressPool and its L2Advertisement."""

    name: Name = Field(default="default", description="Name of the IPAddressPool and of its L2Advertisement.")
    addresses: Annotated[tuple[Pool, ...], Field(min_length=1)] = Field(
        description="Ranges of addresses that nothing else uses.", examples=[["192.0.2.200-192.0.2.220"]]
    )
    auto_assign: bool = Field(default=True, description="Services that ask for no address may get one of these.")
    interfaces: tuple[Interface, ...] = Field(
        default=(), description="Network devices that announce them; all when not given.", examples=[["eth0"]]
    )


class Metallb(Part):
    """MetalLB in layer 2 mode, from its release manifest. Without this section it is left as it is."""

    manifest: Source = Field(
        description="The release's manifest metallb-native.yaml: a file, relative to the inventory, or an https URL.",
        examples=[".files/metallb-native.yaml"],
    )
    sha256: Sha256 = Field(description="The manifest's checksum.", examples=["0" * 64])
    pools: Annotated[tuple[AddressPool, ...], Field(min_length=1)] = Field(
        description="Where addresses come from.", examples=[[{"addresses": ["192.0.2.200-192.0.2.220"]}]]
    )
    dhcp_ranges: tuple[Pool, ...] = Field(
        default=(),
        description="What DHCP servers hand out in the nodes' networks; no pool may overlap it.",
        examples=[["192.0.2.100-192.0.2.150"]],
    )
    announce_from_control_planes: bool = Field(
        default=False,
        description="Nodes labelled node.kubernetes.io/exclude-from-external-load-balancers announce too; kubeadm "
        "labels every control plane so.",
    )
    fast_failover: bool = Field(
        default=False,
        description="Another node announces a lost one's addresses after 1.5 s instead of 5.5 s (MetalLB 0.16 or "
        "later).",
    )
