"""A run and its confirmation over a real sshd: who is told, who cannot be, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploys.site import SITE
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.commit_confirm import CommitConfirm, confirm, goes_back, in_the_way, look, undo
from k8snet_provision.commit_confirm import host as on_host
from k8snet_provision.commit_confirm.host import Batch, Place
from k8snet_provision.engine.fleet import Fleet, Script
from k8snet_provision.run_lock import file as lock_file
from k8snet_provision.run_lock import under_way
from tests.commit_confirm.test_undo import a_file
from tests.deploys.worlds import a_world
from tests.engine.sshd import Sshd, free_port

RUN, OTHER = "20261121T020000Z-3f2a", "20261121T020000Z-0000"
STEP = (("a", Script("true")),)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd"), ("127.0.11.9",)).start()
    yield started
    started.stop()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "units").mkdir()
    return Place(str(tmp_path / "runs"), str(tmp_path / "units"), 0)


@pytest.fixture
def fleet(server: Sshd) -> Iterator[Fleet]:
    """`h1` answers, `off` does not."""
    off = server.connection("off", port=free_port("127.0.11.9"))
    with Fleet({"h1": server.connection("h1"), "off": off}) as opened:
        yield opened


def armed(fleet: Fleet, place: Place, seconds: int = 600, hosts: str = "h1 0\n") -> None:
    """Without systemd the timer cannot be started; all the rest is there by then."""
    fleet.run(
        {
            "h1": on_host.arm(
                place, RUN, [Batch(f"2-08-{undo.label('kubelet', 'h1')}", STEP)], seconds=seconds, hosts=hosts
            )
        }
    )


def lines(fleet: Fleet, place: Place, hosts: Sequence[str], run: str = RUN) -> list[str]:
    return [str(problem) for problem in confirm(fleet, hosts, run, place).problems]


def test_what_is_confirmed_is_named(fleet: Fleet, place: Place) -> None:
    armed(fleet, place)
    confirmation = confirm(fleet, ["h1"], RUN, place)
    assert (confirmation.confirmed, confirmation.problems, confirmation.failed) == (("h1",), (), False)
    assert look(fleet, ["h1"], place).waiting == {"h1": ()}


def test_another_run_is_left_alone(fleet: Fleet, place: Place) -> None:
    armed(fleet, place)
    (line,) = lines(fleet, place, ["h1"], OTHER)
    assert line.startswith(f"cluster: K8N442 no host waits for a confirmation of this run (found {OTHER})")
    assert [waiting.state for waiting in look(fleet, ["h1"], place).waiting["h1"]] == ["armed"]


def test_a_host_of_the_run_that_is_off_is_named_with_its_time(fleet: Fleet, place: Place) -> None:
    armed(fleet, place, hosts="h1 0\noff 180\n")
    until = look(fleet, ["h1"], place).waiting["h1"][0].until
    confirmation = confirm(fleet, ["h1", "off"], RUN, place)
    assert (confirmation.confirmed, confirmation.failed) == (("h1",), False)
    (problem,) = confirmation.problems
    assert (problem.code, problem.where) == ("K8N444", "off")
    assert problem.text.endswith(f"{_clock(until + 180)}")


def test_a_host_that_is_off_and_none_of_the_run_does_not_matter(fleet: Fleet, place: Place) -> None:
    armed(fleet, place)
    assert lines(fleet, place, ["h1", "off"]) == []


def test_where_nobody_who_answers_knows_the_run_the_silent_may(fleet: Fleet, place: Place) -> None:
    (line,) = lines(fleet, place, ["h1", "off"])
    assert line.startswith("off: K8N444 no host that answers waits for a confirmation of this run")
    assert not confirm(fleet, ["h1", "off"], RUN, place).failed, "not known is not failed"


def test_what_went_back_is_not_confirmed(fleet: Fleet, place: Place) -> None:
    armed(fleet, place, seconds=0)
    fleet.run({"h1": Script(f"sh {place.undo(RUN)}/go-back")})
    (line,) = lines(fleet, place, ["h1"])
    assert line.startswith("h1: K8N443 went back by itself, for nobody confirmed in time (found 20")
    assert confirm(fleet, ["h1"], RUN, place).failed


def test_a_host_that_cannot_keep_its_way_back_is_not_begun(fleet: Fleet, tmp_path: Path) -> None:
    """Nothing can be kept below a file."""
    (tmp_path / "file").write_text("")
    world = a_world(tmp_path, "service_cidr: 10.96.0.0/16", state=ClusterState(None, "", reader="h1"))
    window = CommitConfirm(fleet, world, SITE, RUN, 600, place=Place(str(tmp_path / "file")))
    failures = window.begins("kubelet", {"h1": [a_file("kubelet", "h1", "old\n", "new\n")]})
    assert failures["h1"].startswith("it cannot keep what would undo this: mkdir: ")
    assert (window.hosts, window.ends()) == ((), [])


def test_where_one_host_of_a_batch_cannot_keep_it_none_of_them_waits(
    fleet: Fleet, place: Place, tmp_path: Path
) -> None:
    world = a_world(tmp_path, "service_cidr: 10.96.0.0/16", state=ClusterState(None, "", reader="h1"))
    window = CommitConfirm(fleet, world, SITE, RUN, 600, place=place)
    batch = {host: [a_file("kubelet", host, "old\n", "new\n")] for host in ("h1", "off")}
    assert "refused the connection" in window.begins("kubelet", batch)["off"]
    assert look(fleet, ["h1"], place).waiting == {"h1": ()}
    assert "h1" not in window.hosts


def test_a_host_that_goes_back_is_no_other_run(fleet: Fleet, tmp_path: Path) -> None:
    lock = str(tmp_path / "lock")
    fleet.run({"h1": lock_file.hold(lock, "undo", f"going back of run {RUN} on this host", 60)})
    other = under_way(fleet, ["h1"], lock)
    assert other is not None
    assert (goes_back(other, RUN), goes_back(other, OTHER)) == (True, False)


def test_a_run_that_waits_keeps_others_from_beginning_but_not_itself_from_going_on(fleet: Fleet, place: Place) -> None:
    armed(fleet, place)
    told = look(fleet, ["h1", "off"], place)
    (problem,) = in_the_way(told)
    assert str(problem).startswith(f"h1: K8N446 run {RUN} waits to be confirmed, until 20")
    assert (in_the_way(told, OTHER, armed_again=True), in_the_way(told, RUN)) == ([problem], [problem])
    assert in_the_way(told, RUN, armed_again=True) == []


def test_a_run_that_goes_on_lets_hosts_wait_that_were_armed_before(fleet: Fleet, place: Place, tmp_path: Path) -> None:
    armed(fleet, place, seconds=3600)
    world = a_world(tmp_path, "service_cidr: 10.96.0.0/16")
    window = CommitConfirm(fleet, world, SITE, RUN, 60, place=place)
    window.rejoin(look(fleet, ["h1", "off"], place))
    assert window.hosts == ("h1",)
    window.put_back("kubelet", ["h1"])
    assert window.hosts == ("h1",), "what was half done when the run was cut short is still to be undone"
    window.ends()
    assert look(fleet, ["h1"], place).waiting["h1"][0].left <= 60, "all hosts of the run have the same window"


def _clock(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
