"""What has to happen to objects for another service range, from whatever state a cluster was left in."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from k8snet_provision import assets
from k8snet_provision.change import Action, Change
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from tests.deploys.worlds import a_service, a_service_cidr, a_state, a_world

service_range = assets.deploy_module("service_range")
coredns = assets.deploy_module("coredns")
holder = assets.deploy_module("service_range_steps").holder

OLD, NEW = "10.96.0.0/16", "10.254.0.0/16"
API, DNS = a_service("default", "kubernetes", "10.96.0.1"), a_service("kube-system", "kube-dns", "10.96.0.10")

CLUSTER_CONFIGURATION = """\
apiServer:
  extraArgs:
  - name: authorization-mode
    value: Node,RBAC
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
networking:
  dnsDomain: cluster.local
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/16
"""


def config_map(name: str, key: str, text: str) -> dict[str, object]:
    meta = {"name": name, "namespace": "kube-system", "resourceVersion": "3"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {key: text}}


def installed(**changed: object) -> ClusterState:
    values = {"services": [API, DNS], "service_cidrs": [a_service_cidr("kubernetes", OLD)], "objects": [API, DNS]}
    return a_state(**{**values, **changed})  # type: ignore[arg-type]


def wanting(tmp_path: Path, cidr: str, state: ClusterState, more: str = "") -> World:
    return a_world(tmp_path, f"service_cidr: {cidr}\n{more}", state=state)


def changes(world: World) -> dict[str, Change]:
    assert list(service_range.refusals(world)) == []
    return {change.name: change for change in service_range.cluster_changes(world)}


def after(change: Change) -> dict[str, object]:
    return YAML(typ="safe").load(change.after)  # type: ignore[no-any-return]


def codes(world: World) -> list[str]:
    return [problem.code for problem in service_range.refusals(world)]


def test_everything_moves_in_the_order_in_which_it_can(tmp_path: Path) -> None:
    found = changes(wanting(tmp_path, NEW, installed()))
    assert list(found) == ["ServiceCIDR kubernetes", "Service kube-system/kube-dns", "Service default/kubernetes"]
    assert after(found["ServiceCIDR kubernetes"])["spec"] == {"cidrs": [NEW]}
    assert "10.254.0.1\n" in str(found["Service default/kubernetes"].after)


def test_kube_dns_keeps_every_field_but_its_address(tmp_path: Path) -> None:
    change = changes(wanting(tmp_path, NEW, installed()))["Service kube-system/kube-dns"]
    before = YAML(typ="safe").load(change.before)
    spec = after(change)["spec"]
    assert spec == {**before["spec"], "clusterIP": "10.254.0.10", "clusterIPs": ["10.254.0.10"]}


def test_nothing_is_left_to_do_once_all_agree(tmp_path: Path) -> None:
    services = [a_service("default", "kubernetes", "10.254.0.1"), a_service("kube-system", "kube-dns", "10.254.0.10")]
    state = a_state(services=services, objects=services, service_cidrs=[a_service_cidr("kubernetes", NEW)])
    assert changes(wanting(tmp_path, NEW, state)) == {}


def test_a_run_cut_short_while_the_range_was_terminating_is_continued(tmp_path: Path) -> None:
    going = a_service_cidr("kubernetes", OLD, deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["x"])
    state = installed(service_cidrs=[going, a_service_cidr("k8snet-provision", NEW)], objects=[API], services=[API])
    found = changes(wanting(tmp_path, NEW, state))
    assert list(found) == ["ServiceCIDR kubernetes", "Service default/kubernetes"]
    assert "deletionTimestamp" not in str(found["ServiceCIDR kubernetes"].after)


def test_a_lost_kube_dns_is_made_again_where_coredns_runs(tmp_path: Path) -> None:
    coredns = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "coredns", "namespace": "kube-system"},
    }
    state = installed(objects=[API, coredns], services=[API])
    change = changes(wanting(tmp_path, NEW, state))["Service kube-system/kube-dns"]
    assert change.action is Action.CREATE
    assert after(change)["spec"]["clusterIP"] == "10.254.0.10"  # type: ignore[index]


def test_a_lost_kube_dns_of_ours_is_made_with_its_labels_where_no_range_holds_it_yet(tmp_path: Path) -> None:
    state = installed(objects=[API], services=[API])
    world = wanting(tmp_path, NEW, state, "dns: {replicas: 2}")
    change = changes(world)["Service kube-system/kube-dns"]
    assert after(change)["spec"]["clusterIP"] == "10.254.0.10"  # type: ignore[index]
    assert after(change)["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "k8snet-provision"  # type: ignore[index]
    assert "kube-dns" not in [m["metadata"]["name"] for m in coredns.manifests(world)]


def test_a_lost_kube_dns_of_ours_is_left_to_its_phase_once_the_range_is_there(tmp_path: Path) -> None:
    services = [a_service("default", "kubernetes", "10.254.0.1")]
    state = a_state(services=services, objects=services, service_cidrs=[a_service_cidr("kubernetes", NEW)])
    world = wanting(tmp_path, NEW, state, "dns: {replicas: 2}")
    assert changes(world) == {}
    assert "kube-dns" in [m["metadata"]["name"] for m in coredns.manifests(world)]


def test_the_temporary_range_of_a_run_cut_short_is_removed(tmp_path: Path) -> None:
    services = [a_service("default", "kubernetes", "10.254.0.1"), a_service("kube-system", "kube-dns", "10.254.0.10")]
    left = [a_service_cidr(holder([cidr]), cidr) for cidr in (NEW, "10.96.0.0/16")]
    state = a_state(services=services, objects=services, service_cidrs=[a_service_cidr("kubernetes", NEW), *left])
    found = changes(wanting(tmp_path, NEW, state))
    assert [(name, change.action) for name, change in found.items()] == [
        ("ServiceCIDR k8snet-provision-10-254-0-0-16", Action.DELETE),
        ("ServiceCIDR k8snet-provision-10-96-0-0-16", Action.DELETE),
    ]


def test_what_a_rollback_takes_along_asks_for_no_range(tmp_path: Path) -> None:
    """The topology still wants the new one, and the old one is in use."""
    left = a_service_cidr(holder([NEW]), NEW)
    state = installed(objects=[API, DNS], services=[API, DNS], service_cidrs=[a_service_cidr("kubernetes", OLD), left])
    world = wanting(tmp_path, NEW, state)
    gone = list(service_range.CAPABILITY.left_over(world))
    assert [(change.name, change.action) for change in gone] == [(f"ServiceCIDR {holder([NEW])}", Action.DELETE)]
    (gate,) = service_range.CAPABILITY.gates
    assert gate.script(world, "cp1", gone) is None
    assert gate.script(world, "cp1", [*gone, *changes(world).values()]) is not None


def test_a_temporary_range_that_is_already_going_is_left_to_go(tmp_path: Path) -> None:
    services = [a_service("default", "kubernetes", "10.254.0.1"), a_service("kube-system", "kube-dns", "10.254.0.10")]
    left = a_service_cidr(holder([NEW]), NEW, deletionTimestamp="2026-01-01T00:00:00Z")
    state = a_state(services=services, objects=services, service_cidrs=[a_service_cidr("kubernetes", NEW), left])
    assert changes(wanting(tmp_path, NEW, state)) == {}


def test_a_wider_range_with_the_same_beginning_moves_no_service(tmp_path: Path) -> None:
    web = a_service("shop", "web", "10.96.7.7")
    found = changes(wanting(tmp_path, "10.96.0.0/12", installed(services=[API, DNS, web])))
    assert list(found) == ["ServiceCIDR kubernetes"]


def test_a_second_family_is_added_without_moving_a_service(tmp_path: Path) -> None:
    found = changes(wanting(tmp_path, f"[{OLD}, 'fd00:96::/108']", installed()))
    assert list(found) == ["ServiceCIDR kubernetes"]
    assert after(found["ServiceCIDR kubernetes"])["spec"] == {"cidrs": [OLD, "fd00:96::/108"]}


def test_a_dual_stack_kube_dns_has_the_tenth_address_of_each_range(tmp_path: Path) -> None:
    dns = a_service("kube-system", "kube-dns", "10.96.0.10", "fd00:96::a")
    state = installed(
        services=[API, dns], objects=[API, dns], service_cidrs=[a_service_cidr("kubernetes", OLD, "fd00:96::/108")]
    )
    found = changes(wanting(tmp_path, f"[{NEW}, 'fd00:254::/108']", state))
    spec = after(found["Service kube-system/kube-dns"])["spec"]
    assert spec["clusterIPs"] == ["10.254.0.10", "fd00:254::a"]  # type: ignore[index]
    assert spec["ipFamilyPolicy"] == "PreferDualStack"  # type: ignore[index]


def test_other_services_outside_the_new_range_are_listed_and_refused(tmp_path: Path) -> None:
    web = a_service("shop", "web", "10.96.7.7")
    problems = list(service_range.refusals(wanting(tmp_path, NEW, installed(services=[API, DNS, web]))))
    assert [problem.code for problem in problems] == ["K8N311"]
    assert problems[0].found == "shop/web (10.96.7.7)"


def test_services_in_a_range_of_their_own_are_left_alone(tmp_path: Path) -> None:
    web, headless = a_service("shop", "web", "10.20.0.7"), a_service("shop", "db", "None")
    ranges = [a_service_cidr("kubernetes", OLD), a_service_cidr("shop", "10.20.0.0/24")]
    state = installed(services=[API, DNS, web, headless], service_cidrs=ranges)
    assert "ServiceCIDR kubernetes" in changes(wanting(tmp_path, NEW, state))


def test_a_service_at_the_address_of_dns_is_refused(tmp_path: Path) -> None:
    web = a_service("shop", "web", "10.254.0.10")
    state = installed(
        services=[API, DNS, web], service_cidrs=[a_service_cidr("kubernetes", OLD), a_service_cidr("x", NEW)]
    )
    assert codes(wanting(tmp_path, NEW, state)) == ["K8N312"]


def test_kubernetes_without_service_cidrs_is_refused_with_its_version(tmp_path: Path) -> None:
    world = wanting(tmp_path, NEW, installed(service_cidrs=None, version="v1.32.4"))
    problems = list(service_range.refusals(world))
    assert [(problem.code, problem.found) for problem in problems] == [("K8N310", "v1.32.4")]
    assert list(service_range.cluster_changes(world)) == []


def test_an_older_kubernetes_whose_range_stays_is_no_problem(tmp_path: Path) -> None:
    assert codes(wanting(tmp_path, OLD, installed(service_cidrs=None, version="v1.32.4"))) == []


def test_what_cannot_be_observed_is_unknown_and_not_a_change(tmp_path: Path) -> None:
    world = wanting(tmp_path, NEW, ClusterState(None, "no control plane answered"))
    with pytest.raises(Unknown, match="no control plane answered"):
        list(service_range.cluster_changes(world))


def test_kubeadms_configuration_follows_and_keeps_its_other_lines(tmp_path: Path) -> None:
    live = config_map("kubeadm-config", "ClusterConfiguration", CLUSTER_CONFIGURATION)
    found = changes(wanting(tmp_path, NEW, installed(objects=[API, DNS, live])))
    data = after(found["ConfigMap kube-system/kubeadm-config"])["data"]
    expected = CLUSTER_CONFIGURATION.replace("serviceSubnet: 10.96.0.0/16", "serviceSubnet: 10.254.0.0/16")
    assert data == {"ClusterConfiguration": expected}


def test_node_ports_that_kubeadm_would_take_back_are_written_into_its_configuration(tmp_path: Path) -> None:
    text = CLUSTER_CONFIGURATION.replace(
        "    value: Node,RBAC\n", "    value: Node,RBAC\n  - name: service-node-port-range\n    value: 30000-32767\n"
    )
    live = config_map("kubeadm-config", "ClusterConfiguration", text)
    world = wanting(tmp_path, OLD, installed(objects=[API, DNS, live]), "node_port_range: 31000-32000")
    data = after(changes(world)["ConfigMap kube-system/kubeadm-config"])["data"]
    assert data == {"ClusterConfiguration": text.replace("30000-32767", "31000-32000")}


def test_node_ports_are_added_where_kubeadms_configuration_has_none(tmp_path: Path) -> None:
    live = config_map("kubeadm-config", "ClusterConfiguration", CLUSTER_CONFIGURATION)
    world = wanting(tmp_path, OLD, installed(objects=[API, DNS, live]), "node_port_range: 31000-32000")
    data = after(changes(world)["ConfigMap kube-system/kubeadm-config"])["data"]
    configuration = YAML(typ="safe").load(data["ClusterConfiguration"])  # type: ignore[index]
    assert configuration["apiServer"]["extraArgs"] == [
        {"name": "authorization-mode", "value": "Node,RBAC"},
        {"name": "service-node-port-range", "value": "31000-32000"},
    ]


def test_node_ports_are_added_where_kubeadm_was_given_no_arguments(tmp_path: Path) -> None:
    text = "apiServer: {}\napiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\nnetworking:\n"
    text += "  dnsDomain: cluster.local\n  serviceSubnet: 10.96.0.0/16\n"
    live = config_map("kubeadm-config", "ClusterConfiguration", text)
    world = wanting(tmp_path, OLD, installed(objects=[API, DNS, live]), "node_port_range: 31000-32000")
    data = after(changes(world)["ConfigMap kube-system/kubeadm-config"])["data"]
    configuration = YAML(typ="safe").load(data["ClusterConfiguration"])  # type: ignore[index]
    assert configuration["apiServer"]["extraArgs"] == [{"name": "service-node-port-range", "value": "31000-32000"}]


def test_new_nodes_are_told_the_new_dns_address(tmp_path: Path) -> None:
    live = config_map("kubelet-config", "kubelet", "clusterDNS:\n- 10.96.0.10\nclusterDomain: cluster.local\n")
    found = changes(wanting(tmp_path, NEW, installed(objects=[API, DNS, live])))
    data = after(found["ConfigMap kube-system/kubelet-config"])["data"]
    assert data == {"kubelet": "clusterDNS:\n- 10.254.0.10\nclusterDomain: cluster.local\n"}
