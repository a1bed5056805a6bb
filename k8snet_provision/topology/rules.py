"""K8N1xx: what can be wrong with a topology whose values are all well-formed, one function per code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from k8snet_provision.problems import Problem

from . import rules_dns, rules_hosts, rules_networks, rules_traffic
from .cluster import Cluster

RULES: dict[str, Callable[[Cluster], Iterable[Problem]]] = {
    "K8N110": rules_hosts.control_plane_is_missing,
    "K8N111": rules_hosts.node_is_missing,
    "K8N112": rules_hosts.etcd_is_even,
    "K8N113": rules_hosts.load_balancer_is_a_node,
    "K8N114": rules_hosts.address_is_shared,
    "K8N115": rules_hosts.address_is_unusable,
    "K8N116": rules_hosts.ingress_is_no_node,
    "K8N120": rules_networks.families_are_wrong,
    "K8N121": rules_networks.service_range_is_too_wide,
    "K8N122": rules_networks.service_range_is_too_small,
    "K8N123": rules_networks.ranges_overlap,
    "K8N124": rules_networks.range_is_reserved,
    "K8N125": rules_networks.family_order_differs,
    "K8N130": rules_traffic.node_ports_are_in_use,
    "K8N140": rules_dns.address_is_outside,
    "K8N141": rules_dns.address_is_taken,
    "K8N142": rules_dns.address_is_not_static,
    "K8N144": rules_dns.upstream_is_a_loop,
    "K8N145": rules_dns.stub_domain_hides_the_cluster,
    "K8N146": rules_dns.replicas_have_no_place,
    "K8N147": rules_dns.server_blocks_are_broken,
    "K8N150": rules_traffic.ipvs_is_deprecated,
    "K8N151": rules_traffic.options_have_no_effect,
}

# A rule that finds something in each of thousands of values has said enough long before.
MOST_OF_ONE_CODE = 50


def broken(cluster: Cluster) -> Iterator[Problem]:
    """Every problem of every rule, in the order of RULES."""
    for rule in RULES.values():
        yield from islice(rule(cluster), MOST_OF_ONE_CODE)
