"""drift finds what only a running system shows: every drift made by hand is told, none other is, and none mended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

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
