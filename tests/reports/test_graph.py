"""The wanted way of requests, drawn from the topology alone."""

from __future__ import annotations

from pathlib import Path

from k8snet_provision.reports.graph import as_mermaid, as_text, way_of_requests
from tests.topology.ways_in import EDGE_HOSTS, WAYS_IN
from tests.topology.written import HOSTS, replaced, write

CERTIFICATE = """\
      tls:
        - hosts: [shop.example.com]
          certificate: .tls/shop.crt
          key: .tls/shop.key
"""
SECURE = replaced(WAYS_IN, (CERTIFICATE, "      tls: [{hosts: [shop.example.com], secret: shop-tls}]\n"))


def drawn(path: Path, *changes: tuple[str, str]) -> list[str]:
    cluster = write(path / "inventory", replaced(SECURE, *changes), EDGE_HOSTS).cluster()
    return as_text(way_of_requests(cluster)).splitlines()


def test_every_way_ends_at_pods_or_outside(tmp_path: Path) -> None:
    assert drawn(tmp_path) == [
        "client",
        "├─ VIP 192.0.2.100, ports 80 and 443: HAProxy on one of lb1 192.0.2.31, lb2 192.0.2.32",
        "│  └─ PROXY protocol to w2 192.0.2.22, ports 30080 and 30043 (drained: w1)",
        "│     └─ Deployment ingress-nginx/ingress-nginx-node-port, 2 pods",
        "│        ├─ https://shop.example.com/",
        "│        │  └─ Service default/shop:80",
        "│        │     └─ pods app=shop",
        "│        ├─ https://shop.example.com/api",
        "│        │  └─ Service default/shop:https",
        "│        │     └─ pods app=shop",
        "│        ├─ https://shop.example.com/api (Exact)",
        "│        │  └─ Service default/shop:80",
        "│        │     └─ pods app=shop",
        "│        ├─ http://*.example.com/",
        "│        │  └─ Service default/shop:80",
        "│        │     └─ pods app=shop",
        "│        └─ anything else: 404 of the controller",
        "├─ VIP 192.0.2.100, port 6443: HAProxy on one of lb1 192.0.2.31, lb2 192.0.2.32",
        "│  └─ kube-apiserver on cp1 192.0.2.11, cp2 192.0.2.12, cp3 192.0.2.13, port 6443",
        "├─ nodes with a pod, node ports 30123",
        "│  └─ Service default/direct",
        "│     └─ pods app=direct",
        "└─ address 192.0.2.201, ports 25",
        "   └─ Service default/mail",
        "      └─ pods app=mail",
    ]


def test_load_balancer_begins_at_its_address(tmp_path: Path) -> None:
    lines = drawn(tmp_path, ("pattern: node_port", "pattern: load_balancer"))
    assert lines[1:4] == [
        "├─ an address of 192.0.2.200-192.0.2.220, announced by MetalLB from a node with a controller",
        "│  └─ Service ingress-nginx/ingress-nginx-load-balancer, ports 80 and 443",
        "│     └─ Deployment ingress-nginx/ingress-nginx-load-balancer, 2 pods",
    ]


def test_host_network_begins_at_the_hosts(tmp_path: Path) -> None:
    lines = drawn(tmp_path, ("pattern: node_port", "pattern: host_network"))
    assert lines[1:3] == [
        "├─ w1 192.0.2.21, w2 192.0.2.22, ports 80 and 443",
        "│  └─ DaemonSet ingress-nginx/ingress-nginx-host-network, one pod a host",
    ]


def test_a_chart_has_an_arrow_to_everything_but_the_client(tmp_path: Path) -> None:
    way = way_of_requests(write(tmp_path / "inventory", SECURE, EDGE_HOSTS).cluster())
    lines = as_mermaid(way).splitlines()
    boxes = [line for line in lines if '["' in line]
    arrows = [line for line in lines if " --> " in line]
    assert lines[:2] == ["flowchart LR", '  n0["client"]']
    assert len(arrows) == len(boxes) - 1
    assert len(boxes) + len(arrows) + 1 == len(lines)


def test_many_hosts_are_counted(tmp_path: Path) -> None:
    nodes = "".join(f"    n{number}: {{ansible_host: 192.0.3.{number}}}\n" for number in range(1, 41))
    hosts = replaced(
        EDGE_HOSTS, ("    w2: {ansible_host: 192.0.2.22}\n", f"    w2: {{ansible_host: 192.0.2.22}}\n{nodes}")
    )
    way = way_of_requests(write(tmp_path / "inventory", SECURE, hosts).cluster())
    assert "n5 192.0.3.5 and 35 more, ports 30080" in as_text(way)


def test_without_a_way_in_that_is_said(tmp_path: Path) -> None:
    way = way_of_requests(write(tmp_path / "inventory", "topology: {service_cidr: 10.254.0.0/16}\n", HOSTS).cluster())
    assert as_text(way) == "client\n└─ no way in is described\n"
