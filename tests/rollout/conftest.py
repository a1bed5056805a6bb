"""One sshd for a module of tests, a site of four hosts for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision.cluster_state import ClusterState
from tests.deploys.worlds import a_world
from tests.engine.sshd import Sshd
from tests.rollout.sites import CONTROL_PLANE, HOSTS, OLD, Site


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd"), ("127.0.11.1",)).start()
    yield started
    started.stop()


@pytest.fixture
def site(server: Sshd, tmp_path: Path) -> Site:
    state = ClusterState(None, "", reader="h1")
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16", state=state)
    made = Site(tmp_path, server, world)
    for host in (*HOSTS, CONTROL_PLANE):
        made.path(host).parent.mkdir()
        made.path(host).write_bytes(OLD)
    return made
