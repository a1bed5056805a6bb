"""What diff prints is what apply does: random valid edits, and what really changed, seen without the tool."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import pytest

from k8snet_provision.lab import settings
from k8snet_provision.resources.kube_object import FIELD_MANAGER, OWNED_LABEL
from tests.hosts.labs import LabCluster
from tests.hosts.truth.edits import START, Topology, edited
from tests.hosts.truth.seen import Changes, Seen, look, unlike, untold

pytestmark = pytest.mark.hosts

EDITS = int(os.environ.get("K8SNET_TRUTH_EDITS", "20"))
SEED = int(os.environ.get("K8SNET_TRUTH_SEED", "229"))
"""The same walk each time, so that a failure is of what changed since; the nightly target takes another each time."""

GOES_BACK = 5
"""Every so many edits the run is rolled back; there diff is also asked beforehand, and must have said the same."""

UNSETTLED = ("K8N469", "K8N470")
"""A node that is not Ready, a roll-out in progress."""

SETTLES = 90.0

Say = Callable[[str], None]


@dataclass
class Walk:
    """A topology that is edited step by step, and the cluster that follows."""

    cluster: LabCluster
    topology: Topology

    def write(self, topology: Topology) -> None:
        self.topology = topology
        self.cluster.topology(json.dumps(topology, indent=1))

    def look(self) -> Seen:
        """Once what held a range meanwhile is gone: the ServiceCIDR controller takes ten seconds for that."""
        self.cluster.kubectl(f"wait --for=delete servicecidr -l {OWNED_LABEL}={FIELD_MANAGER} --timeout=50s")
        return look(self.cluster, settings.read(self.cluster.inventory))

    def changes(self) -> Changes:
        """What diff finds; an API that is slow for a while is asked again, for what is unknown is no answer."""
        for _ in range(5):
            ran = self.cluster.here("diff", "--output", "json")
            if ran.code != 3:
                break
        assert ran.code in (0, 2), ran
        changes = json.loads(ran.out)["changes"]
        assert bool(changes) == (ran.code == 2), ran
        return list(changes)

    def apply(self) -> Changes:
        """The changes of the plan that was carried out, as apply prints it.

        It does not begin while the cluster still feels that its only API server was away.
        """
        ends = time.monotonic() + SETTLES
        while True:
            ran = self.cluster.here("apply", "--yes", "--output", "json")
            unsettled = ran.code == 3 or any(code in ran.err for code in UNSETTLED)
            if "run" in json.loads(ran.out) or not unsettled or time.monotonic() > ends:
                break
            time.sleep(2)
        assert ran.code == 0, f"{ran}"
        return list(json.loads(ran.out)["changes"])

    def rollback(self) -> None:
        ran = self.cluster.here("rollback", "--yes")
        assert ran.code == 0, ran


@pytest.fixture(scope="module")
def walk(fresh_kubeadm: LabCluster) -> Walk:
    """The cluster with every section of the topology taken over, so that edits are small from here on."""
    started = Walk(fresh_kubeadm, START)
    started.write(START)
    started.apply()
    assert started.changes() == []
    return started


def test_what_was_planned_is_what_changed(walk: Walk, say_of_truth: Say) -> None:
    """One walk, because each edit stands on the one before. After a failure the printed seed walks it again."""
    say_of_truth(f"{EDITS} edits; again with K8SNET_TRUTH_SEED={SEED} K8SNET_TRUTH_EDITS={EDITS}")
    random, lab = Random(SEED), settings.read(walk.cluster.inventory)
    before = walk.look()
    for number in range(1, EDITS + 1):
        started, old = time.monotonic(), walk.topology
        names, new = edited(random, old)
        again = f"edit {number} ({', '.join(names)}); K8SNET_TRUTH_SEED={SEED} K8SNET_TRUTH_EDITS={number}"
        again += f"\nbefore: {json.dumps(old)}\nafter: {json.dumps(new)}"
        walk.write(new)
        back = number % GOES_BACK == 0
        told = walk.changes() if back else None
        changes = walk.apply()
        assert told in (None, changes), f"diff said something else: {told}\n{changes}\n{again}"
        after = walk.look()
        wrong = list(untold(lab, before, after, changes))
        assert wrong == [], "\n".join([*wrong, again])
        assert walk.changes() == [], f"a second diff finds something\n{again}"
        if back and changes:
            walk.rollback()
            after = walk.look()
            wrong = list(unlike(lab, before, after))
            assert wrong == [], "\n".join(["rolled back:", *wrong, again])
            walk.write(old)
            assert walk.changes() == [], f"rolled back, and diff finds something\n{again}"
        before = after
        note = f"{_counted(changes):<46} {'rolled back  ' if back else ''}{', '.join(names)}"
        say_of_truth(f"{number:>4}  {time.monotonic() - started:>5.1f} s  {note}")


def _counted(changes: Changes) -> str:
    found = Counter(change["phase"] for change in changes)
    return ", ".join(f"{phase} {number}" for phase, number in found.items()) or "nothing"
