"""What breaks the rules about ingress, MetalLB and the edge."""

from __future__ import annotations

from dataclasses import dataclass

from k8snet_provision.problems import Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@dataclass(frozen=True)
class Case:
    """Changes to a sound inventory, and where the one problem is: a text in topology.yml or hosts.yml."""

    code: str
    severity: Severity
    topology: tuple[tuple[str, str], ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    line: str = ""
    host_line: str = ""
    says: str = ""


def broken(code: str, *changes: tuple[str, str], line: str, says: str = "") -> Case:
    return Case(code, ERROR, topology=changes, line=line, says=says)


def warned(code: str, *changes: tuple[str, str], line: str, says: str = "") -> Case:
    return Case(code, WARNING, topology=changes, line=line, says=says)


PATTERN = "pattern: node_port"
LOAD_BALANCER = (PATTERN, "pattern: load_balancer")
HOST_NETWORK = (PATTERN, "pattern: host_network")
EDGE = "  edge:\n    vip: 192.0.2.100\n    drain: [w1]\n    api: {port: 6443}\n"
NO_EDGE_HOSTS = ("load_balancer:", "haproxies:")
POOLS = "- addresses: [192.0.2.200-192.0.2.220]"
IMAGE = "image: registry.example/fork/nginx-controller:v1.16.0"
UPSTREAM = "image: registry.k8s.io/ingress-nginx/controller"
MAIL = "address: 192.0.2.201"

CASES = [
    broken("K8N160", (EDGE, ""), line=PATTERN, says="needs the section edge"),
    broken(
        "K8N160",
        (EDGE, ""),
        HOST_NETWORK,
        ("    replicas: 2\n    config", "    host_network: {behind_edge: true}\n    config"),
        line="pattern: host_network",
        says="behind_edge needs the section edge",
    ),
    Case(
        "K8N160",
        ERROR,
        (HOST_NETWORK,),
        (("ingress:\n", "web:\n"),),
        line="pattern:",
        says="hosts in the group ingress",
    ),
    warned(
        "K8N162",
        ("proxy-body-size: 16m", 'use-forwarded-headers: "true"'),
        line="use-forwarded",
        says="X-Forwarded-For",
    ),
    broken("K8N162", ("proxy-body-size: 16m", 'use-proxy-protocol: "true"'), line="use-proxy-protocol"),
    broken(
        "K8N162", ("proxy-body-size: 16m", "proxy-real-ip-cidr: 0.0.0.0/0"), line="proxy-real", says="load_balancer"
    ),
    broken("K8N163", ("http: 30080,", "http: 29999,"), line="node_port: {http", says="30000-32767"),
    broken("K8N163", ("https: 30043", "https: 30080"), line="node_port: {http", says="ingress.node_port.http"),
    broken("K8N163", ("node_port: 30123", "node_port: 30054"), line="node_port: {http", says="Service default/direct"),
    warned("K8N164", ("http: 30080,", "http: 30086,"), line="node_port: {http", says="30000-30085"),
    warned("K8N165", (IMAGE, f"{UPSTREAM}:v1.11.0"), line="image: reg", says="CVE-2025-1974"),
    warned("K8N165", (IMAGE, f"{UPSTREAM}:v1.15.1"), line="image: reg", says="CVE-2026-42945"),
    warned("K8N165", (IMAGE, f"{UPSTREAM}:latest"), line="image: reg", says="release of latest cannot be judged"),
    warned("K8N165", (IMAGE, f"{UPSTREAM}@sha256:{'a' * 64}"), line="image: reg", says="cannot be judged"),
    warned(
        "K8N165",
        (IMAGE, "image: registry.corp:5000/ingress-nginx/controller:v1.15.9"),
        line="image: reg",
        says="cannot be",
    ),
    warned("K8N166", ("replicas: 2\n    config", "replicas: 1\n    config"), line="replicas: 1"),
    broken("K8N167", ("operator: Equal", "operator: Exists"), line="key: dedicated", says="Exists"),
    broken("K8N167", ("{key: dedicated, ", "{"), line="- {operator", says="key"),
    broken("K8N167", ("limits: {memory: 1Gi}", "limits: {memory: 100M}"), line="limits:", says="128Mi or more"),
    broken(
        "K8N167",
        ("    config:", "    node_selector: {kubernetes.io/hostname: w9}\n    config:"),
        line="node_selector",
        says="w1",
    ),
    broken(
        "K8N167", ("    config:", "    node_selector: {kubernetes.io/os: windows}\n    config:"), line="node_selector"
    ),
    broken(
        "K8N167",
        ("    config:", "    node_selector: {k8snet-provision/ingress: 'true'}\n    config:"),
        line="node_selector",
    ),
    broken(
        "K8N168",
        ("    config:", "    default_backend: {name: outside}\n    config:"),
        line="default_backend",
        says="ExternalName",
    ),
    Case(
        "K8N169",
        ERROR,
        (HOST_NETWORK, ("drain: [w1]", "drain: []"), ("api: {port: 6443}", "api: {port: 7443}")),
        (
            ("ingress:\n  hosts: {w1: {}, w2: {}}", "ingress:\n  hosts: {w1: {}, cp1: {}}"),
            ("    lb1:", "    cp1: {}\n    lb1:"),
        ),
        host_line="cp1: {ansible",
        says="80 and 443",
    ),
    broken("K8N170", (POOLS, POOLS + "\n    dhcp_ranges: [192.0.2.210-192.0.2.240]"), line=POOLS, says="DHCP"),
    broken("K8N170", (POOLS, POOLS + "\n    dhcp_ranges: [192.0.2.100/31]"), line="vip:", says="VIP 192.0.2.100"),
    broken("K8N172", (MAIL, "address: 192.0.2.199"), line="192.0.2.199", says="192.0.2.200-192.0.2.220"),
    broken(
        "K8N172",
        LOAD_BALANCER,
        ("    config:", "    load_balancer: {address: 192.0.2.190}\n    config:"),
        line="192.0.2.190",
    ),
    broken(
        "K8N173",
        LOAD_BALANCER,
        (MAIL, "address: 192.0.2.200"),
        line="address: 192.0.2.200",
        says="ingress.load_balancer",
    ),
    broken(
        "K8N174",
        ("manifest: .files/metallb-native.yaml", "manifest: .files/missing.yaml"),
        line="manifest:",
        says="no such file",
    ),
    broken(
        "K8N174",
        ("manifest: .files/metallb-native.yaml", "manifest: .files"),
        line="manifest:",
        says="not a regular file",
    ),
    broken(
        "K8N174",
        ("manifest: .files/metallb-native.yaml", "manifest: hosts.yml"),
        line="sha256:",
        says="sha256sum of hosts.yml",
    ),
    broken("K8N176", (POOLS, f"{POOLS}\n      - addresses: [192.0.2.230/31]"), line="192.0.2.230/31", says="default"),
    Case("K8N181", WARNING, hosts=(("    lb2: {ansible_host: 192.0.2.32}\n", ""),), host_line="lb1: {ansible"),
    broken("K8N182", ("drain: [w1]", "drain: [w9]"), line="drain:", says="w1, w2"),
    broken("K8N182", ("drain: [w1]", "drain: [w2, w1]"), line="drain:", says="nobody would answer"),
    broken("K8N183", ("drain: [w1]", "drain: [w1]\n    http_port: 443"), line="  edge:", says="https_port"),
    broken("K8N183", ("api: {port: 6443}", "api: {port: 80}"), line="api:", says="http_port"),
    broken("K8N183", ("api: {port: 6443}", "api: {port: 22}"), line="api:", says="sshd"),
    Case("K8N184", ERROR, hosts=(("    lb1:", "    cp1: {}\n    lb1:"),), line="api:", says="cp1"),
]
