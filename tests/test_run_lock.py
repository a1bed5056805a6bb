"""The lock of a run on a host behind a real sshd: one holder, who is named, and who is succeeded only when dead."""

from __future__ import annotations

import pickle
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import gevent
import pytest

from k8snet_provision import run_lock, workflow
from k8snet_provision.engine.fleet import Fleet, Output
from k8snet_provision.plan import Plan
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.run_lock import RunLock, file, lease
from k8snet_provision.runs import mirror
from tests.engine.sshd import Sshd
from tests.rollout.sites import Told
from tests.test_saved_plan import Host

pytestmark = pytest.mark.programs

NO_API = "K() { echo 'connection refused' >&2; return 1; }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd"), ("127.0.11.3",)).start()
    yield started
    started.stop()


class Place:
    """A control-plane host whose API server does not answer, and the file of its lock."""

    def __init__(self, server: Sshd, folder: Path) -> None:
        self.server, self.path = server, folder / "state" / "lock"
        self.connections = {"cp1": server.connection("cp1")}

    def lock(self, seconds: float = 60.0) -> RunLock:
        return RunLock(lambda: Fleet(self.connections), ["cp1"], NO_API, str(self.path), seconds)

    def refused(self, seconds: float = 60.0) -> str:
        with pytest.raises(ProblemsFound) as found, self.lock(seconds):
            pass
        (problem,) = found.value.problems
        return str(problem)

    def written(self) -> list[str]:
        return self.path.read_text().splitlines()

    def write(self, who: str, up: int, boot: str | None = None) -> None:
        """A lock as another run leaves it; `up` is the host's uptime at the last sign of life."""
        boot = boot or Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(f"0123\n{who}\n2026-11-21T02:00:00Z\n{boot}\n{up}\n")

    def left(self) -> list[str]:
        return [path.name for path in self.path.parent.iterdir()]


@pytest.fixture
def place(server: Sshd, tmp_path: Path) -> Place:
    return Place(server, tmp_path)


def uptime() -> int:
    return int(float(Path("/proc/uptime").read_text().split()[0]))


def test_a_second_run_is_refused_and_told_who_from_where_since_when(place: Place) -> None:
    with place.lock():
        _, who, since, *_ = place.written()
        assert stat.S_IMODE(place.path.stat().st_mode) == 0o600
        assert place.refused().startswith(f"cp1: K8N418 another run is under way (found {who} since {since}, last sign")
        assert "@" in who and " pid " in who
        assert place.left() == ["lock"]
    assert place.left() == []


def test_a_run_that_fails_leaves_no_lock(place: Place) -> None:
    with pytest.raises(ZeroDivisionError), place.lock():
        raise ZeroDivisionError
    assert place.left() == []


def test_diff_sees_who_is_at_work_and_takes_nothing(place: Place) -> None:
    with Fleet(place.connections) as fleet:
        assert run_lock.under_way(fleet, ["cp1"], str(place.path)) is None
        assert not place.path.exists()
        with place.lock():
            assert "another run is under way" in str(run_lock.under_way(fleet, ["cp1"], str(place.path)))


def test_a_lock_is_renewed_while_its_run_lasts(place: Place) -> None:
    with place.lock(seconds=12) as held:
        since, first = place.written()[2], place.written()[4]
        time.sleep(8)
        assert (place.written()[2], held.lost()) == (since, "")
        assert int(place.written()[4]) > int(first)


@pytest.mark.parametrize(
    ("up", "boot", "free"),
    [(-50, None, False), (-61, None, True), (-5, "before-the-last-boot", True), (+100, None, False)],
    ids=["alive", "run out", "host was started anew", "renewed in what seems the future"],
)
def test_a_holder_is_succeeded_when_its_time_has_run_out(place: Place, up: int, boot: str | None, free: bool) -> None:
    place.write("ops@desk pid 7", uptime() + up, boot)
    if not free:
        assert "ops@desk pid 7 since 2026-11-21T02:00:00Z" in place.refused()
        assert place.written()[1] == "ops@desk pid 7"
        return
    with place.lock() as held:
        assert held.lost() == ""
        assert place.written()[1] != "ops@desk pid 7"
    assert place.left() == []


@pytest.mark.parametrize("content", ["", "\n\n\n\n\n", "x\ny\n", "a\nb\nc\nd\n$(touch /tmp/no)\n"])
def test_a_lock_that_lost_its_content_counts_from_the_last_boot(place: Place, content: str) -> None:
    place.path.parent.mkdir()
    place.path.write_text(content)
    assert uptime() > 60, "the host of this test was started just now"
    with place.lock():
        assert place.written()[1] != "b"


