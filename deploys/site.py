"""The whole system as a runbook: what is brought about, where, how many hosts at once, in this order.

The order is the one in which each step finds what it needs: the apiservers carry the new range before the
range moves, names have their new address before kubelets hand it out, and pods that hold an old address
start anew last.
"""

from __future__ import annotations

from deploys import (
    addon_pods,
    coredns,
    edge,
    hosts,
    ingress_admission,
    ingress_nginx,
    ingress_nodes,
    ingress_retired,
    ingress_traffic,
    ingresses,
    kube_apiserver,
    kube_proxy,
    kubelet,
    metallb,
    service_range,
    services,
)
from k8snet_provision.capability import Phase
from k8snet_provision.change import CLUSTER

SITE = (
    Phase(hosts.CAPABILITY, hosts=("kube_control_plane", "kube_node", "load_balancer")),
    Phase(kube_apiserver.CAPABILITY, hosts=("kube_control_plane",), at_once=1),
    Phase(service_range.CAPABILITY, hosts=(CLUSTER,)),
    Phase(kube_proxy.KERNEL, hosts=("kube_node", "kube_control_plane")),
    Phase(kube_proxy.CONFIG, hosts=(CLUSTER,)),
    Phase(kube_proxy.PODS, hosts=("kube_node", "kube_control_plane"), at_once="25%"),
    Phase(kube_proxy.CAPABILITY, hosts=("kube_node", "kube_control_plane"), at_once="25%"),
    Phase(coredns.CAPABILITY, hosts=(CLUSTER,)),
    Phase(kubelet.CAPABILITY, hosts=("kube_node", "kube_control_plane"), at_once="25%"),
    Phase(addon_pods.CAPABILITY, hosts=(CLUSTER, "kube_node", "kube_control_plane")),
    Phase(metallb.CAPABILITY, hosts=(CLUSTER, "kube_control_plane", "kube_node")),
    Phase(metallb.POOLS, hosts=(CLUSTER, "kube_control_plane", "kube_node")),
    Phase(services.CAPABILITY, hosts=(CLUSTER,)),
    Phase(ingress_nodes.CAPABILITY, hosts=(CLUSTER,)),
    Phase(ingress_nginx.CAPABILITY, hosts=(CLUSTER, "kube_control_plane", "kube_node")),
    Phase(edge.CAPABILITY, hosts=("load_balancer",), at_once=1),
    Phase(ingresses.CAPABILITY, hosts=(CLUSTER,)),
    Phase(ingress_admission.CAPABILITY, hosts=(CLUSTER,)),
    Phase(ingress_traffic.CAPABILITY, hosts=(CLUSTER,)),
    Phase(edge.RETIRED, hosts=("load_balancer",), at_once=1),
    Phase(ingress_retired.CAPABILITY, hosts=(CLUSTER,)),
)
