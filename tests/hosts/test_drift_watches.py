"""drift finds what only a running system shows: every drift made by hand is told, none other is, and none mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from k8snet_provision import drifting, looking
from k8snet_provision.session import Request
from k8snet_provision.session import session as open_session
from tests.hosts import drifts
from tests.hosts.edge_lab import VIP
from tests.hosts.labs import LabCluster, Ran

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


def looked(lab: LabCluster) -> tuple[Ran, dict[str, Any]]:
    ran = lab.tool("drift", "--output", "json")
    (report,) = json.loads(ran.out)["reports"]
    return ran, report


def in_sync(lab: LabCluster) -> None:
    """Pods that were deleted to mend them take a moment to be there again."""
    lab.settle()
    ran, report = looked(lab)
    assert (ran.code, report["findings"], report["incomplete"]) == (0, [], []), ran


def test_what_only_a_running_system_shows(lab: LabCluster) -> None:
    in_sync(lab)
    made = drifts.drifts(VIP, NODES)
    drifts.make(lab, made)
    ran, report = looked(lab)
    drifts.mend(lab, made)
    wanted = sorted(one for drift in made.values() for one in drift.found)
    found = sorted((f["code"], f["target"], f["what"]) for f in report["findings"])
    assert ran.code == 2, ran
    assert len(found) == len(wanted), found
    for one, (code, target, what) in zip(found, wanted, strict=True):
        assert (one[:2], one[2][: len(what)]) == ((code, target), what)
    in_sync(lab)


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
