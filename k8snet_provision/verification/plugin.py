"""The pytest plugin that gives checks their hosts, and takes down how each of them went."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

import gevent
import pytest
from testinfra.host import Host

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from k8snet_provision.verification import echo as echoes
from k8snet_provision.verification import way_in
from k8snet_provision.verification.backend import connect
from k8snet_provision.verification.called_for import is_called_for
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.cluster import CannotProbe, temporary_namespace
from k8snet_provision.verification.echo import Echo
from k8snet_provision.verification.pods import Pod, on_every_node
from k8snet_provision.verification.verdict import NotAsWanted
from k8snet_provision.verification.way_in import WayIn
from k8snet_provision.verification.web import NoAnswer


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
    """Fixtures: world, control_plane, node and edge_host (testinfra Hosts, one check each), pods (by node), and
    for the way in from outside: client, way, echo.

    What the topology does not call for is not collected; see `called_for`.
    """

    def __init__(self, world: World, fleet: Fleet, client: Client) -> None:
        self.world = world
        self.results: list[Result] = []
        self._fleet = fleet
        self._client = client
        self._echo: gevent.Greenlet[..., Echo | CannotProbe] | None = None
        cluster = world.cluster
        self._groups = {
            "control_plane": cluster.control_planes,
            "node": cluster.nodes,
            "edge_host": cluster.load_balancers,
        }

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        for fixture, names in self._groups.items():
            if fixture in metafunc.fixturenames:
                here = [name for name in names if name in self._observed()]
                hosts = [connect(self._fleet, name) for name in here]
                metafunc.parametrize(fixture, hosts, ids=here, scope="session")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """What waits for a new Ingress to be served comes last: it is on its way meanwhile."""
        wanted = [item for item in items if is_called_for(item, self.world)]
        items[:] = sorted(wanted, key=lambda item: "echo" in _fixtures(item))

    def _observed(self) -> set[str]:
        return set(self.world.observation.hosts)

    @pytest.fixture(scope="session", name="world")
    def world_fixture(self) -> World:
        return self.world

    @pytest.fixture(scope="session")
    def fleet(self) -> Fleet:
        return self._fleet

    @pytest.fixture(scope="session")
    def client(self) -> Client:
        return self._client

    @pytest.fixture(scope="session")
    def way(self) -> WayIn:
        return way_in.read(self.world, self._fleet)

    @pytest.fixture(scope="session")
    def namespace(self) -> Iterator[str]:
        """With pods that echo on their way in it, so that they are there when they are asked for."""
        with temporary_namespace(self.world, self._fleet) as name:
            if self.world.topology.ingress:
                self._echo = gevent.spawn(self._start_echo, name)
            yield name

    def _start_echo(self, namespace: str) -> Echo | CannotProbe:
        try:
            way = way_in.read(self.world, self._fleet)
            return echoes.start(self.world, self._fleet, way, namespace)
        except CannotProbe as failure:
            return failure

    @pytest.fixture(scope="session")
    def echo(self, namespace: str, way: WayIn) -> Echo:
        assert self._echo is not None
        echo = self._echo.get()
        if isinstance(echo, CannotProbe):
            raise echo
        echoes.wait(self.world, self._fleet, way, echo, self._client)
        return echo

    @pytest.fixture(scope="session")
    def pods(self, namespace: str) -> dict[str, Pod]:
        return on_every_node(self.world, self._fleet, namespace)

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
            self._cannot_ask(error, report.duration)
        elif report.when == "call" or report.failed:
            self.results.append(_result(item, report, error))
        return report

    def _cannot_ask(self, error: CannotProbe, seconds: float) -> None:
        """Said once: every check that asks with the same thing fails for the same reason."""
        failed = Result(error.check, error.proves, "cluster", False, seconds, str(error))
        if not any(result.check == failed.check for result in self.results):
            self.results.append(failed)


def _fixtures(item: pytest.Item) -> list[str]:
    return item.fixturenames if isinstance(item, pytest.Function) else []


def _result(item: pytest.Item, report: pytest.TestReport, error: BaseException | None) -> Result:
    function = getattr(item, "function", None)
    proves = " ".join((getattr(function, "__doc__", "") or item.name).split())
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    places = [value.backend.get_hostname() for value in parameters.values() if isinstance(value, Host)]
    client = item.funcargs.get("client") if isinstance(item, pytest.Function) else None
    places += [client.name] if isinstance(client, Client) else []
    variants = [str(value) for value in parameters.values() if not isinstance(value, Host)]
    proves += f" ({', '.join(variants)})" if variants else ""
    why = "" if report.passed else _reason(report, error)
    return Result(item.name, proves, places[0] if places else "cluster", report.passed, report.duration, why)


def _reason(report: pytest.TestReport, error: BaseException | None) -> str:
    """The assertion's own line, without the traceback: it holds what was found and what was expected."""
    if isinstance(error, Unknown | NotAsWanted | NoAnswer):
        return str(error)
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longreprtext).strip()
