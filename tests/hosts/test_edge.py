"""The edge on real hosts: installed, reloaded under load, taken over by the other host, and put back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from k8snet_provision.edge import haproxy
from tests.hosts.edge_lab import HOSTS, TOPOLOGY, VIP, holders, pull_plug, serve, without_programs
from tests.hosts.labs import LabCluster
from tests.hosts.load import Load
from tests.program import Ran

pytestmark = pytest.mark.hosts

TAGS = ("--tags", "edge,edge-retired")


@pytest.fixture(scope="module")
def lab(fresh_ways_in: LabCluster) -> Iterator[LabCluster]:
    """The edge applied to two hosts, of which one had neither program."""
    fresh_ways_in.topology(TOPOLOGY)
    for node in ("node1", "node2"):
        serve(fresh_ways_in, node)
    without_programs(fresh_ways_in, "lb2")
    applied = apply(fresh_ways_in)
    assert applied.code == 0, applied
    assert "installed by apt-get" in applied.out
    yield fresh_ways_in


@pytest.fixture(autouse=True)
def as_applied(lab: LabCluster) -> Iterator[None]:
    yield
    lab.topology(TOPOLOGY)
    restored = apply(lab)
    assert restored.code == 0, restored


def apply(lab: LabCluster) -> Ran:
    return lab.tool("apply", *TAGS, "--yes")


def diff(lab: LabCluster) -> Ran:
    return lab.tool("diff", *TAGS)


def drained(node: str) -> str:
    return f"{TOPOLOGY}  drain: [{node}]\n"


def test_one_host_has_the_vip_and_requests_are_answered(lab: LabCluster) -> None:
    assert diff(lab).code == 0
    assert len(holders(lab)) == 1
    with urlopen(f"http://{VIP}/", timeout=5) as answer:
        assert answer.read() == b"10.141.4.1"  # the client's own address, not the edge host's
    api = subprocess.run(
        ["curl", "-sk", "-m", "5", f"https://{VIP}:6443/readyz"], capture_output=True, text=True, check=True
    )
    assert api.stdout == "ok"


def test_what_was_installed_runs_by_our_files_alone(lab: LabCluster) -> None:
    assert lab.on("lb2", "systemctl is-enabled haproxy keepalived; systemctl is-active haproxy keepalived").split() == [
        *("enabled", "enabled"),
        *("active", "active"),
    ]
    assert lab.on("lb2", "ls /etc/haproxy/haproxy.cfg.from-package; ls /run/systemd/system")


def test_reloads_under_load_lose_neither_requests_nor_connections(lab: LabCluster) -> None:
    with Load(VIP, rate=50, kept=10) as answers:
        for node in ("node1", "node2"):
            lab.topology(drained(node))
            applied = apply(lab)
            assert applied.code == 0, applied
        lab.topology(f"{TOPOLOGY}  advertisement_interval: 0.3\n")
        applied = apply(lab)
        assert applied.code == 0, applied
    assert len(answers.requests) > 100
    assert not answers.failures, answers


def test_the_host_without_the_vip_changes_first(lab: LabCluster) -> None:
    (holder,) = holders(lab)
    lab.topology(drained("node1"))
    applied = apply(lab)
    ended = [applied.err.index(f"edge             {host}") for host in HOSTS if host != holder]
    assert ended[0] < applied.err.index(f"edge             {holder}")


def test_a_drained_node_gets_nothing_new(lab: LabCluster) -> None:
    lab.topology(drained("node1"))
    assert apply(lab).code == 0
    before = lab.on("node1", "ss -Htn state time-wait sport = :30080 | wc -l")
    with Load(VIP, rate=50) as answers:
        time.sleep(1)
    assert not answers.failures, answers
    assert lab.on("node1", "ss -Htn state established sport = :30080 | wc -l").strip() == "0", before


def test_the_vip_moves_when_its_host_loses_power_and_stays_when_it_is_back(lab: LabCluster) -> None:
    """How fast is measured by bench/edge_failover.py."""
    (holder,) = holders(lab)
    with Load(VIP, rate=50, timeout=1) as answers:
        time.sleep(1)
        pull_plug(lab, holder)
        time.sleep(6)
    assert answers.failures
    assert {how for begun, _, how in answers.requests if begun > 5} == {"ok"}
    with Load(VIP, rate=50) as back:
        assert lab.lab("up").code == 0
        time.sleep(3)
    assert not back.failures, back
    assert len(holders(lab)) == 1 and holders(lab) != [holder]


def test_the_vip_moves_when_haproxy_ends_and_stays_there(lab: LabCluster) -> None:
    (holder,) = holders(lab)
    lab.on(holder, "systemctl stop haproxy")
    (other,) = [host for host in HOSTS if host != holder]
    ends = time.monotonic() + 10
    while holders(lab) != [other] and time.monotonic() < ends:
        time.sleep(0.2)
    assert holders(lab) == [other]
    assert "inactive" in diff(lab).out
    assert apply(lab).code == 0
    assert holders(lab) == [other]


def test_a_host_that_is_off_is_told_and_the_other_changes(lab: LabCluster) -> None:
    (holder,) = holders(lab)
    (other,) = [host for host in HOSTS if host != holder]
    pull_plug(lab, holder)
    try:
        lab.topology(drained("node1"))
        applied = apply(lab)
        assert applied.code == 3, applied
        assert f"? {holder}: host could not be observed" in applied.out
        assert "weight 0" in lab.on(other, "cat /etc/haproxy/haproxy.cfg")
    finally:
        assert lab.lab("up").code == 0


def test_changes_by_hand_are_shown_and_undone(lab: LabCluster) -> None:
    lab.on("lb1", "sed -i 's/fall 2/fall 9/' /etc/haproxy/haproxy.cfg && systemctl reload haproxy")
    shown = diff(lab)
    assert shown.code == 2 and "-    default-server inter 1s fall 9" in shown.out
    assert apply(lab).code == 0
    assert diff(lab).code == 0


def test_a_haproxy_that_runs_by_an_older_file_is_reloaded(lab: LabCluster) -> None:
    config, asked = "/etc/haproxy/haproxy.cfg", f"http://{haproxy.STATUS}/config"
    lab.on(
        "lb1",
        f"""cp -p {config} /root/kept && sed -i 's/string "..../string "0000/' {config} && systemctl reload haproxy
        until curl -sm 1 {asked} | grep -q ^0000; do sleep 0.1; done  # it reads the file a moment later
        cp -p /root/kept {config}""",
    )
    shown = diff(lab)
    assert shown.code == 2 and "it works by another configuration" in shown.out
    assert apply(lab).code == 0
    assert diff(lab).code == 0


def test_what_haproxy_refuses_replaces_nothing(lab: LabCluster) -> None:
    rename = "sed -i 's/^{}:/{}:/' /etc/passwd"
    before = lab.on("lb1", "cat /etc/haproxy/haproxy.cfg")
    for host in HOSTS:
        lab.on(host, rename.format("haproxy", "somebody"))
    try:
        lab.topology(drained("node1"))
        applied = apply(lab)
        assert applied.code == 1, applied
        assert "refused by its validator" in applied.err + applied.out
        assert "cannot find user id for 'haproxy'" in applied.err + applied.out
    finally:
        for host in HOSTS:
            lab.on(host, rename.format("somebody", "haproxy"))
    assert lab.on("lb1", "cat /etc/haproxy/haproxy.cfg") == before


def test_a_host_behind_which_nothing_is_up_is_put_back_and_no_client_notices(lab: LabCluster) -> None:
    with Load(VIP, rate=20) as answers:
        lab.topology(TOPOLOGY.replace("{pattern: node_port}", "{pattern: node_port, node_port: {health: 30055}}"))
        applied = apply(lab)
    assert applied.code == 1, applied
    assert "no server of node_port-http is up" in applied.out + applied.err
    assert not answers.failures, answers
    lab.topology(TOPOLOGY)
    assert diff(lab).code == 0


def test_a_vip_of_another_machine_is_refused_by_its_mac(lab: LabCluster) -> None:
    lab.topology(TOPOLOGY.replace(VIP, "10.141.4.1"))
    refused = diff(lab)
    assert refused.code == 1
    assert "K8N290" in refused.out + refused.err and "answers for it" in refused.out + refused.err


def test_a_program_on_a_port_of_the_edge_is_named(lab: LabCluster) -> None:
    lab.on("lb1", "systemd-run -q --unit holder socat tcp-listen:9443,fork,reuseaddr /dev/null")
    try:
        lab.topology(f"{TOPOLOGY}  https_port: 9443\n")
        refused = diff(lab)
        assert refused.code == 1
        assert "K8N291" in refused.out + refused.err and "socat (pid " in refused.out + refused.err
    finally:
        lab.on("lb1", "systemctl stop holder")
