"""A KubeProxyConfiguration as kubeadm 1.36 writes it, and /configz of the kube-proxy that read it."""

from __future__ import annotations

import json
from typing import Any

CONFIG = """\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: 0
  min: 0
  tcpBeLiberal: false
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  strictARP: false
kind: KubeProxyConfiguration
metricsBindAddress: ""
mode: iptables
nftables:
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
nodePortAddresses: null
"""

CONFIGZ: dict[str, Any] = {
    "kind": "KubeProxyConfiguration",
    "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
    "healthzBindAddress": "0.0.0.0:10256",
    "metricsBindAddress": "127.0.0.1:10249",
    "mode": "iptables",
    "iptables": {
        "masqueradeBit": 14,
        "masqueradeAll": False,
        "localhostNodePorts": True,
        "syncPeriod": "30s",
        "minSyncPeriod": "1s",
    },
    "ipvs": {"syncPeriod": "0s", "minSyncPeriod": "0s", "scheduler": "", "excludeCIDRs": None, "strictARP": False},
    "nftables": {"masqueradeBit": 14, "masqueradeAll": False, "syncPeriod": "0s", "minSyncPeriod": "0s"},
    "clusterCIDR": "10.244.0.0/16",
    "nodePortAddresses": None,
    "conntrack": {"maxPerCore": 0, "min": 0, "tcpBeLiberal": False},
}

INTERNAL: dict[str, Any] = {
    "Linux": {"Conntrack": {"MaxPerCore": 0, "Min": 0, "TCPBeLiberal": False}, "MasqueradeAll": False},
    "HealthzBindAddress": "0.0.0.0:10256",
    "MetricsBindAddress": "127.0.0.1:10249",
    "Mode": "nftables",
    "IPTables": {"MasqueradeBit": 14, "LocalhostNodePorts": True},
    "IPVS": {"Scheduler": "", "ExcludeCIDRs": None, "StrictARP": False, "TCPTimeout": "0s"},
    "NFTables": {"MasqueradeBit": 14},
    "NodePortAddresses": ["192.0.2.21/32"],
    "SyncPeriod": "30s",
    "MinSyncPeriod": "1s",
}
"""The same of kube-proxy 1.33 to 1.35 in nftables mode (pkg/proxy/apis/config/types.go, which has no JSON names)."""


def configz(**values: Any) -> str:
    """What /configz answers, with some values changed."""
    return json.dumps({"kubeproxy.config.k8s.io": {**CONFIGZ, **values}}, separators=(",", ":"))
