"""One lab of each kind for the whole run; every test module starts with a cluster just installed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from k8snet_provision.runs import local
from tests.hosts.faults.cells import Cell
from tests.hosts.labs import LabCluster, up

RUNS = ("units", "pods", "ways-in", "proxy-units", "no-shared-lab")
"""Parts of the tests on hosts that share no lab; bin/test runs them side by side."""

SHARED = {
    ("systemd_lab", "fresh_systemd"): "units",
    ("kubeadm_lab", "fresh_kubeadm"): "pods",
    ("ways_in_lab", "fresh_ways_in"): "ways",
    ("proxy_units_lab", "fresh_proxy_units"): "proxy",
}
"""Fixtures of labs that stay up from module to module, and the labs' names."""

MARKERS = {"units": "units", "pods": "pods", "ways": "ways_in", "proxy": "proxy_units"}
"""Of the tests that work with a shared lab, so that one run has it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    of_module: dict[Path, set[str]] = {}
    for item in items:
        labs = _labs_of(item)
        assert len(labs) < 2, f"{item.nodeid} works with labs of two runs: {labs}"
        for lab in labs & set(MARKERS):
            item.add_marker(MARKERS[lab])
        of_module.setdefault(item.path, set()).update(labs)
    items.sort(key=lambda item: _turn(of_module[item.path]))  # keeps the order of what has the same turn


def _labs_of(item: pytest.Item) -> set[str]:
    """The shared labs that a test works with; parameters may name fixtures, and a cell of the table of faults does."""
    if not isinstance(item, pytest.Function):
        return set()
    given = item.callspec.params.values() if hasattr(item, "callspec") else ()
    named = {value.subject.lab if isinstance(value, Cell) else str(value) for value in given}
    named |= set(item.fixturenames)
    return {lab for fixtures, lab in SHARED.items() if named & set(fixtures)}


def _turn(labs: set[str]) -> int:
    """First what needs no shared lab, then what needs the small one, so that labs are up for as short as can be."""
    return 1 + ("pods" not in labs) if labs else 0


@pytest.hookimpl(trylast=True)  # when the module's own fixtures have done with it
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """A lab that no later test works with is ended: an idle cluster takes a tenth of a core from the others."""
    items = item.session.items
    needed = {lab for later in items[items.index(item) + 1 :] for lab in _labs_of(later)}
    for name in set(_up) - needed if nextitem else ():
        _up.pop(name).lab("down")


@pytest.fixture(scope="session", autouse=True)
def one_run_at_a_time() -> Iterator[None]:
    """Labs have fixed names and networks, so a second run on this machine waits for the first to end."""
    given = os.environ.get("K8SNET_TEST_RUN")
    with ExitStack() as locks:
        for name in [given] if given in RUNS else RUNS:
            lock = locks.enter_context(Path(f"/run/lock/k8snet-provision-tests-{name}").open("w"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def journals_of_their_own(own_state: Path) -> Path:
    """The directory that these runs keep their journals below: they are nobody's to resume or roll back."""
    return own_state


@pytest.fixture(scope="session")
def systemd_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """Three control planes as units, two nodes."""
    hosts = {"kube_control_plane": ["cp1", "cp2", "cp3"], "kube_node": ["node1", "node2"]}
    yield from _lab(tmp_path_factory, "units", "10.141.1.0/24", hosts, "systemd")


@pytest.fixture(scope="session")
def kubeadm_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """One control plane of static pods, one node."""
    hosts = {"kube_control_plane": ["cp1"], "kube_node": ["node1"]}
    yield from _lab(tmp_path_factory, "pods", "10.141.2.0/24", hosts, "kubeadm")


@pytest.fixture(scope="session")
def ways_in_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """One control plane as units, two nodes, two load balancers: what the three ways in need."""
    hosts = {"kube_control_plane": ["cp1"], "kube_node": ["node1", "node2"], "load_balancer": ["lb1", "lb2"]}
    yield from _lab(tmp_path_factory, "ways", "10.141.4.0/24", hosts, "systemd")


@pytest.fixture(scope="session")
def proxy_units_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """One control plane and one node, kube-proxy as a unit on both."""
    hosts = {"kube_control_plane": ["cp1"], "kube_node": ["node1"]}
    yield from _lab(tmp_path_factory, "proxy", "10.141.9.0/24", hosts, "systemd", proxy="systemd")


@pytest.fixture(scope="module")
def fresh_proxy_units(proxy_units_lab: LabCluster) -> LabCluster:
    """The lab whose kube-proxies are units, as it was just installed."""
    return _fresh(proxy_units_lab)


@pytest.fixture(scope="module")
def fresh_ways_in(ways_in_lab: LabCluster) -> LabCluster:
    """The lab of the ways in as it was just installed."""
    return _fresh(ways_in_lab)


@pytest.fixture(scope="module")
def fresh_systemd(systemd_lab: LabCluster) -> LabCluster:
    """The systemd lab as it was just installed: range 10.96.0.0/16, iptables mode."""
    return _fresh(systemd_lab)


@pytest.fixture(scope="module")
def fresh_kubeadm(kubeadm_lab: LabCluster) -> LabCluster:
    """The kubeadm lab as it was just installed."""
    return _fresh(kubeadm_lab)


def _lab(
    tmp: pytest.TempPathFactory,
    name: str,
    network: str,
    hosts: dict[str, list[str]],
    kind: str,
    proxy: str = "daemonset",
) -> Iterator[LabCluster]:
    target = tmp.mktemp(name) / "inventory"
    cluster = _up[name] = LabCluster(target)
    try:
        yield up(target, name, network, hosts, kind, proxy)
    finally:
        if _up.pop(name, None):
            cluster.lab("down")


_up: dict[str, LabCluster] = {}
"""Shared labs that are up."""


_used: set[Path] = set()
"""Labs that a module has worked with; one that was only just made is fresh as it is."""


def _fresh(cluster: LabCluster) -> LabCluster:
    cluster.restore_topology()
    if cluster.inventory in _used:
        restored = cluster.lab("restore", "fresh")
        assert restored.code == 0, restored
        for run in local.runs_of(cluster.inventory):  # what they did is gone with the disks, and so is their mirror
            shutil.rmtree(local.root() / run.id)
    _used.add(cluster.inventory)
    cluster.settle()
    return cluster
