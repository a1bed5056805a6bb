"""The lab's cluster: what it starts with, its API endpoint, its snapshots, and what is left of a piece of one."""

from __future__ import annotations

import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from itertools import pairwise
from pathlib import Path

import pytest

from k8snet_provision.lab import processes, settings
from tests.hosts.labs import SOURCE, LabCluster, clone
from tests.hosts.test_lab import left_of, wait
from tests.program import run

pytestmark = pytest.mark.hosts


def test_it_starts_with_another_range_and_mode_than_the_topology(fresh_systemd: LabCluster) -> None:
    assert fresh_systemd.kubectl("get servicecidr kubernetes -o jsonpath={.spec.cidrs[*]}") == "10.96.0.0/16"
    assert fresh_systemd.on("node1", "curl -s http://127.0.0.1:10249/proxyMode") == "iptables"
    topology = (SOURCE / "group_vars/all/topology.yml").read_text()
    assert "service_cidr: 10.254.0.0/16" in topology
    assert "mode: nftables" in topology


def test_etcd_has_a_member_on_every_control_plane(fresh_systemd: LabCluster) -> None:
    pki = "/etc/kubernetes/pki/etcd"
    keys = f"--cacert {pki}/ca.crt --cert {pki}/server.crt --key {pki}/server.key"
    members = fresh_systemd.on("cp2", f"etcdctl {keys} member list").splitlines()
    assert sorted(member.split(", ")[2] for member in members) == ["cp1", "cp2", "cp3"]


def test_a_control_plane_reaches_pods_although_it_is_no_node(fresh_systemd: LabCluster) -> None:
    dns = fresh_systemd.objects("get pods -n kube-system -l k8s-app=kube-dns")["items"]
    for address in (pod["status"]["podIP"] for pod in dns):
        assert fresh_systemd.on("cp1", f"curl -sm 5 http://{address}:8181/ready") == "OK"


def test_the_endpoint_answers_while_one_apiserver_restarts(fresh_systemd: LabCluster) -> None:
    lab = settings.read(fresh_systemd.inventory)
    ca = lab.root("cp1") / "etc/kubernetes/pki/ca.crt"
    answered, stop = [time.monotonic()], threading.Event()
    asking = threading.Thread(target=_ask, args=(f"https://{lab.settings.vip}:6443/readyz", ca, answered, stop))
    asking.start()
    fresh_systemd.on("cp1", "systemctl restart kube-apiserver")
    time.sleep(2)
    stop.set()
    asking.join(timeout=30)
    answered.append(time.monotonic())
    longest = max(later - earlier for earlier, later in pairwise(answered))
    assert len(answered) > 20
    assert longest < 5, f"nothing answered for {longest:.1f} s"


def _ask(url: str, ca: Path, answered: list[float], stop: threading.Event) -> None:
    context = ssl.create_default_context(cafile=str(ca))
    while not stop.is_set():
        try:
            with urllib.request.urlopen(url, timeout=1, context=context):
                answered.append(time.monotonic())
        except OSError:
            pass
        time.sleep(0.05)


def test_restore_brings_back_the_cluster_as_it_was(fresh_systemd: LabCluster) -> None:
    fresh_systemd.kubectl("create namespace after-the-snapshot")
    fresh_systemd.on("node1", "touch /etc/after-the-snapshot")
    restored = fresh_systemd.lab("restore", "fresh")
    assert restored.code == 0, restored
    assert "after-the-snapshot" not in fresh_systemd.kubectl("get namespaces")
    fresh_systemd.on("node1", "test ! -e /etc/after-the-snapshot")
    ready = fresh_systemd.kubectl("get pods -n kube-system -o jsonpath={.items[*].status.containerStatuses[*].ready}")
    assert set(ready.split()) == {"true"}


def test_a_snapshot_that_is_not_there_is_refused_with_those_that_are(fresh_systemd: LabCluster) -> None:
    ran = fresh_systemd.lab("restore", "never-made")
    assert ran.code == 1
    assert "K8N517 the lab units has no snapshot never-made (found fresh)" in ran.err


def test_another_kind_of_control_plane_is_refused(fresh_kubeadm: LabCluster) -> None:
    ran = fresh_kubeadm.lab("up", "--control-plane", "systemd")
    assert ran.code == 1
    assert "K8N516 the lab pods has a control plane of another kind (found kubeadm, expected systemd)" in ran.err


def test_nothing_is_left_of_a_cluster_whose_making_was_killed(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory"
    clone(inventory, "tkillc", "10.141.7.0/24")
    lab = settings.read(inventory)
    command = [sys.executable, "-m", "k8snet_provision", "lab", "up", str(inventory), "--limit", "cp1,node1"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as bringing_up:
        wait(lambda: (lab.root("cp1") / "etc/kubernetes/pki/ca.crt").exists(), pause=0.005)
        bringing_up.kill()
    assert "cp1" in processes.booters(lab)
    ran = run("lab", "down", str(inventory))
    assert ran.code == 0, ran
    assert left_of(lab) == []
