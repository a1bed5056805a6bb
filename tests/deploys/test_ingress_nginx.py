"""ingress-nginx in a plan: each pattern's own objects, and nothing that belongs to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from k8snet_provision import assets
from k8snet_provision.change import Action
from k8snet_provision.ingress import controller
from k8snet_provision.ingress.paths import NODE_LABEL, PATTERN_LABEL, ROWS
from k8snet_provision.resources.kube_object import Manifest, owner
from tests.deploys.ingress_world import LABELLED, PATTERNS, Scene, an_ingress, there

ingress_gates = assets.deploy_module("ingress_gates")


def objects(tmp_path: Path, ingress: str) -> dict[str, Manifest]:
    """By kind; of kinds with several objects the one of the pattern."""
    return {item["kind"]: item for item in controller.objects(Scene(ingress).world(tmp_path))}


def workload(found: dict[str, Manifest]) -> Any:
    return (found.get("Deployment") or found["DaemonSet"])["spec"]


def pod(found: dict[str, Manifest]) -> Any:
    return workload(found)["template"]["spec"]


def flags(found: dict[str, Manifest]) -> list[str]:
    return list(pod(found)["containers"][0]["args"])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_way_in_has_names_of_its_own(tmp_path: Path, pattern: str) -> None:
    own = [m for m in controller.objects(Scene(f"pattern: {pattern}").world(tmp_path)) if labels(m).get(PATTERN_LABEL)]
    row = ROWS[pattern]  # type: ignore[index]
    assert {m["metadata"]["name"] for m in own} == {row.name, f"{row.name}-status"}
    assert {labels(m)[PATTERN_LABEL] for m in own} == {pattern}
    assert row.workload in {m["kind"] for m in own}


def labels(item: Manifest) -> dict[str, str]:
    return dict(item["metadata"].get("labels") or {})


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("load_balancer", "--publish-service=$(POD_NAMESPACE)/ingress-nginx-load-balancer"),
        ("node_port", "--publish-status-address=192.0.2.101"),
        ("host_network", "--report-node-internal-ip-address=true"),
        ("host_network\nhost_network: {behind_edge: true}", "--publish-status-address=192.0.2.101"),
    ],
)
def test_the_status_of_ingresses_comes_from_where_clients_go(tmp_path: Path, pattern: str, status: str) -> None:
    about_status = [
        flag for flag in flags(objects(tmp_path, f"pattern: {pattern}")) if flag.startswith(("--pub", "--rep"))
    ]
    assert about_status == [status]


@pytest.mark.parametrize("pattern", ["node_port", "host_network\nhost_network: {behind_edge: true}"])
def test_exactly_the_edge_hosts_are_believed_about_client_addresses(tmp_path: Path, pattern: str) -> None:
    data = objects(tmp_path, f"pattern: {pattern}\nconfig: {{proxy-body-size: 16m}}")["ConfigMap"]["data"]
    assert data["use-proxy-protocol"] == "true"
    assert data["proxy-real-ip-cidr"] == "192.0.2.31/32,192.0.2.32/32"
    assert data["proxy-body-size"] == "16m"


@pytest.mark.parametrize("pattern", ["load_balancer", "host_network"])
def test_nobody_is_believed_where_clients_come_themselves(tmp_path: Path, pattern: str) -> None:
    assert not {"use-proxy-protocol", "proxy-real-ip-cidr"} & set(
        objects(tmp_path, f"pattern: {pattern}")["ConfigMap"]["data"]
    )


def test_a_load_balancer_keeps_client_addresses_and_opens_no_node_ports(tmp_path: Path) -> None:
    service = objects(tmp_path, "pattern: load_balancer")["Service"]
    assert service["metadata"]["annotations"] == {"metallb.io/loadBalancerIPs": "192.0.2.200"}
    assert service["spec"]["externalTrafficPolicy"] == "Local"
    assert service["spec"]["allocateLoadBalancerNodePorts"] is False


def test_a_load_balancer_gets_an_address_that_no_service_has(tmp_path: Path) -> None:
    taken = {"metadata": {"name": "x", "namespace": "y"}, "spec": {}}
    scene = Scene(services=[{**taken, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.200"}]}}}])
    (service,) = [m for m in controller.objects(scene.world(tmp_path)) if m["metadata"].get("annotations", {}).get(
        "metallb.io/loadBalancerIPs")]  # fmt: skip
    assert service["metadata"]["annotations"]["metallb.io/loadBalancerIPs"] == "192.0.2.201"


def test_node_ports_are_the_fixed_ones(tmp_path: Path) -> None:
    spec = objects(tmp_path, "pattern: node_port\nnode_port: {http: 30180}")["Service"]["spec"]
    assert {port["name"]: port["nodePort"] for port in spec["ports"]} == {
        "http": 30180,
        "https": 30043,
        "healthz": 30054,
    }
    assert (spec["type"], spec["externalTrafficPolicy"]) == ("NodePort", "Local")


def test_the_host_network_is_used_on_chosen_nodes_only_and_names_of_the_cluster_resolve_there(tmp_path: Path) -> None:
    found = objects(tmp_path, "pattern: host_network")
    assert pod(found)["hostNetwork"] is True
    assert pod(found)["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert pod(found)["nodeSelector"] == {"kubernetes.io/os": "linux", NODE_LABEL: "true"}
    assert workload(found)["updateStrategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert found["Service"]["metadata"]["name"] == "ingress-nginx-webhook"


@pytest.mark.parametrize("pattern", ["load_balancer", "node_port"])
def test_a_new_pod_serves_before_an_old_one_ends(tmp_path: Path, pattern: str) -> None:
    found = objects(tmp_path, f"pattern: {pattern}")
    assert workload(found)["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert workload(found)["minReadySeconds"] >= 6
    probe = pod(found)["containers"][0]["readinessProbe"]
    assert (probe["successThreshold"] - 1) * probe["periodSeconds"] >= 2  # seconds until nginx has its backends
    assert int(next(f for f in flags(found) if "shutdown-grace" in f and "post" not in f).partition("=")[2]) >= 6


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_controller_has_one_capability_and_no_more(tmp_path: Path, pattern: str) -> None:
    context = pod(objects(tmp_path, f"pattern: {pattern}"))["containers"][0]["securityContext"]
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
    assert (context["runAsUser"], context["runAsNonRoot"], context["allowPrivilegeEscalation"]) == (101, True, False)


def test_options_become_flags(tmp_path: Path) -> None:
    extra = (
        "default_backend: {name: not-found}\ndefault_class: true\nadmission: false\nmetrics: false\nclass_name: shop"
    )
    found = flags(objects(tmp_path, f"pattern: load_balancer\n{extra}"))
    assert "--default-backend-service=default/not-found" in found
    assert "--watch-ingress-without-class=true" in found
    assert "--enable-metrics=false" in found
    assert "--controller-class=k8s.io/ingress-nginx-shop" in found
    assert not [flag for flag in found if "webhook" in flag]


def test_only_api_servers_reach_the_webhook(tmp_path: Path) -> None:
    rules = objects(tmp_path, "pattern: load_balancer")["NetworkPolicy"]["spec"]["ingress"]
    (webhook,) = [rule for rule in rules if rule["ports"] == [{"protocol": "TCP", "port": 8443}]]
    assert webhook["from"] == [{"ipBlock": {"cidr": "192.0.2.11/32"}}]


def test_without_the_section_nothing_changes(tmp_path: Path) -> None:
    plan = Scene("", owned=there(tmp_path, "node_port")).plan(tmp_path)
    assert (plan.changes, plan.problems, plan.incomplete) == ((), (), ())


def test_what_is_there_is_not_changed_again(tmp_path: Path) -> None:
    owned = there(tmp_path, "load_balancer", "admission: false")
    plan = Scene("pattern: load_balancer\nadmission: false", owned=owned).plan(tmp_path)
    assert (plan.changes, plan.problems, plan.incomplete) == ((), (), ())


@pytest.mark.parametrize("old", PATTERNS)
@pytest.mark.parametrize("new", PATTERNS)
def test_an_old_way_in_is_deleted_last_and_nothing_shared_with_it(tmp_path: Path, old: str, new: str) -> None:
    owned = there(tmp_path, old, "admission: false")
    nodes = LABELLED if old == "host_network" else Scene.nodes
    plan = Scene(f"pattern: {new}\nadmission: false", owned=owned, nodes=nodes).plan(tmp_path)
    deleted = [change for change in plan.changes if change.action is Action.DELETE]
    if old == new:
        assert plan.changes == ()
        return
    own = {f"{m['kind']} {m['metadata']['name']}" for m in owned if labels(m).get(PATTERN_LABEL)}
    own |= {"Node n1 label", "Node n2 label"} if old == "host_network" else set()
    assert {change.name.replace("ingress-nginx/", "", 1) for change in deleted} == own
    assert {change.phase for change in deleted} == {"ingress-traffic", "ingress-retired"}
    assert [change.name for change in deleted if change.phase == "ingress-traffic"] == [
        f"ClusterRoleBinding {ROWS[old].name}-status"  # type: ignore[index]
    ]
    phases = list(dict.fromkeys(change.phase for change in plan.changes))
    order = ["ingress-nodes", "ingress-nginx", "ingress-traffic", "ingress-retired"]
    assert phases == [phase for phase in order if phase in phases]
    assert {"ingress-nginx", "ingress-traffic", "ingress-retired"} <= set(phases)


def test_the_namespace_is_not_ours_to_delete(tmp_path: Path) -> None:
    assert owner(objects(tmp_path, "pattern: load_balancer")["Namespace"]) == ""


def test_hostile_hosts_of_ingresses_are_asked_for_by_nobody(tmp_path: Path) -> None:
    bad = an_ingress("bad", host="$(reboot).example.com")
    scene = Scene(ingresses=[bad, an_ingress()])
    script = str(ingress_gates.right_answers(scene.world(tmp_path), "cp1", scene.plan(tmp_path).of("ingress-nginx")))
    assert "app.example.com" in script
    assert "reboot" not in script
