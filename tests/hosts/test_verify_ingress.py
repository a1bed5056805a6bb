"""verify proves a way in from outside, and finds what somebody broke behind its back."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from tests.hosts.labs import LabCluster
from tests.program import Ran

pytestmark = pytest.mark.hosts

TOPOLOGY = """\
service_cidr: 10.96.0.0/16
kube_proxy: {mode: iptables}
metallb:
  manifest: .lab/metallb-native.yaml
  sha256: @SHA256@
  pools: [{addresses: [@NETWORK@.200-@NETWORK@.220]}]
edge:
  vip: @NETWORK@.101
  virtual_router_id: 144
ingress:
  pattern: @PATTERN@
  image: registry.k8s.io/ingress-nginx/controller:v1.11.0
  switch: {quiet: 3, deadline: 60}
services:
  - {name: app, namespace: demo, selector: {app: app}, ports: [{port: 80}]}
  - {name: shop, namespace: demo, selector: {app: shop}, ports: [{port: 80}]}
ingresses:
  - name: app
    namespace: demo
    rules: [{host: app.lab.test, paths: [{path: /, service: app}]}]
    tls: [{hosts: [app.lab.test], certificate: .lab/tls/app.crt, key: .lab/tls/app.key}]
  - name: shop
    namespace: demo
    rules: [{host: shop.lab.test, paths: [{path: /cart, type: Exact, service: shop}]}]
    tls: [{hosts: [shop.lab.test], secret: shop-tls, certificate: .lab/tls/shop.crt, key: .lab/tls/shop.key}]
"""

CONTROLLER = "-n ingress-nginx"


def applied(cluster: LabCluster, pattern: str) -> LabCluster:
    manifest = (cluster.inventory / ".lab" / "metallb-native.yaml").read_bytes()
    values = {"SHA256": hashlib.sha256(manifest).hexdigest(), "NETWORK": network(cluster), "PATTERN": pattern}
    text = TOPOLOGY
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    cluster.topology(text)
    ran = cluster.tool("apply", "--yes", "--no-diff", timeout=600)
    assert ran.code == 0, ran
    return cluster


def network(cluster: LabCluster) -> str:
    """The first three numbers of the hosts' addresses."""
    return cluster.on("cp1", "ip -o -4 addr show dev eth0").split()[3].rpartition(".")[0]


def failures(ran: Ran) -> dict[str, str]:
    """What was found, by check."""
    results: list[dict[str, Any]] = json.loads(ran.out)
    return {item["check"].partition("[")[0]: item["why"] for item in results if not item["passed"]}


def checks(ran: Ran) -> set[str]:
    return {item["check"].partition("[")[0] for item in json.loads(ran.out)}


def verify(cluster: LabCluster, *options: str) -> Ran:
    return cluster.tool("verify", "--output", "json", *options)


def test_each_way_in_is_proved_by_the_checks_it_calls_for(fresh_ways_in: LabCluster) -> None:
    of_one_pattern = {
        "load_balancer": {"test_announced_once", "test_service_address"},
        "host_network": {"test_one_on_every_host", "test_cluster_names"},
        "node_port": {"test_proxy_line_past_the_edge", "test_nodes"},
    }
    for pattern, own in of_one_pattern.items():
        ran = verify(applied(fresh_ways_in, pattern))
        assert failures(ran) == {}
        assert ran.code == 0, ran
        assert {"test_http", "test_certificates", "test_own_address", "test_rewrite", "test_vip"} <= checks(ran)
        others = set().union(*of_one_pattern.values()) - own
        assert (own <= checks(ran), others & checks(ran)) == (True, set())
    assert "k8snet-verify" not in fresh_ways_in.kubectl("get namespaces")


def test_a_host_of_the_inventory_asks_in_place_of_this_machine(fresh_ways_in: LabCluster) -> None:
    for host in ("cp1", "lb2"):
        ran = verify(fresh_ways_in, "--from", host)
        assert failures(ran) == {}
        assert host in {item["where"] for item in json.loads(ran.out) if item["check"] == "test_own_address"}


@pytest.mark.parametrize(
    ("name", "said"),
    [("nobody", "K8N401 --from matches nothing"), ("node1", "K8N403 --from names a node of the cluster")],
)
def test_a_client_that_is_none_is_refused(fresh_ways_in: LabCluster, name: str, said: str) -> None:
    ran = verify(fresh_ways_in, "--from", name)
    assert (ran.code, said in ran.err) == (1, True), ran


def test_what_is_broken_is_found(fresh_ways_in: LabCluster) -> None:
    """node_port is live; everything is broken at once, for each break has a check of its own."""
    cluster = fresh_ways_in
    break_things(cluster)
    found = failures(verify(cluster))
    expected = {
        "test_proxy_line_past_the_edge": "the pod saw the forged 192.0.2.66, expected the client's own address",
        "test_http": "app.lab.test/: found 200 to nowhere, expected 308 to https://app.lab.test/",
        "test_https": "shop.lab.test/cart: found 503, expected an answer of demo/shop",
        "test_certificates": "shop.lab.test: found certificate refused",
        "test_other_patterns": "found Deployment ingress-nginx/left of host_network",
        "test_admission": "found an Ingress taken whose host and path are another's, expected it refused",
        "test_vip": "found the VIP on lb1 and lb2",
        "test_units": "haproxy: found active, disabled, expected active, enabled",
    }
    assert {check: text in found.get(check, "") for check, text in expected.items()} == dict.fromkeys(expected, True)
    assert found.keys() - expected.keys() <= {"test_nodes"}  # depends on where the one controller that is left runs
    assert "k8snet-verify" not in cluster.kubectl("get namespaces")


def break_things(cluster: LabCluster) -> None:
    options = '{"data":{"proxy-real-ip-cidr":"0.0.0.0/0"}}'
    cluster.kubectl(f"{CONTROLLER} patch configmap ingress-nginx-node-port --type merge -p '{options}'")
    cluster.kubectl("-n demo annotate ingress app nginx.ingress.kubernetes.io/ssl-redirect=false")
    cluster.kubectl("delete validatingwebhookconfiguration ingress-nginx-webhook")
    cluster.kubectl(f"{CONTROLLER} create deployment left --image=left --replicas=0")
    labels = (
        "app.kubernetes.io/managed-by=k8snet-provision k8snet-provision/capability=ingress-nginx "
        "k8snet-provision/pattern=host_network"
    )
    cluster.kubectl(f"{CONTROLLER} label deployment left {labels}")
    cluster.kubectl("-n demo scale deployment shop --replicas=0")
    cluster.kubectl(f"{CONTROLLER} scale deployment ingress-nginx-node-port --replicas=1")
    key = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -keyout /tmp/k -out /tmp/c 2>/dev/null"
    secret = "kubectl -n demo create secret tls shop-tls --cert=/tmp/c --key=/tmp/k --dry-run=client -o yaml"
    cluster.on("cp1", f"{key} && {secret} | kubectl apply -f - && rm /tmp/k /tmp/c")
    for host in ("lb1", "lb2"):
        cluster.on(host, f"ip addr add {network(cluster)}.101/32 dev eth0 2>/dev/null || true")
    cluster.on("lb2", "systemctl disable haproxy 2>/dev/null")
