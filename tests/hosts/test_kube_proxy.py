"""kube-proxy on real nodes: modes switched live, nothing of the old mode left, refused where it cannot run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.hosts.labs import LabCluster
from tests.program import Ran

pytestmark = pytest.mark.hosts

TOPOLOGY = """
service_cidr: 10.96.0.0/16
kube_proxy:
  mode: MODE
"""


def bring_into(cluster: LabCluster, mode: str, options: str = "") -> Ran:
    """Applies the kube-proxy phases with a mode; everything else of the cluster stays as it is."""
    cluster.topology(TOPOLOGY.replace("MODE", mode) + options)
    return cluster.tool("apply", "--yes", "--tags", "kube-proxy")


def differs(cluster: LabCluster) -> list[dict[str, Any]]:
    ran = cluster.tool("diff", "--tags", "kube-proxy", "--output", "json")
    assert ran.code in (0, 2), ran
    changes = json.loads(ran.out)["changes"]
    assert bool(changes) == (ran.code == 2)
    return list(changes)


def rules(cluster: LabCluster, host: str) -> set[str]:
    """kube-proxy's families of rules on a host, read with the host's own tools."""
    chains = cluster.on(host, "iptables-save; ip6tables-save; iptables-legacy-save; ip6tables-legacy-save")
    tables = cluster.on(host, "nft list tables")
    found = {"iptables"} if "KUBE-SERVICES" in chains or "KUBE-SVC-" in chains else set()
    assert ("KUBE-MARK-MASQ" in chains) == bool(found)
    return found | ({"nftables"} if "kube-proxy" in tables else set())


def service_answers(cluster: LabCluster, host: str) -> bool:
    return "gitVersion" in cluster.on(host, "curl -sk -m 3 https://10.96.0.1/version")


@pytest.mark.parametrize("lab", ["fresh_systemd", "fresh_proxy_units"], ids=["daemonset", "systemd"])
def test_there_and_back_without_residue(lab: str, request: pytest.FixtureRequest) -> None:
    cluster = request.getfixturevalue(lab)
    nodes = [node["metadata"]["name"] for node in cluster.objects("get nodes")["items"]]
    for mode in ("nftables", "iptables"):
        applied = bring_into(cluster, mode)
        assert applied.code == 0, applied
        for node in nodes:
            assert cluster.on(node, "curl -s 127.0.0.1:10249/proxyMode") == mode
            assert rules(cluster, node) == {mode}
            assert service_answers(cluster, node)
        assert differs(cluster) == []


def test_options_reach_the_running_process(fresh_proxy_units: LabCluster) -> None:
    before = fresh_proxy_units.on("node1", "cat /var/lib/kube-proxy/config.conf")
    applied = bring_into(fresh_proxy_units, "iptables", "  conntrack: {tcp_be_liberal: true}\n")
    assert applied.code == 0, applied
    live = json.loads(fresh_proxy_units.on("node1", "curl -s 127.0.0.1:10249/configz"))["kubeproxy.config.k8s.io"]
    assert live["conntrack"]["tcpBeLiberal"] is True
    after = fresh_proxy_units.on("node1", "cat /var/lib/kube-proxy/config.conf")
    assert after.replace(", tcpBeLiberal: true", "") == before


def test_a_process_that_did_not_restart_is_a_difference(fresh_proxy_units: LabCluster) -> None:
    bring_into(fresh_proxy_units, "iptables")
    fresh_proxy_units.on("node1", "sed -i 's/mode: iptables/mode: nftables/' /var/lib/kube-proxy/config.conf")
    fresh_proxy_units.topology(TOPOLOGY.replace("MODE", "nftables"))
    (change,) = differs(fresh_proxy_units)
    assert (change["kind"], change["name"], change["because"]) == (
        "restart",
        "kube-proxy",
        "mode: iptables -> nftables",
    )


def test_ipvs_is_refused_on_a_kernel_without_it(fresh_proxy_units: LabCluster) -> None:
    settled = bring_into(fresh_proxy_units, "iptables")
    assert settled.code == 0, settled
    before = fresh_proxy_units.on("node1", "sha256sum /var/lib/kube-proxy/config.conf")
    refused = bring_into(fresh_proxy_units, "ipvs")
    assert refused.code == 1, refused
    assert "node1: K8N253" in refused.err
    assert "ip_vs" in refused.err
    assert fresh_proxy_units.on("node1", "sha256sum /var/lib/kube-proxy/config.conf") == before


def test_a_start_that_would_flush_keepaliveds_virtual_servers_is_refused(fresh_proxy_units: LabCluster) -> None:
    bring_into(fresh_proxy_units, "iptables")
    server = "virtual_server 10.141.9.200 80 { lb_algo rr\nlb_kind DR\nprotocol TCP }"
    fresh_proxy_units.on("node1", f"printf '{server}' >/etc/keepalived/keepalived.conf; systemctl start keepalived")
    refused = bring_into(fresh_proxy_units, "nftables")
    fresh_proxy_units.on("node1", "systemctl stop keepalived; rm /etc/keepalived/keepalived.conf")
    assert refused.code == 1, refused
    assert "node1: K8N256" in refused.err
    assert fresh_proxy_units.on("node1", "curl -s 127.0.0.1:10249/proxyMode") == "iptables"


def test_rules_of_another_mode_are_removed_though_the_mode_is_right(fresh_proxy_units: LabCluster) -> None:
    """What an ipvs mode and an older nftables mode would have left, beside what is not kube-proxy's."""
    bring_into(fresh_proxy_units, "iptables")
    fresh_proxy_units.on(
        "node1",
        "nft add table ip kube-proxy; ipset create KUBE-CLUSTER-IP hash:ip; ipset create KUBE-SRC-PLUGIN hash:ip; "
        "ip6tables -N KUBE-NODE-PORT; ip6tables -A INPUT -m comment --comment 'a b' -j KUBE-NODE-PORT",
    )
    (change,) = differs(fresh_proxy_units)
    assert change["before"].splitlines() == ["chain KUBE-NODE-PORT 1", "table ip kube-proxy", "set KUBE-CLUSTER-IP"]
    applied = bring_into(fresh_proxy_units, "iptables")
    assert applied.code == 0, applied
    assert rules(fresh_proxy_units, "node1") == {"iptables"}
    assert fresh_proxy_units.on("node1", "ipset list -n").split() == ["KUBE-SRC-PLUGIN"]
    assert "KUBE-NODE-PORT" not in fresh_proxy_units.on("node1", "ip6tables-save")
    assert service_answers(fresh_proxy_units, "node1")
    assert differs(fresh_proxy_units) == []


