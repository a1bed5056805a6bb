"""Snapshots of the lab's etcd, as a unit and as a static pod: taken, verified by etcdutl here, kept, restored."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from k8snet_provision import workflow
from k8snet_provision.etcd_snapshot import Code, Snapshot, restore_hint, take
from k8snet_provision.lab import processes
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.runs.mirror import MIRROR
from k8snet_provision.workflow import Request
from tests.etcd_snapshot.real import programs, status
from tests.hosts.labs import LabCluster, _described_by

pytestmark = pytest.mark.hosts

RUN = "20261121T020013Z-3f2a"


def taken(lab: LabCluster, skip: Sequence[str] = (), run: str = RUN) -> tuple[Snapshot | None, tuple[Problem, ...]]:
    with workflow.session(Request(lab.inventory)) as session:
        world = workflow.diff(session).world
        return take(session.fleet, world, run, skip)


def fetched(lab: LabCluster, snapshot: Snapshot, folder: Path) -> Path:
    """The snapshot's file, copied out of its host without the network."""
    pid = processes.leader(_described_by(lab.inventory), snapshot.host)
    assert pid is not None
    target = folder / "fetched.db"
    with target.open("wb") as file:
        subprocess.run(processes.entered(pid, ["cat", snapshot.path]), stdout=file, check=True, timeout=60)
    return target


@contextmanager
def without_room(lab: LabCluster, hosts: Sequence[str]) -> Iterator[None]:
    """A disk of 4 MiB where runs are kept."""
    for host in hosts:
        lab.on(host, f"mkdir -p {MIRROR} && mount -t tmpfs -o size=4m tmpfs {MIRROR}")
    try:
        yield
    finally:
        for host in hosts:
            lab.on(host, f"umount {MIRROR}")


@contextmanager
def put_aside(lab: LabCluster, *names: str) -> Iterator[None]:
    """cp1 without some programs of its own."""
    for name in names:
        lab.on("cp1", f"mv /usr/local/bin/{name} /var/lib/{name}.aside")
    try:
        yield
    finally:
        for name in names:
            lab.on("cp1", f"mv /var/lib/{name}.aside /usr/local/bin/{name}")


def kept(lab: LabCluster, host: str) -> str:
    return lab.on(host, f"find {MIRROR} -type f 2>/dev/null | sort || true")


