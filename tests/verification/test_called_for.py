"""What a topology does not call for is not collected, and so not reported as proved."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from k8snet_provision.seen import World
from k8snet_provision.verification.called_for import is_called_for
from k8snet_provision.verification.run import CHECKS

from .test_pages import topology
from .worlds import world

PLAIN = "kube_proxy: {mode: iptables}"
LOAD_BALANCER = topology()
NODE_PORT = LOAD_BALANCER.replace("load_balancer,", "node_port,") + "edge: {vip: 192.0.2.100, api: {port: 6443}}\n"


class Collected:
    """The modules' names by check, of what is left for a world."""

    def __init__(self, here: World) -> None:
        self.world = here
        self.names: set[str] = set()

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for name in {"node", "control_plane", "edge_host"} & set(metafunc.fixturenames):
            metafunc.parametrize(name, ["host"])

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        if is_called_for(item, self.world):
            self.names.add(f"{item.path.stem}.{item.originalname}" if isinstance(item, pytest.Function) else item.name)


def collected(path: Path, text: str) -> set[str]:
    plugin = Collected(world(path, text))
    arguments = [str(CHECKS), "--collect-only", "-p", "no:cacheprovider", "-p", "no:terminal",
                 "-c", "/dev/null", "--rootdir", str(CHECKS), "--override-ini=python_files=*.py"]  # fmt: skip
    assert pytest.main(arguments, plugins=[plugin]) == pytest.ExitCode.OK
    return plugin.names


def modules(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def test_without_a_way_in_there_is_nothing_to_ask_from_outside(tmp_path: Path) -> None:
    assert modules(collected(tmp_path, PLAIN)) == {"names", "proxy", "service_range"}


def test_each_pattern_has_checks_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    load_balancer, node_port = collected(tmp_path / "a", LOAD_BALANCER), collected(tmp_path / "b", NODE_PORT)
    assert modules(load_balancer - node_port) == {"load_balancer"}
    assert node_port - load_balancer == {
        "edge.test_units",
        "edge.test_vip",
        "edge.test_servers",
        "edge.test_nodes",
        "edge.test_api",
        "ingress_client.test_proxy_line_past_the_edge",
    }
