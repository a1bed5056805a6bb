"""The tool's own commands and probes against an API server without hosts."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping, Sequence

from k8snet_provision import cluster_state
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import HostSeen
from tests.hosts.api_server import ApiServer
from tests.shell import ask

Objects = Mapping[ObjectRef, Manifest]


def apply(server: ApiServer, items: Sequence[Manifest]) -> None:
    """As the tool does it; objects of a new kind are taken a moment after the kind itself."""
    script = cluster_state.dry_run(server.prelude, "name").replace("--dry-run=server", "")
    ends = time.monotonic() + 30
    while (ran := _run(script, items)).returncode:
        assert "no matches for kind" in ran.stderr and time.monotonic() < ends, ran.stderr[-2000:]
        time.sleep(0.2)


def dry_run(server: ApiServer, items: Sequence[Manifest]) -> Objects:
    """`kubectl apply --server-side --force-conflicts --dry-run=server`, as diff asks it."""
    ran = _run(cluster_state.dry_run(server.prelude, "json"), items)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return {ObjectRef.of(item): item for item in json.loads(ran.stdout)["items"]}


def _run(script: str, items: Sequence[Manifest]) -> subprocess.CompletedProcess[str]:
    stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)})
    words = ["sh", "-c", script]
    return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=120, check=False)


def state(server: ApiServer, refs: Sequence[ObjectRef]) -> ClusterState:
    """The objects, read by the tool's own probes."""
    asked = [p for p in cluster_state.probes(server.prelude, refs) if p.key.startswith("cluster:objects")]
    return ClusterState(HostSeen("cp1", ask(*asked).answers), reader="cp1")


def live(server: ApiServer, items: Sequence[Manifest]) -> Objects:
    refs = [ObjectRef.of(item) for item in items]
    seen = state(server, refs)
    return {ref: item for ref in refs if (item := seen.live(ref))}