def test_a_kube_proxy_that_does_not_come_up_is_put_back(fresh_proxy_units: LabCluster) -> None:
    """nf_conntrack_max cannot be written inside a network namespace: kube-proxy accepts the value and dies of it."""
    bring_into(fresh_proxy_units, "iptables")
    before = fresh_proxy_units.on("node1", "cat /var/lib/kube-proxy/config.conf")
    failed = bring_into(fresh_proxy_units, "iptables", "  conntrack: {max_per_core: 32768}\n")
    assert failed.code == 1, failed
    assert "kube-proxy logged:" in failed.err + failed.out
    assert fresh_proxy_units.on("node1", "cat /var/lib/kube-proxy/config.conf") == before
    assert fresh_proxy_units.on("node1", "curl -s 127.0.0.1:10249/proxyMode") == "iptables"
    assert service_answers(fresh_proxy_units, "node1")


def test_a_value_that_kube_proxy_refuses_never_replaces_its_file(fresh_proxy_units: LabCluster) -> None:
    """kube-proxy reads the staged file itself; what this tool takes for sound is not the last word."""
    settled = bring_into(fresh_proxy_units, "iptables")
    assert settled.code == 0, settled
    config = "/var/lib/kube-proxy/config.conf"
    fresh_proxy_units.on(
        "node1", f"cp {config} /root/kept; sed -i 's/^clusterCIDR: .*/clusterCIDR: nonsense/' {config}"
    )
    refused = bring_into(fresh_proxy_units, "nftables")
    assert "mode: iptables" in fresh_proxy_units.on(
        "node1", f"cat {config}; cp /root/kept {config}.new; mv {config}.new {config}"
    )
    assert refused.code == 1, refused
    assert "clusterCIDR" in refused.out + refused.err
    assert fresh_proxy_units.on("node1", "curl -s 127.0.0.1:10249/proxyMode") == "iptables"
