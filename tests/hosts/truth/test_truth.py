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
from tests.hosts.labs import LabCluster
from tests.hosts.truth.edits import START, Topology, edited
from tests.hosts.truth.seen import Changes, Seen, look, unlike, untold

pytestmark = [pytest.mark.hosts, pytest.mark.nightly]

EDITS = int(os.environ.get("K8SNET_TRUTH_EDITS", "20"))
SEED = int(os.environ.get("K8SNET_TRUTH_SEED", "5"))
"""The same walk each time, so that a failure is of what changed since; the nightly target takes another each time."""

GOES_BACK = 4
"""Every so many edits the run is rolled back."""

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
        return look(self.cluster, settings.read(self.cluster.inventory))

    def changes(self) -> Changes:
        """What diff finds; an API that is slow for a while is asked again, for what is unknown is no answer."""
        for _ in range(5):
            ran = self.cluster.tool("diff", "--output", "json")
            if ran.code != 3:
                break
        assert ran.code in (0, 2), ran
        changes = json.loads(ran.out)["changes"]
        assert bool(changes) == (ran.code == 2), ran
        return list(changes)

    def apply(self) -> None:
        ran = self.cluster.tool("apply", "--yes", timeout=600)
        assert ran.code == 0, ran

    def rollback(self) -> None:
        ran = self.cluster.tool("rollback", "--yes", timeout=600)
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
        about = f"edit {number} ({', '.join(names)})"
        again = (
            f"K8SNET_TRUTH_SEED={SEED} K8SNET_TRUTH_EDITS={number}\nbefore: {json.dumps(old)}\nafter: {json.dumps(new)}"
        )
        walk.write(new)
        changes = walk.changes()
        walk.apply()
        after = walk.look()
        wrong = list(untold(lab, before, after, changes))
        assert wrong == [], "\n".join([f"{about}:", *wrong, again])
        assert walk.changes() == [], f"{about}: a second diff finds something; {again}"
        back = number % GOES_BACK == 0 and bool(changes)
        if back:
            walk.rollback()
            after, before = walk.look(), before
            wrong = list(unlike(lab, before, after))
            assert wrong == [], "\n".join([f"{about}, rolled back:", *wrong, again])
            walk.write(old)
            assert walk.changes() == [], f"{about}: rolled back; {again}"
        before = after
        note = f"{_counted(changes):<46} {'rolled back  ' if back else ''}{', '.join(names)}"
        say_of_truth(f"{number:>4}  {time.monotonic() - started:>5.1f} s  {note}")


def _counted(changes: Changes) -> str:
    found = Counter(change["phase"] for change in changes)
    return ", ".join(f"{phase} {number}" for phase, number in found.items()) or "nothing"
