"""The pytest plugin that gives checks their hosts, and takes down how each of them went."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

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

P = ParamSpec("P")
T = TypeVar("T")


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
        self._pods: gevent.Greenlet[..., dict[str, Pod] | CannotProbe | Unknown] | None = None
        self._echo: gevent.Greenlet[..., Echo | CannotProbe | Unknown] | None = None
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
        """What needs pods comes later, and last what needs a new Ingress: they are on their way meanwhile."""
        wanted = [item for item in items if is_called_for(item, self.world)]
        items[:] = sorted(wanted, key=_needs)

    def _observed(self) -> set[str]:
        return set(self.world.observation.hosts)

    @pytest.fixture(scope="session", name="world")
    def world_fixture(self) -> World:
        return self.world

    @pytest.fixture(scope="session")
    def fleet(self) -> Fleet:
        return self._fleet

    @pytest.fixture(scope="session")
    def client(self, request: pytest.FixtureRequest) -> Client:
        """Before the first question it is seen that there is any way from there."""
        if self.world.topology.ingress:
            way_in.knock(self._client, request.getfixturevalue("way"))
        return self._client

    @pytest.fixture(scope="session")
    def way(self) -> WayIn:
        return way_in.read(self.world, self._fleet)

    @pytest.fixture(scope="session", autouse=True)
    def namespace(self) -> Iterator[str]:
        """With pods on their way in it from the start, while what needs none is proved."""
        with temporary_namespace(self.world, self._fleet) as name:
            self._pods = gevent.spawn(_or_failure, on_every_node, self.world, self._fleet, name)
            if self.world.topology.ingress:
                self._echo = gevent.spawn(_or_failure, self._start_echo, name)
            try:
                yield name
            finally:
                gevent.joinall([job for job in (self._pods, self._echo) if job])

    def _start_echo(self, namespace: str) -> Echo:
        way = way_in.read(self.world, self._fleet)
        return echoes.start(self.world, self._fleet, way, namespace)

    @pytest.fixture(scope="session")
    def pods(self, namespace: str) -> dict[str, Pod]:
        assert self._pods is not None
        return _or_raise(self._pods.get())

    @pytest.fixture(scope="session")
    def echo(self, namespace: str, way: WayIn, client: Client) -> Echo:
        assert self._echo is not None
        echo = _or_raise(self._echo.get())
        echoes.wait(self.world, self._fleet, way, echo, client)
        return echo

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


def _needs(item: pytest.Item) -> int:
    fixtures = item.fixturenames if isinstance(item, pytest.Function) else []
    return 2 if "echo" in fixtures else 1 if "pods" in fixtures else 0


def _or_failure(work: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | CannotProbe | Unknown:
    """An exception that ends a greenlet would be printed; whoever asks for the result shall have it instead."""
    try:
        return work(*arguments, **options)
    except (CannotProbe, Unknown) as failure:
        return failure


def _or_raise(result: T | CannotProbe | Unknown) -> T:
    if isinstance(result, CannotProbe | Unknown):
        raise result
    return result


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
