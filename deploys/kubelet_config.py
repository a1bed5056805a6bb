"""clusterDNS and clusterDomain in a KubeletConfiguration, in a node's file or in kubeadm's ConfigMap."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from k8snet_provision.edits import yaml_value
from k8snet_provision.topology import Topology


def with_dns(topology: Topology, text: str) -> str:
    """The configuration with the topology's DNS address and domain; raises EditRefused.

    A link-local address is that of a DNS cache on the node, which asks the cluster's DNS itself: it stays.
    """
    if not node_local(yaml_value.get(text, ("clusterDNS",))):
        text = yaml_value.with_value(text, ("clusterDNS",), [str(topology.dns_address)])
    return yaml_value.with_value(text, ("clusterDomain",), topology.cluster_domain)


def node_local(addresses: Any) -> bool:
    """True when Pods ask a cache on their node, at a link-local address."""
    return bool(addresses) and all(_link_local(address) for address in addresses)


def _link_local(address: object) -> bool:
    try:
        return ip_address(str(address)).is_link_local
    except ValueError:
        return False
