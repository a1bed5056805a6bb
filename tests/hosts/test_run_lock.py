"""One run per cluster: two applies at once, a holder that is killed, and what its successor waits for."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from k8snet_provision import inventory
from k8snet_provision.cluster_state import kubectl
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.inventory.connection import connections
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.run_lock import PATH, RunLock
from k8snet_provision.runs import local
from k8snet_provision.topology import read
from tests.hosts.labs import LabCluster

pytestmark = pytest.mark.hosts

SHORT = 8.0
"""Seconds after which a holder counts as dead, where the test is not the command line's."""


def a_lock(lab: LabCluster) -> RunLock:
    loaded = inventory.load(lab.inventory)
    cluster, _ = read(loaded)
    assert cluster is not None
    reached = {host: connections(loaded)[0][host] for host in cluster.control_planes}
    return RunLock(lambda: Fleet(reached), list(reached), kubectl(None, None), seconds=SHORT)


def lease(lab: LabCluster) -> dict[str, Any] | None:
    text = lab.kubectl("-n kube-system get lease k8snet-provision --ignore-not-found -o json")
    return json.loads(text)["spec"] if text.strip() else None


def lock_file(lab: LabCluster) -> str:
    return lab.on("cp1", f"cat {PATH} 2>/dev/null || true")


def within(seconds: float, what: Callable[[], bool]) -> None:
    ends = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends, f"waited {seconds:g} s"
        time.sleep(0.5)


HOLD = """
import sys, time
import k8snet_provision.engine.patch
from pathlib import Path
from tests.hosts.labs import LabCluster
from tests.hosts.test_run_lock import a_lock

with a_lock(LabCluster(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(300)
"""


def test_the_lease_of_a_killed_holder_is_taken_over_when_it_ran_out(fresh_systemd: LabCluster) -> None:
    """Also where the file is gone: the Lease alone keeps others out."""
    command = [sys.executable, "-c", HOLD, str(fresh_systemd.inventory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        fresh_systemd.on("cp1", f"stat -c '%a %U' {PATH} | grep -qx '600 root'")
        held = lease(fresh_systemd)
        assert held and (held["leaseDurationSeconds"], f" pid {process.pid} " in held["holderIdentity"]) == (8, True)
        process.send_signal(signal.SIGKILL)
    for host in a_lock(fresh_systemd).hosts:
        fresh_systemd.on(host, f"rm {PATH}")
    with pytest.raises(ProblemsFound, match=f"cluster: K8N418 another run is under way .* pid {process.pid} since"):
        a_lock(fresh_systemd).__enter__()
    assert lock_file(fresh_systemd) == "", "who is refused leaves nothing"
    time.sleep(SHORT)
    with a_lock(fresh_systemd) as successor:
        after = lease(fresh_systemd)
        assert after and f" pid {process.pid} " not in after["holderIdentity"]
        assert successor.lost() == ""
    assert (lease(fresh_systemd), lock_file(fresh_systemd)) == (None, "")


def test_of_two_applies_at_once_one_is_refused_and_a_killed_one_is_succeeded(fresh_systemd: LabCluster) -> None:
    command = [sys.executable, "-m", "k8snet_provision", "apply", str(fresh_systemd.inventory), "--yes"]
    runs = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    within(120, lambda: any(run.poll() is not None for run in runs))
    second, first = sorted(runs, key=lambda run: run.poll() is None)
    within(60, lambda: any(run.begun for run in local.runs_of(fresh_systemd.inventory)))
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)
    killed = time.monotonic()
    said = second.communicate(timeout=10)[1]
    holder = f"root@{socket.gethostname()} pid {first.pid} since 20"
    assert (second.returncode, first.returncode) == (1, -signal.SIGKILL), said
    assert f"K8N418 another run is under way (found {holder}" in said
    assert "ok " not in said, "nothing is changed by who is refused"
    assert f"note: another run is under way: {holder}" in fresh_systemd.tool("diff").out
    time.sleep(max(0.0, killed + 61 - time.monotonic()))
    anew = fresh_systemd.tool("apply", "--yes", timeout=600)
    assert (anew.code, "K8N422" in anew.err) == (1, True), anew
    ran = fresh_systemd.tool("apply", "--resume", "--yes", timeout=600)
    assert ran.code == 0, ran
    assert (lease(fresh_systemd), lock_file(fresh_systemd)) == (None, "")
    assert fresh_systemd.tool("diff").code == 0
