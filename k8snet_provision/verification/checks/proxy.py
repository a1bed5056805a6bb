"""kube-proxy: healthy, in the wanted mode alone, and Services reached from every node and pod."""

from __future__ import annotations

from testinfra.host import Host

from k8snet_provision.seen import World
from k8snet_provision.verification.pods import Pod


def test_healthz(node: Host) -> None:
    """kube-proxy reports itself healthy"""
    assert node.run("curl -sfm5 -o /dev/null http://127.0.0.1:10256/healthz").rc == 0


def test_mode(node: Host, world: World) -> None:
    """kube-proxy runs in the wanted mode"""
    wanted = world.topology.kube_proxy.mode if world.topology.kube_proxy else ""
    found = node.check_output("curl -sfm5 http://127.0.0.1:10249/proxyMode")
    assert found == (wanted or found)


def test_one_mode_only(node: Host) -> None:
    """no rules of another mode are left behind"""
    mode = node.check_output("curl -sfm5 http://127.0.0.1:10249/proxyMode")
    nftables = node.run("nft list table ip kube-proxy").rc == 0
    iptables = node.run("iptables-save 2>/dev/null | grep -qE '^:KUBE-(SVC|SEP|SERVICES|NODEPORTS)'").rc == 0
    ipvs = node.run("ip link show kube-ipvs0").rc == 0
    assert {"nftables": nftables, "iptables": iptables or mode == "ipvs", "ipvs": ipvs} == {
        "nftables": mode == "nftables",
        "iptables": mode in ("iptables", "ipvs"),
        "ipvs": mode == "ipvs",
    }


def test_cluster_ip(node: Host, world: World) -> None:
    """the API is reached at its ClusterIP from the node"""
    assert node.run(f"timeout 5 bash -c 'exec 3<>/dev/tcp/{world.topology.first_service_address}/443'").rc == 0


def test_cluster_ip_with_pods_behind(node: Host, pod: Pod, world: World) -> None:
    """a Service with pods behind it is reached at its ClusterIP from the node and from a pod"""
    connect = f"timeout 5 bash -c 'exec 3<>/dev/tcp/{world.topology.dns_address}/9153'"
    assert [node.run(connect).rc, node.run(pod.inside(connect)).rc] == [0, 0]
