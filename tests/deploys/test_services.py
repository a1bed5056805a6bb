"""Services of the catalogue in a plan: what an entry becomes, what is made anew, what is nobody's business."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision import assets, planning
from k8snet_provision.capability import Phase
from k8snet_provision.change import Change
from k8snet_provision.plan import Plan
from k8snet_provision.resources.kube_object import ObjectRef, owned_by
from k8snet_provision.seen import World
from tests.deploys.worlds import a_service, a_state, a_world

services = assets.deploy_module("services")

DEMO = ObjectRef("v1", "Namespace", "demo").skeleton()
Object = Mapping[str, Any]

PLAIN = "selector: {app: a}, ports: [{port: 80}]"


def world(tmp_path: Path, entries: str, *objects: Object, cidr: str = "10.254.0.0/16") -> World:
    """`objects` are there, and those with our label are known to be ours."""
    owned = [item for item in objects if "labels" in item["metadata"]]
    state = a_state(objects=[DEMO, *objects], owned=owned)
    return a_world(tmp_path, f"service_cidr: {cidr}\n{entries}", state=state)


def planned(world: World) -> Plan:
    plan = planning.make([Phase(services.CAPABILITY)], world, ["cp1"], 0.0)
    assert plan.incomplete == ()
    return plan


def wanted(tmp_path: Path, entry: str, cidr: str = "10.254.0.0/16") -> dict[str, Any]:
    """The manifests of one entry by kind and name."""
    made = services.manifests(world(tmp_path, f"services:\n- {{name: shop, namespace: demo, {entry}}}", cidr=cidr))
    return {f"{item['kind']} {item['metadata']['name']}": item for item in made}


def ours(name: str, address: str = "10.254.0.9", **spec: Any) -> dict[str, Any]:
    service = owned_by("services", a_service("demo", name, address))
    return {**service, "spec": {**service["spec"], **spec}}


def summary(changes: Sequence[Change]) -> list[tuple[str, str]]:
    return [(change.details["how"], change.name) for change in changes]


@pytest.mark.parametrize(
    ("entry", "spec"),
    [
        (
            "selector: {app: a}, ports: [{port: 80, target_port: http}]",
            {
                "type": "ClusterIP",
                "selector": {"app": "a"},
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": "http"}],
                "sessionAffinity": "None",
            },
        ),
        (
            "type: NodePort, selector: {app: a}, ports: [{port: 80, node_port: 30123, app_protocol: http}]",
            {
                "type": "NodePort",
                "selector": {"app": "a"},
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30123, "appProtocol": "http"}],
                "externalTrafficPolicy": "Cluster",
                "sessionAffinity": "None",
            },
        ),
        (
            "type: LoadBalancer, selector: {app: a}, external_traffic_policy: Local, "
            "ports: [{port: 53, protocol: UDP, name: dns}]",
            {
                "type": "LoadBalancer",
                "selector": {"app": "a"},
                "ports": [{"port": 53, "protocol": "UDP", "targetPort": 53, "name": "dns"}],
                "externalTrafficPolicy": "Local",
                "sessionAffinity": "None",
            },
        ),
        (
            "type: ExternalName, external_name: db.corp.example",
            {"type": "ExternalName", "externalName": "db.corp.example"},
        ),
        (
            "headless: true, selector: {app: a}, ports: [{port: 80}]",
            {
                "type": "ClusterIP",
                "clusterIP": "None",
                "selector": {"app": "a"},
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
                "sessionAffinity": "None",
            },
        ),
        (
            "session_affinity: true, affinity_timeout: 60, selector: {app: a}, ports: [{port: 80}]",
            {
                "type": "ClusterIP",
                "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
                "selector": {"app": "a"},
                "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
            },
        ),
    ],
)
def test_each_kind_of_entry_is_the_service_that_the_api_describes(
    tmp_path: Path, entry: str, spec: Mapping[str, Any]
) -> None:
    assert wanted(tmp_path, entry)["Service shop"]["spec"] == spec


def test_a_load_balancers_address_is_asked_for_by_metallbs_annotation(tmp_path: Path) -> None:
    entry = (
        "type: LoadBalancer, address: 192.0.2.201, annotations: {a.example/b: c}, selector: {a: b}, ports: [{port: 80}]"
    )
    service = wanted(tmp_path, entry)["Service shop"]
    assert service["metadata"]["annotations"] == {"a.example/b": "c", "metallb.io/loadBalancerIPs": "192.0.2.201"}
    assert "loadBalancerIP" not in service["spec"]


def test_endpoints_outside_become_a_slice_of_each_family_that_no_controller_touches(tmp_path: Path) -> None:
    found = wanted(
        tmp_path,
        "endpoints: [192.0.2.60, 192.0.2.61, '2001:db8::60'], ports: [{port: 5432, name: sql, target_port: 5433}]",
        cidr="[10.254.0.0/16, fd00:254::/108]",
    )
    assert set(found) == {"Service shop", "EndpointSlice shop-ipv4", "EndpointSlice shop-ipv6"}
    assert "selector" not in found["Service shop"]["spec"]
    assert found["Service shop"]["spec"]["ipFamilyPolicy"] == "PreferDualStack"
    four = found["EndpointSlice shop-ipv4"]
    assert four["addressType"] == "IPv4"
    assert [endpoint["addresses"] for endpoint in four["endpoints"]] == [["192.0.2.60"], ["192.0.2.61"]]
    assert four["ports"] == [{"name": "sql", "port": 5433, "protocol": "TCP"}]
    assert four["metadata"]["labels"]["kubernetes.io/service-name"] == "shop"
    assert four["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"] == "k8snet-provision"
    assert [e["addresses"] for e in found["EndpointSlice shop-ipv6"]["endpoints"]] == [["2001:db8::60"]]


def test_a_family_that_is_not_the_clusters_default_is_asked_for(tmp_path: Path) -> None:
    spec = wanted(tmp_path, "endpoints: ['2001:db8::60'], ports: [{port: 80}]")["Service shop"]["spec"]
    assert (spec["ipFamilies"], spec["ipFamilyPolicy"]) == (["IPv6"], "SingleStack")


@pytest.mark.parametrize(
    ("section", "deleted"),
    [("", []), ("services: []", [("delete", "Service demo/old")])],
)
def test_an_empty_list_deletes_ours_and_a_missing_one_nothing(
    tmp_path: Path, section: str, deleted: list[tuple[str, str]]
) -> None:
    assert summary(
        planned(world(tmp_path, section, ours("old"), a_service("demo", "theirs", "10.254.0.8"))).changes
    ) == (deleted)


@pytest.mark.parametrize("labels", [{}, {"app.kubernetes.io/managed-by": "Helm"}])
def test_a_service_of_somebody_else_is_refused_where_it_was_written(tmp_path: Path, labels: dict[str, str]) -> None:
    foreign = a_service("demo", "shop", "10.254.0.8", labels=labels)
    entries = "services:\n- name: shop\n  namespace: demo\n  selector: {a: b}\n  ports: [{port: 53, protocol: UDP}]"
    (problem,) = planned(world(tmp_path, entries, foreign)).problems
    assert problem.code == "K8N341"
    assert str(problem.where).endswith("topology.yml:4")
    assert "kubectl -n demo label --overwrite service shop" in problem.hint


def test_a_service_of_another_part_of_the_topology_is_refused(tmp_path: Path) -> None:
    other = owned_by("ingress-nginx", a_service("demo", "shop", "10.254.0.8"))
    (problem,) = planned(world(tmp_path, f"services: [{{name: shop, namespace: demo, {PLAIN}}}]", other)).problems
    assert (problem.code, "ingress-nginx" in problem.text) == ("K8N341", True)


def test_a_namespace_that_is_not_there_is_named_where_it_was_written(tmp_path: Path) -> None:
    entries = "services:\n- name: shop\n  namespace: nowhere\n  selector: {a: b}\n  ports: [{port: 80}]"
    (problem,) = planned(world(tmp_path, entries)).problems
    assert (problem.code, str(problem.where).rpartition("/")[2]) == ("K8N340", "topology.yml:5")


@pytest.mark.parametrize(
    ("entry", "live"),
    [
        ("headless: true, selector: {app: a}", {}),
        (PLAIN, {"clusterIP": "None", "clusterIPs": ["None"]}),
    ],
)
def test_between_cluster_ip_and_headless_a_service_is_made_anew(
    tmp_path: Path, entry: str, live: dict[str, Any]
) -> None:
    found = world(tmp_path, f"services: [{{name: shop, namespace: demo, {entry}}}]", ours("shop", **live))
    (change,) = planned(found).changes
    assert (change.details["how"], "another address" in change.because) == ("recreate", True)
    sent = json.loads(change.details["manifest"])["spec"]
    assert sent.get("clusterIP") == ("None" if "headless" in entry else None)


def test_a_service_that_loses_its_selector_is_made_anew_at_its_address(tmp_path: Path) -> None:
    """The cluster's controller leaves the endpoints of the old selector behind."""
    entry = "services: [{name: shop, namespace: demo, endpoints: [192.0.2.60], ports: [{port: 80}]}]"
    changes = planned(world(tmp_path, entry, ours("shop"))).changes
    assert summary(changes) == [("apply", "EndpointSlice demo/shop-ipv4"), ("recreate", "Service demo/shop")]
    assert json.loads(changes[1].details["manifest"])["spec"]["clusterIP"] == "10.254.0.9"


