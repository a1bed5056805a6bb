"""Hosts that go back by themselves: real programs restart, the operator's network is gone, a host starts anew."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from k8snet_provision import inventory, workflow
from k8snet_provision.change import Change
from k8snet_provision.commit_confirm import CommitConfirm, look
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.inventory.connection import connections
from k8snet_provision.lab import hosts, settings
from k8snet_provision.problems import Problem
from k8snet_provision.rollout import NO_HOOKS, Rollout
from k8snet_provision.rollout.told import NoJournal
from k8snet_provision.runs import local
from tests.hosts.faults import aftermath
from tests.hosts.labs import LabCluster, up
from tests.rollout.sites import Told

pytestmark = pytest.mark.hosts

HOSTS = ("cp1", "cp2", "node1")
NETWORK = "10.141.8.0/24"

TOPOLOGY = """
service_cidr: 10.96.0.0/16
kube_proxy:
  mode: nftables
dns:
  replicas: 2
  cache: {positive: 17, negative: 5}
"""

MANAGER = "/etc/systemd/system/kube-controller-manager.service"
PROXY, KUBELET = "/var/lib/kube-proxy/config.conf", "/var/lib/kubelet/config.yaml"
RUN = "20261121T0200{:02d}Z-3f2a"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """Two control planes and a node, kube-proxy as a unit, with a kubelet that hands out a zone of its own."""
    target = tmp_path_factory.mktemp("goback") / "inventory"
    cluster = LabCluster(target)
    hosts = {"kube_control_plane": ["cp1", "cp2"], "kube_node": ["node1"]}
    try:
        up(target, "goback", NETWORK, hosts, "systemd", proxy="systemd")
        prepare(cluster)
        yield cluster
    finally:
        cluster.lab("down")


def prepare(lab: LabCluster) -> None:
    """What an apply of TOPOLOGY changes on node1: kube-proxy's and the kubelet's file, a kernel parameter; on the
    control planes: a flag of the controller manager."""
    lab.topology(TOPOLOGY)
    lab.on("node1", f"sed -i 's/^clusterDomain: .*/clusterDomain: old.local/' {KUBELET} && systemctl restart kubelet")
    lab.on("node1", "sysctl -qw net.ipv4.ip_forward=0")
    for host in ("cp1", "cp2"):
        flag = "s/--service-cluster-ip-range=[^ ]*/--service-cluster-ip-range=10.96.0.0\\/17/"
        lab.on(
            host, f"sed -i '{flag}' {MANAGER} && systemctl daemon-reload && systemctl restart kube-controller-manager"
        )


def state(lab: LabCluster) -> dict[str, str]:
    """Whatever the apply changes: files byte for byte with owner and mode, live values, objects."""
    look = f"""
