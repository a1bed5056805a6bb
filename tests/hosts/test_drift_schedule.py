"""drift install on a machine with systemd: the timer fires, and what somebody did by hand is told by the next look."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hosts import operators_machine as operators
from tests.hosts.labs import LabCluster
from tests.hosts.operators_machine import FLEET
from tests.hosts.test_drift import MEND, SPOIL
from tests.hosts.test_rollback import AS_INSTALLED

pytestmark = pytest.mark.hosts

MACHINE = "node1"
"""The operator's; drift is made on the other host."""

OTHER = "cp1"
UNITS = "/etc/systemd/system"
METRICS = "/var/lib/node_exporter/drift.prom"
INSTALL = f"drift install {FLEET} --every '*:*:0/5' --report prometheus={METRICS}"


@pytest.fixture(scope="module")
def lab(kubeadm_lab: LabCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """As it is; only what drift tells of it changes here."""
    kubeadm_lab.topology(AS_INSTALLED)
    kubeadm_lab.settle()
    operators.install(kubeadm_lab, MACHINE, tmp_path_factory.mktemp("wheel"))
    operators.keep_inventory(kubeadm_lab, MACHINE)
    yield kubeadm_lab
    kubeadm_lab.on(MACHINE, operators.GONE)
    kubeadm_lab.restore_topology()


def status(lab: LabCluster) -> tuple[int, dict[str, Any]]:
    code, said = operators.tool(lab, MACHINE, "drift status --output json")
    (found,) = json.loads(said)["inventories"]
    return code, found


def once(lab: LabCluster, what: Callable[[int, dict[str, Any]], bool]) -> dict[str, Any]:
    """The status as soon as it is so; fails the test when it does not come within a minute."""
    ends = time.monotonic() + 60
    while not what(*(seen := status(lab))):
        assert time.monotonic() < ends, (seen, lab.on(MACHINE, "journalctl -n 40 --no-pager -u 'k8snet-drift-*'"))
        time.sleep(0.5)
    return seen[1]


def test_what_the_services_user_cannot_read_is_told_at_once_and_nothing_is_installed(lab: LabCluster) -> None:
    code, said = operators.tool(lab, MACHINE, INSTALL)
    assert code == 1 and f"'{FLEET}' is not readable" in said, said
    lab.on(MACHINE, f"{operators.READABLE}; chmod 600 {FLEET}/.ssh/*; ls {UNITS}")
    code, said = operators.tool(lab, MACHINE, INSTALL)
    lines = said.splitlines()
    assert (code, len(lines)) == (1, 3), said
    assert any("K8N752" in line and METRICS in line for line in lines)
    for name in ("id_lab", "known_hosts"):
        assert any(f"{FLEET}/.ssh/{name}: K8N766" in line and "the user k8snet-drift" in line for line in lines)
    assert "k8snet-drift" not in lab.on(MACHINE, f"ls {UNITS}")


def test_the_timer_fires_and_a_drift_made_by_hand_is_told_by_the_next_look(lab: LabCluster) -> None:
    lab.on(MACHINE, f"{operators.READABLE}; install -d -o k8snet-drift /var/lib/node_exporter")
    assert operators.tool(lab, MACHINE, INSTALL)[0] == 0
    try:
        # The next one is not known to systemd before the first has ended, which was written down a moment earlier.
        before = once(lab, lambda code, found: code == 0 and bool(found["schedule"]["next"]))
        assert before["schedule"]["result"] == "success"
        assert before["schedule"]["active"] and before["schedule"]["next"] > before["last"]["started"]
        lab.on(OTHER, SPOIL)
        try:
            drift = once(lab, lambda code, found: code == 2)
            assert (drift["last"]["verdict"], drift["last"]["counts"]["warning"]) == ("drift", 1)
            assert "k8snet_drift_findings{" in lab.on(MACHINE, f"grep -F 'kubelet' {METRICS}")
            assert drift["schedule"]["result"] == "success"
        finally:
            lab.on(OTHER, MEND)
        once(lab, lambda code, found: code == 0)
        code, said = operators.tool(lab, MACHINE, INSTALL)
        assert (code, "is there already, as it should be" in said) == (0, True)
        lab.on(MACHINE, f"systemd-analyze verify --man=no {UNITS}/k8snet-drift-prod.*")
        security = lab.on(MACHINE, "systemd-analyze security --no-pager k8snet-drift-prod.service")
        exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", security)
        assert exposure and float(exposure[1]) <= 1.5
        assert lab.on(MACHINE, "stat -c '%U %a' /var/lib/k8snet-drift").split() == ["k8snet-drift", "700"]
    finally:
        assert operators.tool(lab, MACHINE, f"drift install {FLEET} --uninstall")[0] == 0
    assert "k8snet-drift" not in lab.on(MACHINE, f"ls {UNITS} {UNITS}/timers.target.wants")
    code, said = operators.tool(lab, MACHINE, f"drift status {FLEET}")
    assert code == 0 and "in sync" in said, said


def test_another_inventory_of_the_same_name_needs_a_name_of_its_own(lab: LabCluster) -> None:
    lab.on(MACHINE, "mkdir -p /etc/fleet/b && cp -a /etc/fleet/prod /etc/fleet/b/prod")
    assert operators.tool(lab, MACHINE, f"drift install {FLEET} --every daily")[0] == 0
    code, said = operators.tool(lab, MACHINE, "drift install /etc/fleet/b/prod")
    assert code == 1 and "looks at /etc/fleet/prod" in said and "--name" in said
    assert operators.tool(lab, MACHINE, "drift install /etc/fleet/b/prod --every 1h --name prod-b")[0] == 0
    assert len(lab.on(MACHINE, f"ls {UNITS}/k8snet-drift-*").split()) == 4
    for words in (FLEET, "/etc/fleet/b/prod --name prod-b"):
        assert operators.tool(lab, MACHINE, f"drift install {words} --uninstall")[0] == 0


def test_a_program_that_the_user_cannot_run_is_told(lab: LabCluster, tmp_path: Path) -> None:
    lab.on(MACHINE, "chmod 700 /opt/k8snet")
    try:
        code, said = operators.tool(lab, MACHINE, f"drift install {FLEET}")
    finally:
        lab.on(MACHINE, "chmod 755 /opt/k8snet")
    assert code == 1 and "cannot run this program" in said, said
