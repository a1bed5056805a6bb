"""Options: set in the configuration's text, and held against what a running kube-proxy tells."""

from __future__ import annotations

from typing import Any

import pytest

from k8snet_provision.edits.diff import unified_diff
from k8snet_provision.kube_proxy import options
from k8snet_provision.topology.kube_proxy import KubeProxy
from tests.kube_proxy.configuration import CONFIG, CONFIGZ, INTERNAL


def wanted(**values: Any) -> KubeProxy:
    return KubeProxy.model_validate({"mode": "iptables", **values})


def changed(before: str, after: str) -> list[str]:
    lines = unified_diff(before.encode(), after.encode(), "config.conf").splitlines()
    return [line for line in lines if line[:1] in "+-" and not line.startswith(("+++", "---"))]


def test_only_the_given_keys_change() -> None:
    proxy = wanted(
        mode="nftables", nftables={"min_sync_period": "2s"}, node_port_addresses=["192.0.2.0/24", "fd00::/64"]
    )
    after = options.edited(CONFIG, proxy)
    assert changed(CONFIG, after) == [
        "-mode: iptables",
        "+mode: nftables",
        "-  minSyncPeriod: 0s",
        '+  minSyncPeriod: "2s"',
        "-nodePortAddresses: null",
        '+nodePortAddresses: [192.0.2.0/24, "fd00::/64"]',
    ]


def test_comments_and_the_order_of_keys_are_kept() -> None:
    text = "# ours\nkind: KubeProxyConfiguration # v1alpha1\nmode: 'ipvs'   # since 2019\nclusterCIDR: 10.0.0.0/8\n"
    assert options.edited(text, wanted(mode="ipvs")) == text
    assert options.edited(text, wanted()) == text.replace("'ipvs'", "'iptables'")


def test_a_key_that_is_missing_is_added() -> None:
    text = "kind: KubeProxyConfiguration\nmode: iptables\n"
    after = options.edited(text, wanted(conntrack={"tcp_be_liberal": True}))
    assert after.splitlines()[:2] == text.splitlines()
    assert options.edited(after, wanted(conntrack={"tcp_be_liberal": True})) == after
    assert "tcpBeLiberal: true" in after


def test_what_is_in_force_makes_no_difference() -> None:
    proxy = wanted(
        iptables={"localhost_node_ports": True, "min_sync_period": "1s"},
        conntrack={"max_per_core": 0, "min": 0, "tcp_be_liberal": False},
        healthz_bind_address="0.0.0.0:10256",
        metrics_bind_address="127.0.0.1:10249",
    )
    assert list(options.differences(proxy, CONFIGZ)) == []


def test_each_value_that_is_not_in_force_is_named() -> None:
    proxy = wanted(mode="nftables", conntrack={"tcp_be_liberal": True}, node_port_addresses=["192.0.2.0/24"])
    assert list(options.differences(proxy, CONFIGZ)) == [
        "mode: iptables -> nftables",
        "nodePortAddresses: unset -> [192.0.2.0/24]",
        "conntrack.tcpBeLiberal: false -> true",
    ]


def test_options_of_another_mode_are_not_compared_because_nothing_reads_them() -> None:
    assert list(options.differences(wanted(nftables={"min_sync_period": "9s"}), CONFIGZ)) == []


def test_the_internal_type_that_older_kube_proxies_tell_is_read_as_well() -> None:
    proxy = wanted(
        mode="nftables",
        nftables={"masquerade_all": False, "min_sync_period": "1s"},
        node_port_addresses=["primary"],
        healthz_bind_address="0.0.0.0:10256",
        conntrack={"max_per_core": 0, "tcp_be_liberal": False},
    )
    assert list(options.differences(proxy, INTERNAL)) == []
    other = wanted(iptables={"localhost_node_ports": False, "min_sync_period": "3s"}, conntrack={"min": 7})
    assert list(options.differences(other, INTERNAL)) == [
        "mode: nftables -> iptables",
        "iptables.localhostNodePorts: true -> false",
        "iptables.minSyncPeriod: 1s -> 3s",
        "conntrack.min: 0 -> 7",
    ]


@pytest.mark.parametrize("period", ["1s", "1000ms", "0", "0s"])
def test_a_sync_period_of_zero_is_kube_proxys_default_of_one_second(period: str) -> None:
    assert list(options.differences(wanted(iptables={"min_sync_period": period}), CONFIGZ)) == []


def test_no_node_port_addresses_means_the_primary_address_in_nftables_mode() -> None:
    live = {**CONFIGZ, "mode": "nftables", "nodePortAddresses": ["primary"]}
    assert list(options.differences(wanted(mode="nftables", node_port_addresses=[]), live)) == []
    assert list(options.differences(wanted(node_port_addresses=[]), CONFIGZ)) == []


@pytest.mark.parametrize(
    ("duration", "seconds"), [("1h0m0s", 3600), ("1m30s", 90), ("500ms", 0.5), ("1.5s", 1.5), ("0", 0)]
)
def test_durations_are_gos(duration: str, seconds: float) -> None:
    assert options.nanoseconds(duration) == seconds * 10**9


@pytest.mark.parametrize(
    ("bind", "reached"),
    [
        ("0.0.0.0:10256", "127.0.0.1:10256"),
        ("0.0.0.0", "127.0.0.1:10256"),
        ("[::]:1234", "[::1]:1234"),
        ("::", "[::1]:10256"),
        ("192.0.2.1:80", "192.0.2.1:80"),
        ("fd00::1", "[fd00::1]:10256"),
        ("[fd00::1]", "[fd00::1]:10256"),
    ],
)
def test_a_bind_address_is_reached_from_the_host_itself(bind: str, reached: str) -> None:
    assert options.local(bind, 10256) == reached


def test_an_empty_bind_address_is_kube_proxys_default() -> None:
    assert options.address(CONFIG, "healthzBindAddress", 10256) == "127.0.0.1:10256"
