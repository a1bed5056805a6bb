"""What breaks the rules about the catalogue of Services and Ingresses."""

from __future__ import annotations

from .cases_ways_in import broken, warned

SHOP = "- name: shop\n      selector: {app: shop}"
DIRECT = "      type: NodePort\n      selector: {app: direct}\n      external_traffic_policy: Local\n"
DIRECT_PORT = "ports: [{port: 80, node_port: 30123}]"
OUTSIDE = "      type: ExternalName\n      external_name: db.corp.example\n"
DATABASE = "ports: [{port: 5432}]"
TLS = "          certificate: .tls/shop.crt\n          key: .tls/shop.key\n"

CASES = [
    broken("K8N106", (SHOP, SHOP + "\n      labels: {k8snet-provision/capability: x}"), line="labels:"),
    broken("K8N106", (SHOP, SHOP + "\n      labels: {app.kubernetes.io/managed-by: Helm}"), line="labels:"),
    broken("K8N190", ("- name: mail", "- name: direct # twice"), line="# twice", says="twice"),
    broken(
        "K8N190", ("- name: direct", "- name: kubernetes"), line="- name: kubernetes", says="belongs to the cluster"
    ),
    broken(
        "K8N191",
        ("path: /api, service", "path: /, service"),
        line="path: /, service: shop, port: https",
        says="shop.example.com",
    ),
    broken("K8N192", (TLS, ""), line="- hosts:", says="no certificate for shop.example.com"),
    broken("K8N192", ("          key: .tls/shop.key\n", ""), line="- hosts:", says="a certificate without its key"),
    broken(
        "K8N192", ("          certificate: .tls/shop.crt\n", ""), line="- hosts:", says="a key without its certificate"
    ),
    warned(
        "K8N192",
        ("hosts: [shop.example.com]", "hosts: [shop.example.com, a.shop.example.com]"),
        line="- hosts:",
        says="no rule has",
    ),
    broken("K8N197", (SHOP, SHOP + "\n      external_name: a.b"), line="external_name: a.b"),
    broken("K8N197", ("headless: true", "headless: true\n      type: NodePort"), line="headless"),
    broken("K8N197", ("endpoints: [192", "selector: {a: b}\n      endpoints: [192"), line="endpoints", says="both"),
    broken(
        "K8N197", ("      selector: {app: peers}\n", ""), line="- name: peers", says="neither selector nor endpoints"
    ),
    broken(
        "K8N197",
        (DIRECT + f"      {DIRECT_PORT}", DIRECT.replace("NodePort", "ClusterIP") + "      ports: [{port: 80}]"),
        line="external_traffic_policy",
        says="NodePort or LoadBalancer",
    ),
    broken("K8N197", (SHOP, SHOP + "\n      address: 192.0.2.202"), line="192.0.2.202"),
    broken(
        "K8N197",
        ("external_name: db.corp.example", "external_name: 192.0.2.80"),
        line="external_name: 192",
        says="is an address",
    ),
    broken(
        "K8N197", ("      external_name: db.corp.example\n", ""), line="type: ExternalName", says="needs external_name"
    ),
    broken("K8N197", (OUTSIDE, OUTSIDE + "      session_affinity: true\n"), line="session_affinity"),
    broken("K8N197", (f"      {DATABASE}\n", ""), line="- name: database", says="no ports"),
    broken("K8N197", (DATABASE, "ports: [{port: 5432}, {port: 5433, name: b}]"), line="5433", says="need names"),
    broken("K8N197", (DATABASE, "ports: [{port: 5432, name: a}, {port: 5433, name: a}]"), line="5433", says="one name"),
    broken(
        "K8N197", (DATABASE, "ports: [{port: 5432, name: a}, {port: 5432, name: b}]"), line="5432", says="one number"
    ),
    broken("K8N197", (DATABASE, "ports: [{port: 5432, target_port: sql}]"), line="sql", says="endpoints have no names"),
    broken("K8N197", ("[192.0.2.60, 192.0.2.61]", "[192.0.2.60, 127.0.0.1]"), line="endpoints", says="127.0.0.1"),
    broken("K8N197", ("[192.0.2.60, 192.0.2.61]", "[192.0.2.60, 10.254.3.4]"), line="endpoints", says="10.254.3.4"),
    broken("K8N198", ("node_port: 30123", "node_port: 33000"), line="33000", says="30000-32767"),
    broken("K8N198", (DATABASE, "ports: [{port: 5432, node_port: 30200}]"), line="30200", says="ClusterIP"),
    broken(
        "K8N198",
        (DIRECT_PORT, "ports: [{port: 80, node_port: 30123, name: a}, {port: 81, node_port: 30123, name: b}]"),
        line="30123",
        says="default/direct",
    ),
    broken(
        "K8N199",
        ("{path: /, service: shop, port: 80}", "{path: /, service: shop, port: 81}"),
        line="port: 81",
        says="80 (http), 8443 (https)",
    ),
    broken(
        "K8N199",
        ("{path: /, service: shop, port: 80}", "{path: /, service: outside}"),
        line="service: outside",
        says="outside",
    ),
    broken("K8N199", ("{path: /, service", "{path: '/(a|b)', service"), line="(a|b)", says="ImplementationSpecific"),
    broken("K8N199", ("{path: /, service", "{path: /a//b, service"), line="/a//b"),
    broken(
        "K8N199",
        ("    - name: shop\n      rules:", "    - name: empty\n    - name: shop\n      rules:"),
        line="- name: empty",
    ),
]
