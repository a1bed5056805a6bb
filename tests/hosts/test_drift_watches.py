"""drift finds what only a running system shows: every drift made by hand is told, none other is, and none mended.

And the same by a login that may do nothing but look, which leaves nothing behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision import drifting, looking
from k8snet_provision.lab import settings
from k8snet_provision.session import Request
from k8snet_provision.session import session as open_session
from tests.hosts import drifts, least, objects
from tests.hosts.drifts import Drift
from tests.hosts.edge_lab import VIP
from tests.hosts.labs import LabCluster
from tests.hosts.watches import Watch
from tests.program import Ran

NODES = ("node1", "node2")

TOPOLOGY = f"""
service_cidr: 10.96.0.0/16
pod_cidr: 10.244.0.0/16
dns: {{}}
edge:
  vip: {VIP}
  api: {{}}
"""
"""kube-proxy is left out: what the plan says of it is tested with the plan."""

BY_ITSELF = {
    "/var/log": "sshd's and sudo's own records of the login (journal, auth.log, wtmp, lastlog), and the cluster's logs",
    "/run": "sockets and locks of running programs",
    "/var/lib/etcd": "the cluster's objects, compared by their keys",
    "/var/lib/kubelet": "the kubelet's own, for its Pods",
    "/var/lib/containerd": "images and containers",
    "/var/lib/systemd": "when timers ran last",
    "/var/lib/sudo": "whom sudo has lectured, and when",
}
"""What a host writes by itself, a login included, by the path it lies below."""

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def lab(fresh_ways_in: LabCluster) -> Iterator[LabCluster]:
    fresh_ways_in.topology(TOPOLOGY)
    applied = fresh_ways_in.tool("apply", "--yes")
    assert applied.code == 0, applied
    fresh_ways_in.settle()
    yield fresh_ways_in


HAPROXY, KEEPALIVED = "/etc/haproxy/haproxy.cfg", "/etc/keepalived/keepalived.conf"
KUBELET, FLAGS = "/var/lib/kubelet/config.yaml", "/var/lib/kubelet/kubeadm-flags.env"
UNIT, CRT = "/etc/systemd/system/kube-apiserver.service", "/etc/kubernetes/pki/front-proxy-client.crt"

GARBAGE, HUGE = "head -c 30000 /dev/urandom >{}", "truncate -s 200M {}"
BAD = (
    ("lb1", HAPROXY, HUGE, ""),
    ("node2", FLAGS, HUGE, ""),
    ("cp1", CRT, GARBAGE, ""),
    ("lb2", KEEPALIVED, GARBAGE, "K8N700"),
    ("node1", KUBELET, GARBAGE, "K8N709"),
    ("cp1", UNIT, GARBAGE, "K8N709"),
)
"""Host, file, what is done to it, and the code under which it is found; empty where it cannot be judged."""

AFTERWARDS = {KEEPALIVED: "systemctl reload keepalived", UNIT: "systemctl daemon-reload"}

HANGS = "printf '#!/bin/sh\\nexec sleep 40\\n' >/usr/local/bin/systemctl; chmod +x /usr/local/bin/systemctl"


@pytest.fixture(scope="class")
def drifted(lab: LabCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Drift]]:
    """In sync before, with what drift needs installed; in sync afterwards, once each drift is mended by hand."""
    least.install(lab, tmp_path_factory.mktemp("least"))
    in_sync(lab)
    made = drifts.drifts(VIP, NODES)
    drifts.make(lab, made)
    yield made
    drifts.mend(lab, made)
    in_sync(lab)


def looked(lab: LabCluster, *options: str) -> tuple[Ran, dict[str, Any]]:
    ran = lab.tool("drift", "--output", "json", *options)
    (report,) = json.loads(ran.out)["reports"]
    return ran, report


def in_sync(lab: LabCluster) -> None:
    """Pods that were deleted to mend them take a moment to be there again."""
    lab.settle()
    ran, report = looked(lab)
    assert (ran.code, report["findings"], report["incomplete"]) == (0, [], []), ran


def files(lab: LabCluster) -> dict[str, tuple[int, int, int, int]]:
    """What was written on the hosts since they were made: size, mode and times of every file and directory."""
    described, found = settings.read(lab.inventory), {}
    for host in ("cp1", *NODES, "lb1", "lb2"):
        upper = described.directory(host) / "upper"
        for top, names, others in os.walk(upper):
            inside = top.removeprefix(str(upper))
            names[:] = [name for name in names if f"{inside}/{name}" not in BY_ITSELF]
            for name in (*names, *others):
                told = Path(top, name).lstat()
                found[f"{host}:{inside}/{name}"] = told.st_size, told.st_mode, told.st_mtime_ns, told.st_ctime_ns
    return found


def by_sudo(lab: LabCluster, command: str) -> str:
    """What became of it: "ran" where sudo let the command through, which ends with 64 as it is told nothing."""
    said = least.by(lab, "node1", f"sudo -n {command} </dev/null")
    assert "exit 64" in said or "a password is required" in said or "not allowed to" in said, said
    return "ran" if "exit 64" in said else "refused"


class TestWhileMuchHasDrifted:
    def test_what_only_a_running_system_shows_is_found(self, lab: LabCluster, drifted: Mapping[str, Drift]) -> None:
        ran, report = looked(lab)
        wanted = sorted(one for drift in drifted.values() for one in drift.found)
        found = sorted((f["code"], f["target"], f["what"]) for f in report["findings"])
        assert ran.code == 2, ran
        assert len(found) == len(wanted), found
        for one, (code, target, what) in zip(found, wanted, strict=True):
            assert (one[:2], one[2][: len(what)]) == ((code, target), what)

    def test_a_login_that_may_do_nothing_else_finds_the_same(
        self, lab: LabCluster, drifted: Mapping[str, Drift]
    ) -> None:
        (_, by_root), (ran, by_least) = looked(lab), looked(lab, *least.OPTIONS)
        assert ran.code == 2, ran
        assert len(by_least["findings"]) >= len(drifted)
        for key in ("findings", "incomplete", "notices", "facts", "hosts", "looked_at"):
            assert by_least[key] == by_root[key]

    def test_watch_finds_the_same_by_that_login(
        self, lab: LabCluster, drifted: Mapping[str, Drift], tmp_path: Path
    ) -> None:
        watch = Watch(lab, tmp_path / "printed", *least.OPTIONS, "--output", "json")
        try:
            watch.waits_for(lambda line: line.startswith("{"))
        finally:
            code = watch.ends()
        (_, by_root), seen = looked(lab), json.loads(watch.said[0])["report"]
        assert code == 2, watch.said
        assert seen["incomplete"] == by_root["incomplete"]
        now = [found | {"since": ""} for found in by_root["findings"]]  # watch remembers nothing of other days
        assert seen["findings"] == now

    def test_a_look_leaves_nothing_behind_on_any_host_and_nothing_in_the_cluster(
        self, lab: LabCluster, drifted: Mapping[str, Drift]
    ) -> None:
        for options in ((), least.OPTIONS):
            disks, cluster = files(lab), objects.look(lab)
            ran, _ = looked(lab, *options)
            assert ran.code == 2, ran
            now = files(lab)
            assert {path for path in {*disks, *now} if disks.get(path) != now.get(path)} == set()
            assert objects.written(cluster, objects.look(lab)) == set()

    def test_that_login_may_do_nothing_else(self, lab: LabCluster, drifted: Mapping[str, Drift]) -> None:
        (look,) = lab.on("node1", "ls /usr/local/libexec/k8snet-provision").split()
        program = f"/usr/local/libexec/k8snet-provision/{look}"
        for command in ("true", f"{program} --help", f"sh {program}", "-u nobody true", f"ENV=/tmp/x {program}"):
            assert by_sudo(lab, command) == "refused"
        assert by_sudo(lab, program) == "ran"
        assert "Permission denied" in least.by(lab, "node1", f"cat {program}")
        for asked in ('"*" "*" -A', "create pods", "patch nodes", "delete services", "create pods/exec"):
            assert least.may(lab, asked) == "no"
        assert least.may(lab, "list services -A") == "yes"

    def test_a_host_whose_look_is_another_one_is_not_observed_and_the_hint_says_how_to_renew_it(
        self, lab: LabCluster, drifted: Mapping[str, Drift]
    ) -> None:
        place = "/usr/local/libexec/k8snet-provision"
        lab.on("node2", f"cp -p {place}/* /root/look; sed -i '1a # older' {place}/*")
        lab.on("lb2", f"mv {place} {place}.away")
        try:
            ran, report = looked(lab, *least.OPTIONS)
        finally:
            lab.on("node2", f"mv /root/look {place}/$(ls {place})")
            lab.on("lb2", f"mv {place}.away {place}")
        whys = {item["target"]: item["why"] for item in report["incomplete"]}
        assert ran.code == 3
        assert "is not what this drift would ask" in whys["node2"] and "drift permissions" in whys["node2"]
        assert "does not start" in whys["lb2"] and "drift permissions" in whys["lb2"]
        assert "K8N727" in {found["code"] for found in report["findings"]}


def test_garbage_and_what_is_too_large_are_told_by_name(lab: LabCluster) -> None:
    for host, path, spoil, _ in BAD:
        lab.on(host, f"cp -p {path} /root/kept{path.replace('/', '-')}; {spoil.format(path)}")
    ran, report = looked(lab)
    for host, path, *_ in BAD:
        lab.on(host, f"mv -f /root/kept{path.replace('/', '-')} {path}; {AFTERWARDS.get(path, ':')}")
    assert (ran.code, "Traceback" in ran.err) == (3, False), ran
    unseen = [(item["target"], f"{item['what']}: {item['why']}") for item in report["incomplete"]]
    found = [(f["target"], f["code"], f"{f['what']} {f['before']}") for f in report["findings"]]
    for host, path, spoil, code in BAD:
        told = [why for target, why in unseen if not code and target == host and path in why]
        told += [what for target, which, what in found if (target, which) == (host, code) and path in what]
        assert len(told) == 1, (host, path, unseen, found)
        assert code or spoil != HUGE or "larger than 1048576 bytes: 209715200" in told[0]
    assert len(unseen) + len(found) == len(BAD), (unseen, found)
    in_sync(lab)


def test_a_host_that_answers_and_then_hangs_is_named_and_the_others_are_told(
    lab: LabCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "OBSERVATION_TIMEOUT", 20.0)
    flag = drifts.drifts(VIP, NODES)["a flag in the file that the kubelet's unit names"]
    lab.on("node2", HANGS)
    lab.on(flag.host, flag.make)
    try:
        with open_session(Request(lab.inventory)) as session:
            report = drifting.look(session)
    finally:
        lab.on("node2", "rm /usr/local/bin/systemctl")
        lab.on(flag.host, flag.mend)
    assert [(one.target, one.what) for one in report.incomplete] == [("node2", "host")]
    assert "did not finish within 20 s" in report.incomplete[0].why
    assert [(found.target, found.code) for found in report.findings] == [(flag.host, "K8N720")]
