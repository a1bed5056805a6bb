"""Nodes, workloads and ingress controllers, as kubectl's rows tell them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.preflight import ingress, nodes, workloads
from k8snet_provision.preflight.workloads import Workload
from k8snet_provision.resources.probe import HostSeen, Seen, State, Unknown
from k8snet_provision.topology.ingress import Ingress

ADDRESSES = {"node1": "10.0.0.21"}


def said(key: str, text: str) -> HostSeen:
    return HostSeen("cp1", {key: Seen(State.PRESENT, text.encode())})


def node_problems(rows: str) -> list[tuple[str, str, str, str]]:
    found = nodes.problems(nodes.read(said(nodes.KEY, rows)), ADDRESSES)
    return [(p.code, str(p.where), p.found, str(p.severity)) for p in found]


def test_a_node_that_is_ready_is_no_problem() -> None:
    assert node_problems("w1|10.0.0.21,||DiskPressure=False=None Ready=True=KubeletReady \n") == []


def test_a_node_that_is_not_ready_is_told_as_the_inventory_s_host() -> None:
    rows = "w1|10.0.0.21,||Ready=Unknown=NodeStatusUnknown \nw2|10.0.0.22,||Ready=False=KubeletNotReady \nw3|||\n"
    assert node_problems(rows) == [
        ("K8N469", "node1", "Ready is Unknown, NodeStatusUnknown", "error"),
        ("K8N469", "w2", "Ready is False, KubeletNotReady", "error"),
        ("K8N469", "w3", "Ready is missing, no condition Ready", "error"),
    ]


def test_a_node_that_takes_no_new_pods_is_warned_of() -> None:
    rows = "w1|10.0.0.21,|cordoned|Ready=True=KubeletReady \n"
    rows += "w2|||DiskPressure=True=KubeletHasDiskPressure Ready=True=KubeletReady \n"
    assert node_problems(rows) == [
        ("K8N471", "node1", "cordoned", "warning"),
        ("K8N471", "w2", "DiskPressure", "warning"),
    ]


def test_a_cluster_without_nodes_or_workloads_was_not_read() -> None:
    with pytest.raises(Unknown):
        nodes.read(said(nodes.KEY, ""))
    with pytest.raises(Unknown):
        workloads.read(said(workloads.KEY, ""))


def workload(row: str) -> Workload:
    (found,) = workloads.read(said(workloads.KEY, f"{row}\n"))
    return found


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("Deployment|kube-system|dns|2|2|2|2|2|2|RollingUpdate|1", ""),
        ("Deployment|kube-system|dns|3|2|2|2|2|2|RollingUpdate|1", "its controller has not seen its last change"),
        ("Deployment|kube-system|dns|2|2|2|1|3|2|RollingUpdate|1", "1 of 2 pods are new"),
        ("Deployment|kube-system|dns|2|2|2|2|3|2|RollingUpdate|1", "1 old pods are still there"),
        ("Deployment|kube-system|dns|2|2|2|2|2|1|RollingUpdate|1", "1 of 2 pods are available"),
        ("Deployment|kube-system|none|1|1|0|0|0|0|RollingUpdate|25%", ""),
        ("DaemonSet|kube-system|proxy|1|1|3|3|3|3|RollingUpdate|", ""),
        ("DaemonSet|kube-system|proxy|1|1|3|2|3|3|RollingUpdate|", "2 of 3 pods are new"),
        ("DaemonSet|kube-system|proxy|1|1|3|2|3|3|OnDelete|", ""),
        ("StatefulSet|kube-system|store|1|1|3|3|3|2|RollingUpdate|", "2 of 3 pods are available"),
    ],
)
def test_a_roll_out_is_in_progress_until_all_pods_are_new_and_available(row: str, found: str) -> None:
    told = [problem.found for problem in workloads.problems([workload(row)], frozenset({"kube-system"}), {})]
    assert told == ([found] if found else [])


@pytest.mark.parametrize(
    ("row", "pod"),
    [
        ("DaemonSet|kube-system|proxy|1|1|3|3|3|1|RollingUpdate|", "pod|of|DaemonSet|kube-system|proxy"),
        ("Deployment|kube-system|dns|2|2|3|3|3|1|RollingUpdate|1", "pod|of|ReplicaSet|kube-system|dns-5d78c9869d"),
        ("StatefulSet|kube-system|store|1|1|3|3|3|1|RollingUpdate|", "pod|of|StatefulSet|kube-system|store"),
    ],
)
def test_pods_on_a_node_that_is_silent_are_not_told_again(row: str, pod: str) -> None:
    """Those of others, and more than are there, are."""
    silent = "w1|10.0.0.21,||Ready=Unknown=NodeStatusUnknown\npod|of|ReplicaSet|kube-system|other-5d78c9869d\n"
    told = [
        list(workloads.problems([workload(row)], frozenset({"kube-system"}), silenced(silent + f"{pod}\n" * pods)))
        for pods in (1, 2)
    ]
    assert [len(problems) for problems in told] == [1, 0]


def silenced(rows: str) -> Mapping[str, int]:
    assert len(nodes.read(said(nodes.KEY, rows))) == 1
    return nodes.silenced(said(nodes.KEY, rows))


def test_other_workloads_concern_a_plan_that_touches_them() -> None:
    shop = workload("Deployment|default|shop|2|2|2|0|2|2|RollingUpdate|1")
    change = Change("ingress", CLUSTER, Kind.OBJECT, "Deployment default/shop", "a", "b")
    assert list(workloads.problems([shop], workloads.NAMESPACES, {})) == []
    (problem,) = workloads.problems([shop], workloads.NAMESPACES | workloads.touched([change]), {})
    assert (problem.code, problem.text) == ("K8N470", "Deployment default/shop has a roll-out in progress")


INGRESS = Ingress(pattern="host_network", class_name="nginx", default_class=True)
CONTROLLERS = "DaemonSet ingress-nginx/ingress-nginx-host-network"


def renewing(kind: Kind, name: str, before: str | None = "a") -> frozenset[str]:
    return ingress.renewed([Change("ingress-nginx", CLUSTER, kind, name, before, "b")], INGRESS)


def test_a_plan_renews_controllers_when_it_changes_or_restarts_their_workload() -> None:
    assert renewing(Kind.OBJECT, CONTROLLERS) == renewing(Kind.RESTART, CONTROLLERS) == {CONTROLLERS}
    assert renewing(Kind.OBJECT, CONTROLLERS, before=None) == frozenset(), "there is none yet that could be missed"
    assert renewing(Kind.OBJECT, "ConfigMap ingress-nginx/ingress-nginx-host-network") == frozenset()
    assert ingress.renewed([], None) == frozenset()


def warned(row: str) -> list[str]:
    return [str(p) for p in ingress.problems([workload(row)], frozenset({workload(row).place}), ["a.test", "b.test"])]


def test_the_only_controller_is_not_taken_away_without_a_word_about_who_loses_requests() -> None:
    assert warned("DaemonSet|ingress-nginx|ingress-nginx-host-network|1|1|2|2|2|2|RollingUpdate|") == []
    (told,) = warned("DaemonSet|ingress-nginx|ingress-nginx-host-network|1|1|2|2|2|1|RollingUpdate|")
    assert "K8N472 warning: " in told
    assert told.endswith("requests are lost for a.test, b.test; have a second one, or tell their owners")


@pytest.mark.parametrize(("maximum", "lost"), [("0", False), ("25%", False), ("1", True), ("100%", True), ("", True)])
def test_a_deployment_that_brings_the_new_pod_first_loses_nothing(maximum: str, lost: bool) -> None:
    assert bool(warned(f"Deployment|ingress-nginx|x|1|1|1|1|1|1|RollingUpdate|{maximum}")) is lost


def test_hosts_are_those_of_the_controllers_class_and_of_none_where_it_is_the_default() -> None:
    seen = said(ingress.KEY, "nginx|a.test b.test \nother|c.test \n-|* \n")
    assert ingress.hosts(seen, INGRESS) == ["*", "a.test", "b.test"]
    assert ingress.hosts(seen, INGRESS.model_copy(update={"default_class": False})) == ["a.test", "b.test"]
