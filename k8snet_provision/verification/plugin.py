"""The pytest plugin that gives checks their hosts, and takes down how each of them went."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from testinfra.host import Host

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from k8snet_provision.verification.backend import connect
from k8snet_provision.verification.pods import CannotProbe, Pod, on_every_node


@dataclass(frozen=True)
class Result:
    """One check on one host: `proves` is its docstring; `why` is empty when it passed."""

    check: str
    proves: str
    where: str
    passed: bool
    seconds: float
    why: str = ""


class Verification:
    """Fixtures: world, control_plane and node (testinfra Hosts, one check each), pods (by node)."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self.world = world
        self.results: list[Result] = []
        self._fleet = fleet
        self._groups = {"control_plane": world.cluster.control_planes, "node": world.cluster.nodes}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for fixture, names in self._groups.items():
            if fixture in metafunc.fixturenames:
                here = [name for name in names if name in self._observed()]
                hosts = [connect(self._fleet, name) for name in here]
                metafunc.parametrize(fixture, hosts, ids=here, scope="session")

    def _observed(self) -> set[str]:
        return set(self.world.observation.hosts)

    @pytest.fixture(scope="session", name="world")
    def world_fixture(self) -> World:
        return self.world

    @pytest.fixture(scope="session")
    def pods(self) -> Iterator[dict[str, Pod]]:
        with ExitStack() as stack:
            yield stack.enter_context(on_every_node(self.world, self._fleet))

    @pytest.fixture
    def pod(self, node: Host, pods: dict[str, Pod]) -> Pod:
        return pods[node.backend.get_hostname()]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        error = call.excinfo.value if call.excinfo else None
        if isinstance(error, CannotProbe):
            self._no_pods(str(error), report.duration)
        elif report.when == "call" or report.failed:
            self.results.append(_result(item, report, error))
        return report

    def _no_pods(self, why: str, seconds: float) -> None:
        """Said once: every check from inside pods fails for the same reason."""
        failed = Result("pods", "pods to ask from run on every node", "cluster", False, seconds, why)
        if not any(result.check == failed.check for result in self.results):
            self.results.append(failed)


def _result(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> Result:
    function = getattr(item, "function", None)
    proves = " ".join((getattr(function, "__doc__", "") or item.name).split())
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    places = [value.backend.get_hostname() for value in parameters.values() if isinstance(value, Host)]
    variants = [str(value) for value in parameters.values() if not isinstance(value, Host)]
    proves += f" ({', '.join(variants)})" if variants else ""
    why = "" if report.passed else _reason(report, error)
    return Result(item.name, proves, places[0] if places else "cluster", report.passed, report.duration, why)


def _reason(report: pytest.TestReport, error: BaseException | None) -> str:
    """The assertion's own line, without the traceback: it holds what was found and what was expected."""
    if isinstance(error, Unknown):
        return str(error)
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longreprtext).strip()
