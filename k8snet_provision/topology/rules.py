"""K8N1xx: what can be wrong with a topology whose values are all well-formed, by code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from k8snet_provision.problems import Problem

from . import (
    rules_certificates,
    rules_controller,
    rules_dns,
    rules_edge,
    rules_hosts,
    rules_ingress,
    rules_ingresses,
    rules_metallb,
    rules_networks,
    rules_services,
    rules_traffic,
)
from .cluster import Cluster

RULES: dict[str, Callable[[Cluster], Iterable[Problem]]] = {
    "K8N105": rules_certificates.key_is_in_plain_text,
    "K8N106": rules_services.label_is_the_tools,
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
    "K8N160": rules_ingress.pattern_lacks_its_hosts,
    "K8N161": rules_ingress.nothing_gives_the_address,
    "K8N162": rules_ingress.option_is_not_the_operators,
    "K8N163": rules_controller.node_ports_cannot_be,
    "K8N164": rules_controller.node_ports_are_not_static,
    "K8N165": rules_controller.image_is_no_longer_maintained,
    "K8N166": rules_controller.replica_is_alone,
    "K8N167": rules_ingress.settings_let_no_pod_run,
    "K8N168": rules_ingress.default_backend_cannot_answer,
    "K8N169": rules_ingress.host_is_an_edge_host,
    "K8N170": rules_metallb.pool_is_also_dhcps,
    "K8N171": rules_metallb.pools_are_too_small,
    "K8N172": rules_metallb.address_is_in_no_pool,
    "K8N173": rules_metallb.address_is_wanted_twice,
    "K8N174": rules_metallb.manifest_is_not_the_one,
    "K8N175": rules_metallb.strict_arp_is_off,
    "K8N176": rules_metallb.pool_name_is_taken,
    "K8N180": rules_edge.edge_has_no_host,
    "K8N181": rules_edge.edge_is_one_host,
    "K8N182": rules_edge.drain_is_wrong,
    "K8N183": rules_edge.ports_are_equal,
    "K8N184": rules_edge.api_is_on_the_same_host,
    "K8N190": rules_services.name_is_taken,
    "K8N191": rules_ingresses.claims_collide,
    "K8N192": rules_certificates.tls_has_no_certificate,
    "K8N193": rules_certificates.certificate_is_wrong,
    "K8N194": rules_certificates.certificate_is_wrong,
    "K8N195": rules_certificates.certificate_is_wrong,
    "K8N196": rules_certificates.certificate_is_wrong,
    "K8N197": rules_services.service_contradicts_itself,
    "K8N198": rules_services.service_asks_what_nobody_gives,
    "K8N199": rules_ingresses.ingress_leads_nowhere,
}

# A rule that finds something in each of thousands of values has said enough long before.
MOST_OF_ONE_RULE = 50


def broken(cluster: Cluster) -> Iterator[Problem]:
    """Every problem of every rule, in the order of RULES."""
    for rule in dict.fromkeys(RULES.values()):
        yield from islice(rule(cluster), MOST_OF_ONE_RULE)
