"""A host's clock beside this machine's, whatever the connection takes."""

from __future__ import annotations

import time

import pytest

from k8snet_provision.preflight import clocks
from k8snet_provision.preflight.clocks import FIRST, LAST, Offset
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen, Seen, State, Unknown
from tests.shell import ask

NOON = 1_800_000_000.0


def seen(first: str, last: str) -> HostSeen:
    answers = {FIRST: first, LAST: last}
    return HostSeen("cp1", {key: Seen(State.PRESENT, f"{text}\n".encode()) for key, text in answers.items()})


def problems(**offsets: float) -> list[Problem]:
    """Hosts that are so many seconds ahead, measured to a tenth; those called cp are control planes."""
    measured = {host: Offset(seconds - 0.1, seconds + 0.1) for host, seconds in offsets.items()}
    return list(clocks.problems(measured, tuple(host for host in offsets if host.startswith("cp"))))


def told(**offsets: float) -> list[tuple[str, str, str]]:
    return [(problem.code, str(problem.where), str(problem.severity)) for problem in problems(**offsets)]


def test_a_slow_connection_is_not_taken_for_a_wrong_clock() -> None:
    """20 s to connect and 40 s until the answer is here: the clock may be right, so nothing is said against it."""
    offset = clocks.read(seen(f"{NOON + 20:.3f}", f"{NOON + 21:.3f}"), sent=NOON, answered=NOON + 61)
    assert offset.least == pytest.approx(-40) and offset.most == pytest.approx(20)
    assert offset.surely == 0
    assert list(clocks.problems({"cp1": offset}, ("cp1",))) == []


def test_a_wrong_clock_is_seen_over_a_slow_connection() -> None:
    offset = clocks.read(seen(f"{NOON + 120:.3f}", f"{NOON + 121:.3f}"), sent=NOON, answered=NOON + 61)
    assert offset.surely == pytest.approx(60)


def test_this_machine_agrees_with_itself() -> None:
    sent = time.time()
    answer = ask(*clocks.probes())
    offset = clocks.read(answer, sent, time.time())
    assert offset.least <= 0 <= offset.most < 5


def test_a_date_without_fractions_is_a_second_less_exact() -> None:
    offset = clocks.read(seen("1800000000.%N", "1800000000.%N"), sent=NOON + 0.9, answered=NOON + 0.95)
    assert [offset.least, offset.most] == pytest.approx([-0.95, 0.1])


@pytest.mark.parametrize("said", ["", "Sat Nov 21", "-5.1", "1e9"])
def test_an_answer_that_is_no_time_is_unknown(said: str) -> None:
    with pytest.raises(Unknown, match="clock is unknown: date answered"):
        clocks.read(seen(said, said), NOON, NOON + 1)


def test_a_clock_that_was_set_meanwhile_is_unknown() -> None:
    with pytest.raises(Unknown, match="it went back, or was set"):
        clocks.read(seen("1800000100.5", "1800000000.5"), NOON, NOON + 1)


def test_seconds_are_let_pass_then_warned_of_then_refused() -> None:
    assert told(cp1=0, node1=4) == []
    assert told(cp1=0, node1=6) == [("K8N461", "node1", "warning")]
    assert told(cp1=0, node1=-29) == [("K8N461", "node1", "warning")]
    assert told(cp1=0, node1=-31) == [("K8N461", "node1", "error")]


def test_control_planes_are_compared_with_each_other_and_the_odd_one_is_named_once() -> None:
    assert told(cp1=-4, cp2=4, cp3=0) == [("K8N462", "cluster", "warning")]
    assert told(cp1=0, cp2=40, cp3=0) == [("K8N461", "cp2", "error"), ("K8N462", "cluster", "error")]
    found = problems(cp1=0, cp2=40, cp3=0)[1].found
    assert found == "cp2 is 40.0 s ahead of cp1, measured to 0.2 s"


def test_when_all_hosts_agree_it_is_this_machine_s_clock_that_is_wrong() -> None:
    hints = {problem.hint for problem in problems(cp1=3600, cp2=3600, node1=3600)}
    assert hints == {"the hosts agree with each other: set this machine's clock"}
    assert "NTP" in problems(cp1=3600, cp2=0)[0].hint
