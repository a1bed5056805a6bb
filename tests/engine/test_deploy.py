"""A batch runs as one pyinfra State on connections that are already open; failures are data."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import gevent
import pytest
from pyinfra import host as current_host
from pyinfra.api.deploy import deploy
from pyinfra.api.exceptions import OperationError
from pyinfra.facts.files import File
from pyinfra.operations import files as stock_files
from pyinfra.operations import server

from k8snet_provision.engine import operations
from k8snet_provision.engine.fleet import Failed, Fleet

from .sshd import Sshd

pytestmark = pytest.mark.programs

Step = tuple[str, str]


@deploy("scripts")
def scripts(steps: Sequence[Step]) -> None:
    for name, text in steps:
        operations.run_script(text, name=name)


@pytest.fixture
def fleet(sshd: Sshd) -> Iterator[Fleet]:
    with Fleet({name: sshd.connection(name, f"127.0.9.{name[1:]}") for name in ("h1", "h2", "h3")}) as fleet:
        yield fleet


def test_each_host_runs_its_own_changes_in_order(fleet: Fleet, tmp_path: Path) -> None:
    batch = {
        name: [(f"step {n}", f"sleep 0.{n}; echo {n} >>{tmp_path}/{name}") for n in range(count)]
        for name, count in (("h1", 3), ("h2", 1), ("h3", 0))
    }
    assert fleet.deploy(batch, scripts) == {"h1": None, "h2": None, "h3": None}
    assert (tmp_path / "h1").read_text() == "0\n1\n2\n"
    assert (tmp_path / "h2").read_text() == "0\n"
    assert not (tmp_path / "h3").exists()


def test_a_failure_names_host_and_step_and_the_others_go_on(fleet: Fleet, tmp_path: Path) -> None:
    batch = {
        "h1": [("reads", "true"), ("fails", "echo it is broken >&2; exit 3"), ("never", f"touch {tmp_path}/h1")],
        "h2": [("first", "true"), ("second", "true"), ("third", f"touch {tmp_path}/h2")],
    }
    outcome = fleet.deploy(batch, scripts)
    assert outcome == {"h1": Failed("h1", "fails", "it is broken"), "h2": None}
    assert not (tmp_path / "h1").exists()
    assert (tmp_path / "h2").exists()


def test_every_host_may_fail(fleet: Fleet) -> None:
    outcome = fleet.deploy({name: [("fails", "exit 1")] for name in ("h1", "h2")}, scripts)
    assert outcome == {name: Failed(name, "fails", "it failed and said nothing") for name in ("h1", "h2")}
    assert fleet.deploy({"h1": [("works", "true")]}, scripts) == {"h1": None}


def test_batches_share_the_connections(own_sshd: Sshd) -> None:
    with Fleet({"h1": own_sshd.connection()}) as fleet:
        for _ in range(3):
            assert fleet.deploy({"h1": [("a", "true")]}, scripts) == {"h1": None}
    assert own_sshd.log().count("Accepted publickey") == 1


def test_progress_tells_each_hosts_own_steps(fleet: Fleet) -> None:
    told: list[tuple[str, str, str]] = []
    batch = {"h1": [("one", "true"), ("two", "false")], "h2": [("other", "true")]}
    fleet.deploy(batch, scripts, lambda *event: told.append(event))
    assert [event[1:] for event in told if event[0] == "h1"] == [
        ("one", "started"),
        ("one", "done"),
        ("two", "started"),
        ("two", "failed"),
    ]
    assert [event[1:] for event in told if event[0] == "h2"] == [("other", "started"), ("other", "done")]


def test_a_host_that_cannot_be_reached_fails_alone(sshd: Sshd) -> None:
    hosts = {"h1": sshd.connection("h1"), "gone": sshd.connection("gone", "127.0.9.77")}
    with Fleet(hosts) as fleet:
        outcome = fleet.deploy({name: [("a", "true")] for name in hosts}, scripts)
    assert outcome["h1"] is None
    assert outcome["gone"] is not None
    assert outcome["gone"].step == "connecting"
    assert "refused the connection" in outcome["gone"].text


def test_a_host_that_dies_half_way_fails_alone(sshd: Sshd, own_sshd: Sshd) -> None:
    hosts = {"h1": sshd.connection("h1"), "dying": own_sshd.connection("dying")}
    with Fleet(hosts) as fleet:
        fleet.connect(hosts)
        gevent.spawn_later(0.5, own_sshd.signal_children, signal.SIGKILL)
        outcome = fleet.deploy({name: [("long", "sleep 1"), ("next", "true")] for name in hosts}, scripts)
    assert outcome["h1"] is None
    assert outcome["dying"] is not None
    assert outcome["dying"].step == "long"
    assert "dying closed the connection" in outcome["dying"].text


def test_a_deploy_that_refuses_fails_its_host_before_anything_runs(fleet: Fleet, tmp_path: Path) -> None:
    @deploy("refusing")
    def refusing(changes: Sequence[str]) -> None:
        operations.run_script(f"touch {tmp_path}/{current_host.name}")
        if changes:
            raise OperationError("no such kind of change")

    outcome = fleet.deploy({"h1": ["bad"], "h2": []}, refusing)
    assert outcome == {"h1": Failed("h1", "preparing", "no such kind of change"), "h2": None}
    assert [path.name for path in tmp_path.iterdir()] == ["h2"]


def test_a_mistake_in_a_deploy_is_raised_and_changes_nothing(fleet: Fleet, tmp_path: Path) -> None:
    @deploy("mistaken")
    def mistaken(changes: Sequence[str]) -> None:
        operations.run_script(f"touch {tmp_path}/{current_host.name}")
        raise KeyError(current_host.name)

    with pytest.raises(KeyError):
        fleet.deploy({"h1": [], "h2": []}, mistaken)
    assert list(tmp_path.iterdir()) == []
    assert fleet.deploy({"h1": [("works", "true")]}, scripts) == {"h1": None}


def test_stock_operations_and_facts_work_over_the_link(fleet: Fleet, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target $(id) 'x'"
    source.write_bytes(bytes(range(256)) * 100)
    facts = []

    @deploy("stock")
    def stock(changes: Sequence[str]) -> None:
        server.shell(commands=[f"echo $GREETING >{tmp_path}/greeting"], _env={"GREETING": "hello $HOME"})
        stock_files.put(src=str(source), dest=str(target), mode="600")
        stock_files.get(src=str(source), dest=str(tmp_path / "copy"))
        facts.append(current_host.get_fact(File, path=str(source)))

    assert fleet.deploy({"h1": []}, stock) == {"h1": None}
    assert (tmp_path / "greeting").read_text() == "hello $HOME\n"
    assert target.read_bytes() == source.read_bytes() == (tmp_path / "copy").read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600
    assert facts[0]["size"] == 25600


def test_a_host_keeps_its_own_steps(fleet: Fleet, tmp_path: Path) -> None:
    batch = {"h1": [("good", "cat >/dev/null; true"), ("bad one", "exit 7"), ("never", "true")]}
    (failed,) = fleet.deploy(batch, scripts, mirror=str(tmp_path)).values()
    assert failed is not None and failed.step == "bad one"
    words = [line.split(" ", 1)[1] for line in (tmp_path / "steps").read_text().splitlines()]
    assert words == ["start good", "done good", "start bad one", "failed bad one"]


def test_a_step_that_cannot_be_kept_is_not_begun(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "steps").mkdir()
    (failed,) = fleet.deploy({"h1": [("step", f"touch {tmp_path}/made")]}, scripts, mirror=str(tmp_path)).values()
    assert failed is not None and "cannot be written, so the step was not begun" in failed.text
    assert not (tmp_path / "made").exists()
