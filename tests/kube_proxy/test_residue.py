"""Which packet rules belong to which mode, by the names that a node's iptables, ipset and nft print."""

from __future__ import annotations

import pytest

from k8snet_provision.kube_proxy.residue import left_over

KUBELET = (
    "chain KUBE-FIREWALL 2",
    "chain KUBE-IPTABLES-HINT 2",
    "chain KUBE-KUBELET-CANARY 6",
    "chain KUBE-MARK-DROP 1",
)
PLUGIN = ("chain KUBE-ROUTER-INPUT 1", "chain KUBE-POD-FW-* 4", "chain KUBE-NWPLCY-* 4", "set KUBE-SRC-XR4ALTB5")
SHARED = ("chain KUBE-FORWARD 2", "chain KUBE-MARK-MASQ 2", "chain KUBE-POSTROUTING 2", "chain KUBE-SERVICES 4")
IPTABLES = (
    "chain KUBE-EXTERNAL-SERVICES 2",
    "chain KUBE-NODEPORTS 4",
    "chain KUBE-PROXY-CANARY 6",
    "chain KUBE-SEP-* 7",
    "chain KUBE-SVC-* 4",
)
IPVS = (
    "chain KUBE-NODE-PORT 2",
    "chain KUBE-IPVS-FILTER 2",
    "set KUBE-CLUSTER-IP",
    "set KUBE-LOAD-BALANCER-SOURCE-CIDR",
    "link kube-ipvs0",
)
SETS6 = ("set KUBE-6-CLUSTER-IP", "set KUBE-6-NODE-PORT-LOCAL-SCTP-HASH")
NFTABLES = ("table ip kube-proxy", "table ip6 kube-proxy")
OTHERS = KUBELET + PLUGIN


@pytest.mark.parametrize(
    ("mode", "own"), [("iptables", SHARED + IPTABLES), ("ipvs", SHARED + IPVS + SETS6), ("nftables", NFTABLES)]
)
def test_a_modes_own_rules_are_no_residue(mode: str, own: tuple[str, ...]) -> None:
    assert left_over(own + OTHERS, mode, restarts=False) == ()


@pytest.mark.parametrize(
    ("mode", "foreign"),
    [
        ("iptables", IPVS + SETS6 + NFTABLES),
        ("ipvs", IPTABLES + NFTABLES),
        ("nftables", SHARED + IPTABLES + IPVS + SETS6),
    ],
)
def test_rules_of_every_other_mode_are(mode: str, foreign: tuple[str, ...]) -> None:
    assert left_over(foreign + OTHERS, mode, restarts=False) == foreign


@pytest.mark.parametrize(
    ("before", "mode", "stays"),
    [
        (SHARED + IPTABLES, "nftables", ()),
        (NFTABLES, "iptables", ()),
        (NFTABLES, "ipvs", ()),
        (SHARED + IPVS, "nftables", ()),
        (SHARED + IPVS + SETS6, "nftables", SETS6),
        (SHARED + IPVS + SETS6, "iptables", IPVS + SETS6),
        (SHARED + IPTABLES, "ipvs", IPTABLES),
    ],
)
def test_a_start_clears_only_across_the_nftables_boundary(
    before: tuple[str, ...], mode: str, stays: tuple[str, ...]
) -> None:
    """kubernetes cmd/kube-proxy platformCleanup."""
    assert left_over(before + OTHERS, mode, restarts=True) == stays