for f in {PROXY} {KUBELET} {MANAGER}; do [ ! -e $f ] || {{ stat -c '%n %a %U %G' $f; sha256sum <$f; }}; done
cat /proc/sys/net/ipv4/ip_forward
ls /etc/sysctl.d /etc/modules-load.d | grep k8snet; cat /etc/sysctl.d/*k8snet* 2>/dev/null
curl -s 127.0.0.1:10249/proxyMode; echo
systemctl is-active kubelet kube-proxy kube-controller-manager kube-apiserver
tr '\\0' '\\n' <"/proc/$(systemctl show -p MainPID --value kube-controller-manager)/cmdline" | grep ip-range
nft list tables | grep kube-proxy
true
"""
    seen = {host: lab.on(host, look) for host in HOSTS}
    corefile = lab.kubectl("-n kube-system get configmap coredns -o 'jsonpath={.data}'")
    replicas = lab.kubectl("-n kube-system get deployment coredns -o 'jsonpath={.spec.replicas}'")
    return {**seen, "corefile": corefile, "replicas": replicas}


def without_kernel(seen: Mapping[str, str]) -> dict[str, str]:
    """A host that starts anew has the kernel parameters of its files, whatever they were before; and the CNI plugin
    turns forwarding on whenever a Pod starts (containernetworking/plugins, bridge: isGateway)."""
    forwarding = ("0", "1")
    return {key: "\n".join(line for line in text.splitlines() if line not in forwarding) for key, text in seen.items()}


def left_behind(lab: LabCluster) -> str:
    look = "ls /etc/systemd/system /etc/systemd/system/*.wants | grep k8snet-provision-undo; true"
    return "".join(lab.on(host, look) for host in HOSTS)


def running_since(lab: LabCluster, host: str, unit: str) -> str:
    return lab.on(host, f"systemctl show -p ActiveEnterTimestampMonotonic --value {unit}")


class Arming(NoJournal):
    def __init__(self, confirm: CommitConfirm) -> None:
        self.confirm = confirm

    def begins(self, phase: str, batch: Mapping[str, Sequence[Change]]) -> dict[str, str]:
        return self.confirm.begins(phase, batch)


@dataclass(frozen=True)
class Applied:
    """A run that has ended: its hosts that wait, and what could not be told."""

    run: str
    hosts: tuple[str, ...]
    problems: list[Problem]


def apply(lab: LabCluster, number: int, window: float) -> Applied:
    """As `apply --confirm-within` does it, with a shorter window than it allows and control planes 5 s apart."""
    run = RUN.format(number)
    with workflow.session(workflow.Request(lab.inventory)) as session:
        looked = workflow.diff(session)
        plan, world = looked.plan, looked.world
        confirm = CommitConfirm(session.fleet, world, session.site, run, window, stagger=5.0, slack=300.0)
        rollout = Rollout(plan, world, session.fleet, Told(), journal=Arming(confirm), hooks=NO_HOOKS)
        outcome = rollout.run(session.site)
        assert outcome.ok, outcome.failures
        assert plan.changes
        return Applied(run, confirm.hosts, confirm.ends())


@contextmanager
def cut_off(lab: LabCluster) -> Iterator[None]:
    """The operator's machine loses its network; the hosts keep theirs among each other."""
    bridge = settings.read(lab.inventory).bridge
    subprocess.run(["ip", "address", "flush", "dev", bridge], check=True, timeout=10)
    try:
        yield
    finally:
        described = settings.read(lab.inventory)
        address = f"{described.gateway}/{described.settings.network.prefixlen}"
        subprocess.run(["ip", "address", "add", address, "dev", bridge], check=True, timeout=10)


def within(seconds: float, lab: LabCluster, host: str, script: str) -> None:
    ends = time.monotonic() + seconds
    while lab.on(host, f"if {script}; then echo yes; fi") != "yes\n":
        assert time.monotonic() < ends, f"{host}: waited {seconds:g} s for: {script}"
        time.sleep(0.5)


def undo_of(run: str) -> str:
    return f"/var/lib/k8snet-provision/runs/{run}/undo"


def test_without_a_confirmation_all_hosts_go_back_also_without_the_operator(lab: LabCluster) -> None:
    before = state(lab)
    applied = apply(lab, 1, window=20)
    assert (set(applied.hosts), applied.problems) == (set(HOSTS), [])
    changed = state(lab)
    assert {key for key in before if before[key] == changed[key]} <= {"replicas"}
    secret = lab.on("node1", f"find {undo_of(applied.run)} ! -user root -o -perm /077 ! -type l")
    assert secret == "", "what was there before is for root alone"
    with cut_off(lab):
        with Fleet(connections(inventory.load(lab.inventory))[0]) as fleet:
            assert fleet.connect(["node1"])["node1"] is not None, "the operator is cut off"
        for host in HOSTS:
            within(120, lab, host, f"[ -e {undo_of(applied.run)}/went-back ]")
    assert without_kernel(state(lab)) == without_kernel(before)
    lab.on("node1", f"grep 'done: .*net.ipv4.ip_forward' {undo_of(applied.run)}/log")
    assert left_behind(lab) == ""
    late = lab.tool("confirm", applied.run)
    assert late.code == 1, late
    assert "node1: K8N443 went back by itself" in late.err
    assert lab.on("node1", "ls /var/lib/k8snet-provision/") == "backups\nruns\n", "no lock is left"


def test_a_host_that_starts_anew_within_the_window_still_goes_back(lab: LabCluster) -> None:
    before = state(lab)
    applied = apply(lab, 2, window=60)
    changed = state(lab)
    hosts.pull_plug(settings.read(lab.inventory), "node1")
    assert lab.lab("up").code == 0
    undo = undo_of(applied.run)
    assert lab.on("node1", f"ls -d {undo}/armed {undo}/w* 2>/dev/null; true") == f"{undo}/armed\n", (
        "not before its time"
    )
    assert lab.on("node1", f"cat {PROXY}") != "" and changed["node1"] != before["node1"]
    for host in HOSTS:
        within(150, lab, host, f"[ -e {undo}/went-back ]")
    assert without_kernel(state(lab)) == without_kernel(before)
    assert left_behind(lab) == ""


def test_a_host_that_is_off_when_the_others_are_confirmed_goes_back_at_its_next_start(lab: LabCluster) -> None:
    before = lab.on("node1", f"sha256sum {PROXY} {KUBELET}")
    applied = apply(lab, 3, window=60)
    ends = time.monotonic() + 60
    assert lab.on("node1", f"sha256sum {PROXY} {KUBELET}") != before
    hosts.pull_plug(settings.read(lab.inventory), "node1")
    confirmed = lab.tool("confirm", applied.run)
    assert confirmed.code == 3, confirmed
    assert "node1: K8N444 could not be told: what changed there goes back at about 20" in confirmed.err
    assert f"run {applied.run} is confirmed on cp1, cp2" in confirmed.out
    time.sleep(max(0.0, ends + 2 - time.monotonic()))
    assert lab.lab("up").code == 0
    within(120, lab, "node1", f"[ -e {undo_of(applied.run)}/went-back ]")
    assert lab.on("node1", f"sha256sum {PROXY} {KUBELET}") == before
    assert left_behind(lab) == ""
    again = lab.tool("confirm", applied.run)
    assert (again.code, "node1: K8N443 went back by itself" in again.err) == (1, True), again


def test_what_is_confirmed_stays(lab: LabCluster) -> None:
    applied = apply(lab, 4, window=60)
    ends = time.monotonic() + 60
    changed = state(lab)
    confirmed = lab.tool("confirm", applied.run, "--output", "json")
    assert confirmed.code == 0, confirmed
    assert json.loads(confirmed.out) == {"run": applied.run, "confirmed": list(applied.hosts), "problems": []}
    assert left_behind(lab) == ""
    time.sleep(max(0.0, ends + 10 - time.monotonic()))
    assert state(lab) == changed
    assert lab.tool("diff").code == 0
    again = lab.tool("confirm", applied.run)
    assert (again.code, "K8N442 no host waits for a confirmation of this run" in again.err) == (1, True), again


def test_a_daemonset_goes_back_with_its_config_map_and_its_pods(fresh_kubeadm: LabCluster) -> None:
    """Through the API, from the control plane that changed it: the pods have other names by then."""
    lab = fresh_kubeadm

    def liberal(host: str) -> bool:
        live = json.loads(lab.on(host, "curl -s 127.0.0.1:10249/configz"))["kubeproxy.config.k8s.io"]
        return bool(live["conntrack"]["tcpBeLiberal"])

    def config() -> str:
        return lab.kubectl("-n kube-system get configmap kube-proxy -o 'jsonpath={.data}'")

    before = config()
    lab.topology("service_cidr: 10.96.0.0/16\nkube_proxy:\n  mode: iptables\n  conntrack: {tcp_be_liberal: true}\n")
    applied = apply(lab, 5, window=40)
    assert applied.hosts == ("cp1",), "only there is anything to undo"
    assert (liberal("cp1"), liberal("node1"), config() != before) == (True, True, True)
    with cut_off(lab):
        within(200, lab, "cp1", f"[ -e {undo_of(applied.run)}/went-back ]")
    assert config() == before
    for host in ("cp1", "node1"):  # replaced by then, and on a slow machine still starting
        within(60, lab, host, "curl -s 127.0.0.1:10249/configz | grep -q conntrack")
    assert (liberal("cp1"), liberal("node1")) == (False, False)


def test_apply_says_what_waits_and_lets_nobody_in_between(lab: LabCluster) -> None:
    """The command line, with the shortest window that it allows."""

    def corefile() -> str:
        return lab.kubectl("-n kube-system get configmap coredns -o 'jsonpath={.data}'")

    settled = lab.tool("apply", "--yes")
    assert settled.code == 0, settled
    refused = lab.tool("apply", "--yes", "--confirm-within", "10")
    assert (refused.code, "K8N440 --confirm-within is no duration" in refused.err) == (1, True), refused
    before = corefile()
    lab.topology(TOPOLOGY.replace("positive: 17", "positive: 18"))
    applied = lab.tool("apply", "--yes", "--confirm-within", "1m", "--output", "json")
    assert applied.code == 0, applied
    told = json.loads(applied.out)
    assert told["awaits_confirmation"] == ["cp1"]
    assert corefile() != before
    lab.topology(TOPOLOGY.replace("positive: 17", "positive: 19"))
    other = lab.tool("apply", "--yes")
    assert (other.code, f"cp1: K8N446 run {told['run']} waits to be confirmed" in other.err) == (1, True), other
    waits = f"run {told['run']} waits to be confirmed, until 20"
    assert waits in lab.tool("diff").out
    assert "waits to be confirmed, or its hosts go back from 20" in lab.tool("history").out
    within(120, lab, "cp1", f"[ -e {undo_of(told['run'])}/went-back ]")
    assert corefile() == before
    assert waits not in lab.tool("diff").out
    assert "not confirmed: its hosts went back by themselves from 20" in lab.tool("history").out


def test_a_run_that_was_killed_when_all_was_done_waits_as_long_as_asked(lab: LabCluster) -> None:
    """Hosts wait half an hour beyond the window while a run is under way; a --resume with nothing left ends that."""
    lab.topology(TOPOLOGY)
    settled = lab.tool("apply", "--yes")
    assert settled.code == 0, settled
    lab.topology(TOPOLOGY.replace("positive: 17", "positive: 20") + KILLED)
    killed = lab.tool("apply", "--yes", "--confirm-within", "1m")
    assert killed.code == -signal.SIGKILL, killed
    run = local.runs_of(lab.inventory)[0].id
    assert left(lab, run) > 1000
    aftermath.age_locks(lab, settings.read(lab.inventory))
    assert lab.tool("diff").code == 0, "nothing is left to do"
    refused = lab.tool("apply", "--resume", "--yes")
    assert (refused.code, f"cp1: K8N446 run {run} waits to be confirmed" in refused.err) == (1, True), refused
    resumed = lab.tool("apply", "--resume", "--yes", "--confirm-within", "2m")
    assert resumed.code == 0, resumed
    assert f"NOT CONFIRMED: cp1 goes back unless `confirm {lab.inventory} {run}` comes" in resumed.out
    assert 60 < left(lab, run) <= 120
    confirmed = lab.tool("confirm", run)
    assert confirmed.code == 0, confirmed
    (line, *_) = lab.tool("history").out.splitlines()
    assert (line.split()[:2], "wait" in line) == ([run, "done"], False)
    assert left_behind(lab) == ""


KILLED = """
hooks:
  after:
    coredns: [sh, -c, kill -KILL $PPID]
"""
"""The last phase is over, and no host has been told that the run has ended."""


def left(lab: LabCluster, run: str) -> int:
    """Seconds until cp1 goes back."""
    with Fleet(connections(inventory.load(lab.inventory))[0]) as fleet:
        (found,) = [waiting for waiting in look(fleet, ["cp1"]).waiting["cp1"] if waiting.run == run]
    assert found.state == "armed"
    return found.left