@pytest.mark.parametrize("entry", [f"type: NodePort, {PLAIN}", "type: ExternalName, external_name: a.example"])
def test_other_types_are_changed_in_place(tmp_path: Path, entry: str) -> None:
    found = world(tmp_path, f"services: [{{name: shop, namespace: demo, {entry}}}]", ours("shop"))
    assert summary(planned(found).changes) == [("apply", "Service demo/shop")]


def a_slice(service: str, *, ready: bool | None) -> dict[str, Any]:
    item = ObjectRef("discovery.k8s.io/v1", "EndpointSlice", f"{service}-x7k2p", "demo").skeleton()
    labels = {"kubernetes.io/service-name": service}
    endpoints = [] if ready is None else [{"addresses": ["10.244.1.2"], "conditions": {"ready": ready}}]
    meta = {**item["metadata"], "ownerReferences": [{"kind": "Service", "name": service}], "labels": labels}
    return owned_by("services", {**item, "metadata": meta, "addressType": "IPv4", "endpoints": endpoints})


@pytest.mark.parametrize(("ready", "said"), [(True, False), (False, True), (None, True)])
def test_a_service_without_a_ready_endpoint_is_said_and_its_slices_are_not_deleted(
    tmp_path: Path, ready: bool | None, said: bool
) -> None:
    entry = "services: [{name: shop, namespace: demo, selector: {a: b}, ports: [{port: 80}]}]"
    plan = planned(world(tmp_path, entry, ours("shop"), a_slice("shop", ready=ready)))
    assert any("no endpoint that is ready" in notice for notice in plan.notices) == said
    assert "delete" not in [how for how, _ in summary(plan.changes)]


