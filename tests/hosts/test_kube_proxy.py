"""kube-proxy on real nodes: modes switched live, nothing of the old mode left, refused where it cannot run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.hosts.labs import LabCluster, up
from tests.program import Ran

pytestmark = pytest.mark.hosts

TOPOLOGY = """
service_cidr: 10.96.0.0/16
kube_proxy:
  mode: MODE
"""


@pytest.fixture(scope="module")
def unit_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """One control plane and one node whose kube-proxy is a unit."""
    target = tmp_path_factory.mktemp("proxy") / "inventory"
    cluster = LabCluster(target)
    hosts = {"kube_control_plane": ["cp1"], "kube_node": ["node1"]}
    try:
        yield up(target, "proxy", "10.141.3.0/24", hosts, "systemd", proxy="systemd")
    finally:
        cluster.lab("down")


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


@pytest.mark.parametrize("kind", ["daemonset", "systemd"])
def test_there_and_back_without_residue(kind: str, request: pytest.FixtureRequest) -> None:
    cluster = request.getfixturevalue({"daemonset": "fresh_systemd", "systemd": "unit_lab"}[kind])
    nodes = [node["metadata"]["name"] for node in cluster.objects("get nodes")["items"]]
    for mode in ("nftables", "iptables"):
        applied = bring_into(cluster, mode)
        assert applied.code == 0, applied
        for node in nodes:
            assert cluster.on(node, "curl -s 127.0.0.1:10249/proxyMode") == mode
            assert rules(cluster, node) == {mode}
            assert service_answers(cluster, node)
        assert differs(cluster) == []


def test_options_reach_the_running_process(unit_lab: LabCluster) -> None:
    before = unit_lab.on("node1", "cat /var/lib/kube-proxy/config.conf")
    applied = bring_into(unit_lab, "iptables", "  conntrack: {tcp_be_liberal: true}\n")
    assert applied.code == 0, applied
    live = json.loads(unit_lab.on("node1", "curl -s 127.0.0.1:10249/configz"))["kubeproxy.config.k8s.io"]
    assert live["conntrack"]["tcpBeLiberal"] is True
    after = unit_lab.on("node1", "cat /var/lib/kube-proxy/config.conf")
    assert after.replace(", tcpBeLiberal: true", "") == before


def test_a_process_that_did_not_restart_is_a_difference(unit_lab: LabCluster) -> None:
    bring_into(unit_lab, "iptables")
    unit_lab.on("node1", "sed -i 's/mode: iptables/mode: nftables/' /var/lib/kube-proxy/config.conf")
    unit_lab.topology(TOPOLOGY.replace("MODE", "nftables"))
    (change,) = differs(unit_lab)
    assert (change["kind"], change["name"], change["because"]) == (
        "restart",
        "kube-proxy",
        "mode: iptables -> nftables",
    )


def test_ipvs_is_refused_on_a_kernel_without_it(unit_lab: LabCluster) -> None:
    settled = bring_into(unit_lab, "iptables")
    assert settled.code == 0, settled
    before = unit_lab.on("node1", "sha256sum /var/lib/kube-proxy/config.conf")
    refused = bring_into(unit_lab, "ipvs")
    assert refused.code == 1, refused
    assert "node1: K8N253" in refused.err
    assert "ip_vs" in refused.err
    assert unit_lab.on("node1", "sha256sum /var/lib/kube-proxy/config.conf") == before


def test_a_start_that_would_flush_keepaliveds_virtual_servers_is_refused(unit_lab: LabCluster) -> None:
    bring_into(unit_lab, "iptables")
    server = "virtual_server 10.141.3.200 80 { lb_algo rr\nlb_kind DR\nprotocol TCP }"
    unit_lab.on("node1", f"printf '{server}' >/etc/keepalived/keepalived.conf; systemctl start keepalived")
    refused = bring_into(unit_lab, "nftables")
    unit_lab.on("node1", "systemctl stop keepalived; rm /etc/keepalived/keepalived.conf")
    assert refused.code == 1, refused
    assert "node1: K8N256" in refused.err
    assert unit_lab.on("node1", "curl -s 127.0.0.1:10249/proxyMode") == "iptables"


def test_rules_of_another_mode_are_removed_though_the_mode_is_right(unit_lab: LabCluster) -> None:
    """What an ipvs mode and an older nftables mode would have left, beside what is not kube-proxy's."""
    bring_into(unit_lab, "iptables")
    unit_lab.on(
        "node1",
        "nft add table ip kube-proxy; ipset create KUBE-CLUSTER-IP hash:ip; ipset create KUBE-SRC-PLUGIN hash:ip; "
        "ip6tables -N KUBE-NODE-PORT; ip6tables -A INPUT -m comment --comment 'a b' -j KUBE-NODE-PORT",
    )
    (change,) = differs(unit_lab)
    assert change["before"].splitlines() == ["chain KUBE-NODE-PORT 1", "table ip kube-proxy", "set KUBE-CLUSTER-IP"]
    applied = bring_into(unit_lab, "iptables")
    assert applied.code == 0, applied
    assert rules(unit_lab, "node1") == {"iptables"}
    assert unit_lab.on("node1", "ipset list -n").split() == ["KUBE-SRC-PLUGIN"]
    assert "KUBE-NODE-PORT" not in unit_lab.on("node1", "ip6tables-save")
    assert service_answers(unit_lab, "node1")
    assert differs(unit_lab) == []


def test_a_kube_proxy_that_does_not_come_up_is_put_back(unit_lab: LabCluster) -> None:
    """nf_conntrack_max cannot be written inside a network namespace: kube-proxy accepts the value and dies of it."""
    bring_into(unit_lab, "iptables")
    before = unit_lab.on("node1", "cat /var/lib/kube-proxy/config.conf")
    failed = bring_into(unit_lab, "iptables", "  conntrack: {max_per_core: 32768}\n")
    assert failed.code == 1, failed
    assert "kube-proxy logged:" in failed.err + failed.out
    assert unit_lab.on("node1", "cat /var/lib/kube-proxy/config.conf") == before
    assert unit_lab.on("node1", "curl -s 127.0.0.1:10249/proxyMode") == "iptables"
    assert service_answers(unit_lab, "node1")


def test_a_value_that_kube_proxy_refuses_never_replaces_its_file(unit_lab: LabCluster) -> None:
    """kube-proxy reads the staged file itself; what this tool takes for sound is not the last word."""
    settled = bring_into(unit_lab, "iptables")
    assert settled.code == 0, settled
    config = "/var/lib/kube-proxy/config.conf"
    unit_lab.on("node1", f"cp {config} /root/kept; sed -i 's/^clusterCIDR: .*/clusterCIDR: nonsense/' {config}")
    refused = bring_into(unit_lab, "nftables")
    assert "mode: iptables" in unit_lab.on(
        "node1", f"cat {config}; cp /root/kept {config}.new; mv {config}.new {config}"
    )
    assert refused.code == 1, refused
    assert "clusterCIDR" in refused.out + refused.err
    assert unit_lab.on("node1", "curl -s 127.0.0.1:10249/proxyMode") == "iptables"
