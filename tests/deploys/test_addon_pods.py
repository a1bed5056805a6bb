"""Pods that hold an old address: the add-ons' start anew, the others are named."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from k8snet_provision import assets
from k8snet_provision.change import Change
from k8snet_provision.resources.probe import HostSeen, Unknown
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
    lines = "".join(rows(number, *held.split(" ")) for number, held in holding.items())
    answers = {
        "w1": {"pods:addresses": present(f"{lines}now {NOW}\n")},
        "cp1": {"pods:addresses": present(f"now {NOW}\n")},
    }
    kubernetes = a_service("default", "kubernetes", api, creationTimestamp=made)
    return a_world(tmp_path, "service_cidr: 10.254.0.0/16", answers, a_state(objects=[kubernetes], pods=PODS))


def rows(number: int, api: str, names: str) -> str:
    """What the probe prints of a container, here of process NUMBER."""
    told = [f"pod {number} {UID % number} 1000", f"api {number} {api}"]
    if names != "-":
        told += [f"search {number}", *(f"name {number} {name}" for name in names.split(",") if name)]
    return "".join(f"{line}\n" for line in told)


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


@dataclass(frozen=True)
class Seeing:
    """As much of a world as has hosts."""

    seen: HostSeen

    def host(self, name: str) -> HostSeen:
        return self.seen


HOSTILE = "a) b\n) S 1"


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Path]:
    """The root directory of a process in a cgroup such as the kubelet makes, with the environment of a container and a
    name that its program gave itself."""
    group = Path(
        next(path for path in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup") if Path(path, "cgroup.procs").exists())
    )
    pod = group / "k8snet-test" / f"pod{UID % 9}"
    pod.mkdir(parents=True)
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    environment = {
        "FIRST": "1\nKUBERNETES_SERVICE_HOST=x y",
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "PASSWORD": "s3cret",
    }
    named = f"import os, sys, time; open('/proc/self/comm', 'w').write({HOSTILE!r})"
    asleep = f"{named}; os.chroot({str(root)!r}); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", asleep], env=environment) as process:
        (pod / "cgroup.procs").write_text(str(process.pid))
        while Path(f"/proc/{process.pid}/root").readlink() != root:
            time.sleep(0.01)
        yield root
        process.kill()
    pod.rmdir()
    pod.parent.rmdir()


def without_z(folder: Path) -> str:
    """A path in which grep knows no -z, as busybox's does not."""
    folder.mkdir()
    program = folder / "grep"
    program.write_text('#!/bin/sh\ncase $1 in -z*) exit 2 ;; esac\nexec /bin/grep "$@"\n')
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.parametrize("grep", ["GNU", "busybox"])
def test_a_container_is_found_by_its_cgroup_and_only_the_one_variable_is_told(
    container: Path, grep: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["search shop.svc.cluster.local svc.cluster.local", *(f"nameserver 10.96.0.{n}" for n in (10, 11, 12, 13))]
    (container / "etc" / "resolv.conf").write_text("".join(f"{line}\n" for line in lines))
    if grep == "busybox":
        monkeypatch.setenv("PATH", without_z(tmp_path / "bin"))
    (probe,) = addon_pods.probes(None, "here")
    seen = ask(probe)
    now, holdings = addon_pods.read(cast(World, Seeing(seen)), "here")
    (holding,) = [holding for holding in holdings if holding.uid == UID % 9]
    assert abs(now - time.time()) < 60 and 0 <= holding.age < 60
    assert (holding.api, holding.names) == ("10.96.0.1", ("10.96.0.10", "10.96.0.11", "10.96.0.12"))
    assert "s3cret" not in str(seen.text(probe))


def test_a_resolver_that_is_a_link_or_searches_no_cluster_is_not_read(container: Path) -> None:
    (probe,) = addon_pods.probes(None, "here")
    resolv = container / "etc" / "resolv.conf"
    (container / "other").write_text("search svc.cluster.local\nnameserver 10.96.0.10\n")
    resolv.symlink_to("/other")
    for _ in range(2):
        _, holdings = addon_pods.read(cast(World, Seeing(ask(probe))), "here")
        assert [holding.names for holding in holdings if holding.uid == UID % 9] == [()]
        resolv.unlink()
        resolv.write_text("search example.com\nnameserver 10.96.0.10\n")
