"""Pods that hold an old address: the add-ons' start anew, the others are named."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.change import Change
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from tests.deploys.worlds import a_service, a_state, a_world, present, unknown
from tests.shell import ask

addon_pods = assets.deploy_module("addon_pods")

UID = "0b5e3c9a-6a3f-4f3e-9d2b-1c5f3a7e9d0%d"
NOW = 1_800_000_000
OLD, NEW = "10.96.0.1 10.96.0.10,", "10.254.0.1 10.254.0.10,"
PODS = (
    f"{UID % 1} kube-system coredns-7bf597db87-5ghc6 ReplicaSet coredns-7bf597db87 w1",
    f"{UID % 2} kube-system kube-proxy-x2hmp DaemonSet kube-proxy w1",
    f"{UID % 3} shop web-5d4f-abcde ReplicaSet web-5d4f w1",
    f"{UID % 4} kube-system etcd-cp1 Node cp1 cp1",
    f"{UID % 5} kube-system debug   w1",
)


def world(tmp_path: Path, holding: dict[int, str], api: str = "10.96.0.1", made: str = "2020-01-01T00:00:00Z") -> World:
    """`holding`: what a Pod's container was given, by the number of the Pod; each is 1,000 seconds old."""
    lines = "".join(f"{UID % number} 1000 {held}\n" for number, held in holding.items())
    answers = {
        "w1": {"pods:addresses": present(f"{lines}now {NOW}\n")},
        "cp1": {"pods:addresses": present(f"now {NOW}\n")},
    }
    kubernetes = a_service("default", "kubernetes", api, creationTimestamp=made)
    return a_world(tmp_path, "service_cidr: 10.254.0.0/16", answers, a_state(objects=[kubernetes], pods=PODS))


def restarts(found: World) -> list[str]:
    return [change.name for change in addon_pods.cluster_changes(found)]


def the_change(found: World) -> Change:
    (change,) = addon_pods.cluster_changes(found)
    assert isinstance(change, Change)
    return change


def test_a_deployment_of_the_cluster_whose_pods_hold_old_addresses_restarts(tmp_path: Path) -> None:
    change = the_change(world(tmp_path, {1: OLD}))
    assert change.name == "Deployment kube-system/coredns"
    assert change.before == "KUBERNETES_SERVICE_HOST=10.96.0.1\nnameserver 10.96.0.10\n"
    assert change.after == "KUBERNETES_SERVICE_HOST=10.254.0.1\nnameserver 10.254.0.10\n"


def test_pods_with_the_new_addresses_are_left_alone(tmp_path: Path) -> None:
    assert restarts(world(tmp_path, {1: NEW, 3: NEW}, api="10.254.0.1")) == []


def test_a_pod_that_asks_no_cluster_dns_holds_no_old_nameserver(tmp_path: Path) -> None:
    assert the_change(world(tmp_path, {1: "10.96.0.1 -"})).before == "KUBERNETES_SERVICE_HOST=10.96.0.1\n"


def test_a_pod_that_asks_a_cache_on_its_node_is_left_alone(tmp_path: Path) -> None:
    assert restarts(world(tmp_path, {1: "10.254.0.1 169.254.20.10,"}, api="10.254.0.1")) == []


def test_an_address_that_a_pod_names_itself_is_no_reason_to_restart_it_for_ever(tmp_path: Path) -> None:
    assert restarts(world(tmp_path, {1: "192.0.2.100 10.254.0.10,"}, api="10.254.0.1")) == []
    assert restarts(world(tmp_path, {1: "192.0.2.100 10.254.0.10,"})) == []


def test_a_pod_older_than_the_new_address_of_the_api_restarts(tmp_path: Path) -> None:
    found = world(tmp_path, {1: "10.96.0.1 10.254.0.10,"}, api="10.254.0.1", made="2027-01-15T07:50:00Z")
    assert restarts(found) == ["Deployment kube-system/coredns"]


def test_kube_proxy_static_pods_and_pods_without_an_owner_are_not_restarted(tmp_path: Path) -> None:
    assert restarts(world(tmp_path, {2: OLD, 4: OLD, 5: OLD})) == []


def test_workloads_of_others_are_named(tmp_path: Path) -> None:
    found = world(tmp_path, {2: OLD, 3: OLD})
    assert restarts(found) == []
    (notice,) = addon_pods.notices(found)
    assert notice.startswith("1 Pods keep an old") and notice.endswith("shop/web-5d4f-abcde")


def test_a_node_whose_pods_could_not_be_seen_is_unknown(tmp_path: Path) -> None:
    found = world(tmp_path, {1: OLD})
    found.host("w1").answers["pods:addresses"] = unknown("cut short")  # type: ignore[index]
    with pytest.raises(Unknown, match="cut short"):
        restarts(found)


@pytest.fixture
def container() -> Iterator[int]:
    """A process in a cgroup such as the kubelet makes, with the environment of a container."""
    group = Path(
        next(path for path in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup") if Path(path, "cgroup.procs").exists())
    )
    pod = group / "k8snet-test" / f"pod{UID % 9}"
    pod.mkdir(parents=True)
    environment = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "PASSWORD": "s3cret", "PATH": os.environ["PATH"]}
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        (pod / "cgroup.procs").write_text(str(process.pid))
        yield process.pid
        process.kill()
    pod.rmdir()
    pod.parent.rmdir()


def test_a_container_is_found_by_its_cgroup_and_only_the_one_variable_is_told(container: int) -> None:
    (probe,) = addon_pods.probes(None, "here")
    text = ask(probe).text(probe)
    (line,) = [line for line in str(text).splitlines() if line.startswith(UID % 9)]
    assert line.split(" ")[2:] == ["10.96.0.1", "-"]
    assert "s3cret" not in str(text)
