"""The whole check over a real sshd: whom it asks, what it makes of hosts that are lost, and what --skip does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision import preflight
from k8snet_provision.capability import Capability, Phase
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.engine.carry_out import host_changes
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.observe import Observation
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.seen import World
from tests.deploys.worlds import a_state, a_world
from tests.engine.sshd import Sshd

SITE = (
    Phase(Capability("settings", host_changes), ("kube_node",)),
    Phase(Capability("proxies", host_changes, from_control_plane=True), ("kube_node",)),
    Phase(Capability("objects", host_changes), (CLUSTER,)),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd"), ("127.0.11.9",)).start()
    yield started
    started.stop()


def of_host(phase: str = "settings") -> Change:
    return Change(phase, "w1", Kind.FILE, "/etc/a.conf", "old\n", "new\n")


OF_CLUSTER = Change("objects", CLUSTER, Kind.OBJECT, "ConfigMap default/a", "old\n", "new\n")


class Place:
    """A control plane and a node behind one sshd; neither runs anything, and no kubectl is where it is said to be."""

    def __init__(self, server: Sshd, folder: Path) -> None:
        self.server = server
        topology = "service_cidr: 10.254.0.0/16\ncontrol_plane: {kubectl: /none/kubectl}\n"
        self.world = a_world(folder, topology, state=a_state())
        self.ports = {"cp1": server.port, "w1": server.port}

    def check(self, *changes: Change, skip: tuple[str, ...] = (), world: World | None = None) -> list[Problem]:
        connections = {host: self.server.connection(host, port=port) for host, port in self.ports.items()}
        with Fleet(connections) as fleet:
            plan = Plan("lab", {}, changes)
            return preflight.check(fleet, world or self.world, SITE, self.world.cluster, plan, skip)

    def told(self, *changes: Change, **options: object) -> list[tuple[str, str]]:
        return [(found.code, str(found.where)) for found in self.check(*changes, **options)]  # type: ignore[arg-type]


@pytest.fixture
def place(server: Sshd, tmp_path: Path) -> Place:
    return Place(server, tmp_path)


def test_a_plan_without_changes_asks_nobody(place: Place) -> None:
    place.ports = {}
    assert place.told() == []


def test_a_host_is_asked_only_when_the_plan_writes_there(place: Place) -> None:
    """Asking w1 would fail: it cannot be reached."""
    place.ports["w1"] = 1
    assert "w1" not in {where for _, where in place.told(OF_CLUSTER)}
    assert "w1" not in {where for _, where in place.told(of_host("proxies"))}, "through the API, from the control plane"
    assert ("K8N473", "w1") in place.told(of_host())


def test_a_host_that_was_lost_since_the_plan_was_made_is_no_matter_of_skipping(place: Place) -> None:
    place.ports["w1"] = 1
    lost = [found for found in place.check(of_host()) if found.where == "w1"]
    assert [(found.code, str(found.severity)) for found in lost] == [("K8N473", "error")]
    assert "127.0.11.9" in lost[0].found or "refused" in lost[0].found
    with pytest.raises(ProblemsFound, match="K8N460 --skip names what cannot be skipped"):
        place.check(of_host(), skip=("K8N473",))


def test_a_host_that_was_not_reached_before_is_not_waited_for_again(place: Place) -> None:
    del place.ports["w1"]
    world = replace(place.world, observation=Observation({}, {"w1": "sudo: a password is required"}))
    (lost,) = [found for found in place.check(of_host(), world=world) if found.where == "w1"]
    assert (lost.code, lost.found) == ("K8N473", "sudo: a password is required")


def test_what_cannot_be_found_out_is_an_error_under_a_code_of_its_own(place: Place) -> None:
    found = place.check(OF_CLUSTER)
    cluster = [problem for problem in found if problem.code == "K8N478"]
    assert [problem.found for problem in cluster] == ["kubectl not found: tried /none/kubectl"] * 2
    assert {str(problem.severity) for problem in cluster} == {"error"}
    unread = [found.text for found in place.check(OF_CLUSTER, world=replace(place.world, state=ClusterState(None)))]
    assert {"not known: nodes", "not known: workloads"} <= set(unread)


def test_skipping_a_check_leaves_its_problems_to_be_read(place: Place) -> None:
    found = place.check(OF_CLUSTER, skip=("K8N478",))
    skipped = [problem for problem in found if problem.code == "K8N478"]
    assert [(str(problem.severity), problem.text.endswith("; skipped by --skip")) for problem in skipped] == [
        ("warning", True)
    ] * 2
    others = [problem for problem in found if problem.code != "K8N478"]
    assert not any("skipped" in problem.text for problem in others)