@pytest.mark.parametrize(("status", "said"), [({}, True), ({"ingress": [{"ip": "192.0.2.201"}]}, False)])
def test_a_load_balancer_without_an_address_is_said(tmp_path: Path, status: dict[str, Any], said: bool) -> None:
    live = {**ours("shop", type="LoadBalancer"), "status": {"loadBalancer": status}}
    entry = "services: [{name: shop, namespace: demo, type: LoadBalancer, selector: {a: b}, ports: [{port: 80}]}]"
    assert any("has no address yet" in n for n in planned(world(tmp_path, entry, live)).notices) == said


@pytest.mark.parametrize(
    ("address", "given", "code"),
    [
        ("", "192.0.2.7 ", 0),
        ("", " lb.example", 0),
        ("", " ", 1),
        ("address: 192.0.2.201,", "192.0.2.201 ", 0),
        ("address: 192.0.2.201,", "192.0.2.20 ", 1),
        ("address: 192.0.2.201,", "192.0.2.7 192.0.2.201 ", 0),
    ],
)
def test_the_gate_waits_for_the_address_that_is_asked_for(tmp_path: Path, address: str, given: str, code: int) -> None:
    entry = f"services: [{{name: shop, namespace: demo, type: LoadBalancer, {address} {PLAIN}}}]"
    found = world(tmp_path, entry)
    script = services.addresses_given(found, "cp1", planned(found).changes).removeprefix(found.prelude)
    kubectl = f"""K() {{ case $2 in service) echo '{given}' ;; *) echo "AllocationFailed: taken" ;; esac; }}\n"""
    ran = subprocess.run(["sh"], input=kubectl + script, capture_output=True, text=True, check=False, timeout=30)
    assert (ran.returncode, "AllocationFailed: taken" in ran.stdout) == (code, code == 1)


def test_the_gate_has_nothing_to_wait_for_without_a_load_balancer(tmp_path: Path) -> None:
    found = world(tmp_path, f"services: [{{name: shop, namespace: demo, {PLAIN}}}]")
    assert services.addresses_given(found, "cp1", planned(found).changes) is None