def test_of_many_successors_one_wins(place: Place) -> None:
    """Each on a connection of its own, as many runs would."""
    names = [f"run{number}" for number in range(8)]
    with Fleet({name: place.server.connection(name) for name in names}) as fleet:
        fleet.connect(names)
        place.write("ops@desk pid 7", uptime() - 100)
        answers = fleet.run({name: file.hold(str(place.path), name, name, 60) for name in names})
        codes = [answer.code for answer in answers.values() if isinstance(answer, Output)]
    assert sorted(codes) == [0] + [file.HELD] * 7
    (winner,) = (name for name, answer in answers.items() if isinstance(answer, Output) and answer.code == 0)
    assert place.written()[:2] == [winner, winner]
    assert place.left() == ["lock"]


def test_a_run_that_was_succeeded_says_so_and_leaves_the_other_s_lock(place: Place) -> None:
    with place.lock(seconds=4) as held:
        place.write("ops@desk pid 7", uptime() + 1000)
        ends = time.monotonic() + 20
        while not held.lost() and time.monotonic() < ends:
            gevent.sleep(0.1)
        assert held.lost().startswith("another run has begun: ops@desk pid 7 since ")
    assert place.written()[1] == "ops@desk pid 7"


def test_a_lock_that_cannot_be_renewed_is_lost_before_another_run_may_take_it(server: Sshd, tmp_path: Path) -> None:
    place = Place(server, tmp_path)
    with place.lock(seconds=8) as held:
        held._fleet = Fleet({"cp1": server.connection("cp1", port=1)})
        time.sleep(7)
        assert "its lock could not be renewed for" in held.lost()
        assert "cp1" in held.lost()


def test_without_a_place_for_it_there_is_no_run(server: Sshd, tmp_path: Path) -> None:
    place = Place(server, tmp_path)
    place.connections = {"cp1": server.connection("cp1", port=1)}
    assert place.refused().startswith("cluster: K8N419 the lock of the run cannot be taken (found ")


def test_apply_is_refused_before_anybody_is_asked_and_changes_nothing(server: Sshd, tmp_path: Path) -> None:
    host = Host(tmp_path, server)
    lock = RunLock(lambda: Fleet({"cp1": server.connection("cp1")}), ["cp1"], NO_API, str(tmp_path / "lock"))

    def asked(plan: Plan, foretold: object) -> bool:
        raise AssertionError("nobody is asked while another run is under way")

    with lock, pytest.raises(ProblemsFound, match="cp1: K8N418 another run is under way"):
        host.with_session(lambda session: workflow.apply(session, Told(), asked))
    assert host.path.read_bytes() == b"old\n"
    assert not (tmp_path / "lock").exists()


def test_apply_holds_the_lock_while_it_changes_something_and_not_afterwards(
    server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "MIRROR", str(tmp_path / "mirror"))
    host = Host(tmp_path, server)
    seen: list[bool] = []

    class Watching(Told):
        def batch(self, phase: str, targets: Sequence[str]) -> None:
            seen.append((tmp_path / "lock").exists())

    _, ended = host.with_session(lambda session: workflow.apply(session, Watching(), lambda plan, foretold: True))
    assert (ended.outcome.ok, seen, (tmp_path / "lock").exists()) == (True, [True], False)


HOLDER = """
import pickle, sys, time
import k8snet_provision.engine.patch
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.run_lock import RunLock

connections, path, seconds = pickle.load(open(sys.argv[1], "rb"))
with RunLock(lambda: Fleet(connections), list(connections), "K() { return 1; }", path, seconds):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_holder_that_was_killed_keeps_the_lock_until_its_time_has_run_out(place: Place, tmp_path: Path) -> None:
    (tmp_path / "asked").write_bytes(pickle.dumps((place.connections, str(place.path), 8.0)))
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "asked")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    assert f"pid {process.pid} since " in place.refused(seconds=8)
    time.sleep(max(0.0, killed + 9 - time.monotonic()))
    with place.lock(seconds=8):
        assert f"pid {process.pid}" not in place.written()[1]


NOW = datetime(2026, 11, 21, 2, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("renewed", "age"), [("02:00:29.000000Z", 1), ("01:59:31.000000Z", 59), ("02:09:00Z", 0)])
def test_a_lease_is_held_by_the_server_s_time(renewed: str, age: int) -> None:
    held = lease.holder(a_lease(renewTime=f"2026-11-21T{renewed}"), NOW)
    assert (str(held), held and held.age) == (
        f"ops@desk pid 7 since 2026-11-21T01:00:00Z, last sign of life {age} s ago",
        age,
    )


def test_a_lease_that_ran_out_or_was_given_back_is_free() -> None:
    assert lease.holder(None, NOW) is None
    assert lease.holder(a_lease(renewTime="2026-11-21T01:59:30.000000Z"), NOW) is None
    assert lease.holder(a_lease(holderIdentity=""), NOW) is None


def a_lease(**changes: object) -> dict[str, object]:
    spec = {
        "holderIdentity": "ops@desk pid 7 00ff",
        "leaseDurationSeconds": 60,
        "acquireTime": "2026-11-21T01:00:00.000000Z",
        "renewTime": "2026-11-21T02:00:00.000000Z",
    }
    return {"metadata": {"resourceVersion": "1"}, "spec": spec | changes}