def is_sound(lab: LabCluster, snapshot: Snapshot, folder: Path) -> None:
    """By etcdutl of this machine, and by what is in it: the Namespaces of the cluster."""
    local = fetched(lab, snapshot, folder)
    said = status(programs(), str(local))
    assert (said["hash"], said["revision"], said["totalKey"]) == (snapshot.hash, snapshot.revision, snapshot.keys)
    assert snapshot.keys > 100
    restored = folder / "restored"
    subprocess.run(
        [programs() / "etcdutl", "snapshot", "restore", local, "--data-dir", restored],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert b"/registry/namespaces/kube-system" in (restored / "member" / "snap" / "db").read_bytes()


def restore(lab: LabCluster, snapshot: Snapshot) -> None:
    """As the hint tells it, line by line: each step is done on all its hosts before the next begins."""
    described, members = _described_by(lab.inventory), [member.name for member in snapshot.members]
    others, kept = [name for name in members if name != snapshot.host], snapshot.path.lstrip("/")
    nodes = lab.kubectl("get nodes -o 'jsonpath={.items[*].metadata.name}'").split()
    for step, host, line in steps(restore_hint(snapshot)):
        if step == 5:
            ready(lab)
        for name in [host] if host else {2: others, 5: nodes}.get(step, members):
            lab.on(name, line, timeout=180)
            if step == 2:
                shutil.copyfile(described.root(snapshot.host) / kept, described.root(name) / kept)
    ready(lab)


def steps(hint: str) -> Iterator[tuple[int, str, str]]:
    """The number of a step, the one host that a line of it is for or nothing, and the line."""
    step, host = 0, ""
    for line in hint.splitlines():
        if heading := re.match(r"# (\d)\. ", line):
            step, host = int(heading[1]), ""
        elif member := re.match(r"#    (\S+):$", line):
            host = member[1]
        elif not line.startswith("#"):
            yield step, host, line


def ready(lab: LabCluster) -> None:
    ends = time.monotonic() + 180
    while "ok" not in lab.on("cp1", "kubectl get --raw /readyz --request-timeout=5s 2>&1 || true").splitlines()[-1:]:
        assert time.monotonic() < ends, "the API server does not come back"
        time.sleep(1)


def test_etcd_as_a_unit_is_kept_by_one_control_plane(fresh_systemd: LabCluster, tmp_path: Path) -> None:
    snapshot, problems = taken(fresh_systemd)
    assert snapshot, problems
    assert (snapshot.host, snapshot.unit, snapshot.static_pod) == ("cp1", "etcd", False)
    assert snapshot.endpoint == f"https://{_described_by(fresh_systemd.inventory).host('cp1').address}:2379"
    assert {member.name for member in snapshot.members} == {"cp1", "cp2", "cp3"}
    is_sound(fresh_systemd, snapshot, tmp_path)
    modes = fresh_systemd.on("cp1", f"stat -c '%a %U' {MIRROR} {MIRROR}/{RUN} {snapshot.path}").splitlines()
    assert modes == ["700 root", "700 root", "600 root"]
    assert [kept(fresh_systemd, host) for host in ("cp1", "cp2", "cp3")] == [f"{MIRROR}/{RUN}/etcd.db\n", "", ""]


def test_a_control_plane_without_room_leaves_it_to_another_one(fresh_systemd: LabCluster) -> None:
    """Where there is none anywhere, each says so, nothing is left, and it cannot be skipped."""
    run = "20261121T030000Z-0000"
    with without_room(fresh_systemd, ["cp1", "cp2"]):
        snapshot, problems = taken(fresh_systemd, run=run)
        assert snapshot and snapshot.host == "cp3", problems
        with without_room(fresh_systemd, ["cp3"]):
            none, problems = taken(fresh_systemd, ["K8N454"], run)
            assert none is None
            told = [(problem.code, problem.where, problem.severity) for problem in problems]
            assert told == [(Code.NO_SPACE, host, Severity.ERROR) for host in ("cp1", "cp2", "cp3")]
            assert re.search(r"KiB are free, a database of \d+ KiB needs \d+ KiB$", problems[0].found)
            assert [kept(fresh_systemd, host) for host in ("cp1", "cp2", "cp3")] == ["", "", ""]


def test_a_member_that_is_down_is_left_out(fresh_systemd: LabCluster) -> None:
    fresh_systemd.on("cp1", "systemctl stop etcd")
    try:
        ready(fresh_systemd)
        snapshot, problems = taken(fresh_systemd, run="20261121T040000Z-0000")
        assert snapshot and snapshot.host == "cp2", problems
    finally:
        fresh_systemd.on("cp1", "systemctl start etcd")


def test_a_cluster_of_three_members_is_restored_as_it_is_told(fresh_systemd: LabCluster) -> None:
    fresh_systemd.kubectl("create configmap kept")
    snapshot, problems = taken(fresh_systemd, run="20261121T050000Z-0000")
    assert snapshot and len(snapshot.members) == 3, problems
    fresh_systemd.kubectl("delete configmap kept")
    restore(fresh_systemd, snapshot)
    for host in ("cp1", "cp2", "cp3"):
        own = f"get configmap -o name --server https://{_described_by(fresh_systemd.inventory).host(host).address}:6443"
        assert "configmap/kept" in fresh_systemd.kubectl(own, host).split()


def test_etcd_as_a_static_pod_brings_its_own_tools(fresh_kubeadm: LabCluster, tmp_path: Path) -> None:
    """kubeadm puts no etcdctl on a host, and etcd's image has no shell. The lab's own are put aside."""
    with put_aside(fresh_kubeadm, "etcdctl", "etcdutl"):
        snapshot, problems = taken(fresh_kubeadm)
    assert snapshot, problems
    assert (snapshot.static_pod, snapshot.unit, snapshot.data_dir) == (True, "", "/var/lib/etcd")
    assert snapshot.apiserver == "/etc/kubernetes/manifests/kube-apiserver.yaml"
    is_sound(fresh_kubeadm, snapshot, tmp_path)
    assert kept(fresh_kubeadm, "cp1").split() == [f"{MIRROR}/{RUN}/etcd.db", f"{MIRROR}/{RUN}/etcdutl"]
    assert fresh_kubeadm.on("cp1", "ls /etc/kubernetes/manifests").split() == [
        f"{name}.yaml" for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    ]


def test_a_cluster_of_static_pods_is_restored_as_it_is_told(fresh_kubeadm: LabCluster) -> None:
    fresh_kubeadm.kubectl("create configmap kept")
    snapshot, problems = taken(fresh_kubeadm, run="20261121T060000Z-0000")
    assert snapshot, problems
    fresh_kubeadm.kubectl("create configmap lost")
    fresh_kubeadm.kubectl("delete configmap kept")
    restore(fresh_kubeadm, snapshot)
    names = fresh_kubeadm.kubectl("get configmap -o name").split()
    assert ("configmap/kept" in names, "configmap/lost" in names) == (True, False)


def test_a_missing_etcdctl_may_be_skipped(fresh_proxy_units: LabCluster) -> None:
    with put_aside(fresh_proxy_units, "etcdctl"):
        none, problems = taken(fresh_proxy_units)
        assert (none, [(p.code, p.severity) for p in problems]) == (None, [(Code.NO_ETCDCTL, Severity.ERROR)])
        none, problems = taken(fresh_proxy_units, ["K8N451"])
        assert (none, [(p.code, p.severity) for p in problems]) == (None, [(Code.NO_ETCDCTL, Severity.WARNING)])


def test_what_calls_itself_etcd_has_nothing_run_as_root(fresh_proxy_units: LabCluster) -> None:
    """A process in the host's own network, by that name, with an etcdctl beside it."""
    fresh_proxy_units.on(
        "cp1",
        "mkdir /srv/other && cp /bin/sleep /srv/other/etcd && cd /srv/other && "
        "printf '#!/bin/sh\\ntouch /srv/other/ran\\n' >etcdctl && chmod 755 etcdctl && "
        "systemd-run --quiet --unit=other /srv/other/etcd 600",
    )
    try:
        with put_aside(fresh_proxy_units, "etcdctl"):
            none, problems = taken(fresh_proxy_units)
        assert (none, [problem.code for problem in problems]) == (None, [Code.NO_ETCDCTL])
        said = fresh_proxy_units.on("cp1", "cat /proc/$(systemctl show -P MainPID other)/comm; ls /srv/other")
        assert said.split() == ["etcd", "etcd", "etcdctl"]
    finally:
        fresh_proxy_units.on("cp1", "systemctl stop other; rm -r /srv/other")


def test_a_cluster_of_units_is_restored_as_it_is_told(fresh_proxy_units: LabCluster) -> None:
    fresh_proxy_units.kubectl("create configmap kept")
    snapshot, problems = taken(fresh_proxy_units)
    assert snapshot, problems
    fresh_proxy_units.kubectl("delete configmap kept")
    restore(fresh_proxy_units, snapshot)
    assert "configmap/kept" in fresh_proxy_units.kubectl("get configmap -o name").split()
