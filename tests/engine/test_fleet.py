"""Scripts reach many hosts, and what comes back is exact."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import gevent
import pytest

from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable

from .sshd import Sshd, free_port

pytestmark = pytest.mark.programs


def run(sshd: Sshd, script: Script) -> Output:
    with Fleet({"h1": sshd.connection()}) as fleet:
        answer = fleet.run({"h1": script})["h1"]
    assert isinstance(answer, Output), answer
    return answer


def test_fifty_hosts_answer_in_parallel(sshd: Sshd) -> None:
    hosts = {address: sshd.connection(address, address) for address in sshd.addresses}
    with Fleet(hosts) as fleet:
        assert fleet.connect(hosts) == dict.fromkeys(hosts)
        answers = fleet.run({name: Script("sleep 1; echo $SSH_CONNECTION") for name in hosts})
    for name, answer in answers.items():
        assert isinstance(answer, Output)
        assert name in answer.stdout.decode().split()
    started = time.monotonic()
    with Fleet(hosts) as fleet:
        fleet.run({name: Script("sleep 1") for name in hosts})
    assert time.monotonic() - started < 10  # one after another it would be more than 50


def test_output_is_exact_bytes(sshd: Sshd) -> None:
    payload = os.urandom(3_000_000) + b"no newline at the end"
    answer = run(sshd, Script("cat; printf '\\000\\377\\r\\n\\n' >&2; exit 7", stdin=payload))
    assert answer.stdout == payload
    assert answer.stderr == b"\x00\xff\r\n\n"
    assert answer.code == 7


def test_a_greeting_of_the_login_shell_is_no_output(own_sshd: Sshd) -> None:
    (own_sshd.home / ".bashrc").write_text("echo 'Welcome!'\n")  # bash reads it for every command of an sshd
    assert run(own_sshd, Script("printf exact")).stdout == b"exact"


def test_a_login_shell_that_runs_nothing_is_no_answer(own_sshd: Sshd) -> None:
    (own_sshd.home / ".bashrc").write_text("echo 'This account is closed.'; exit 0\n")
    with Fleet({"h1": own_sshd.connection()}) as fleet:
        answer = fleet.run({"h1": Script("true")})["h1"]
    assert isinstance(answer, Unreachable)
    assert answer.reason == "h1: the login of root runs no commands: This account is closed."


def test_a_flood_on_stderr_does_not_block_stdout(sshd: Sshd) -> None:
    answer = run(sshd, Script("head -c 5000000 /dev/zero >&2; head -c 5000000 /dev/zero"))
    assert (len(answer.stdout), len(answer.stderr)) == (5_000_000, 5_000_000)


def test_unread_input_is_no_failure(sshd: Sshd) -> None:
    assert run(sshd, Script("exit 0", stdin=bytes(4_000_000))).code == 0


def test_a_script_may_be_longer_than_an_argument_list(sshd: Sshd) -> None:
    text = "".join(f"v{n}='{'x' * 90}'\n" for n in range(3000)) + "cat; echo $v2999"
    answer = run(sshd, Script(text, stdin=b"input\n"))
    assert answer.stdout == b"input\n" + b"x" * 90 + b"\n"


def test_a_script_of_which_a_part_is_missing_runs_not_at_all(sshd: Sshd, tmp_path: Path) -> None:
    target = tmp_path / "made"
    answer = run(sshd, Script(f"touch {target}\nif true; then"))
    assert answer.code != 0
    assert not target.exists()


def test_neither_script_nor_input_is_in_the_process_list(sshd: Sshd) -> None:
    show = "for p in /proc/[0-9]*; do cat $p/cmdline $p/environ; done 2>/dev/null | tr '\\000' '\\n'; : mark-of-text"
    answer = run(sshd, Script(show, stdin=b"mark-of-input"))
    assert b"/usr/sbin/sshd" in answer.stdout
    assert b"mark-of-text" not in answer.stdout
    assert b"mark-of-input" not in answer.stdout


def test_connections_are_reused(own_sshd: Sshd) -> None:
    with Fleet({"h1": own_sshd.connection()}) as fleet:
        for _ in range(5):
            fleet.run({"h1": Script("true")})
    assert own_sshd.log().count("Accepted publickey") == 1


def test_close_ends_the_connections(own_sshd: Sshd) -> None:
    fleet = Fleet({"h1": own_sshd.connection()})
    fleet.connect(["h1"])
    assert own_sshd.children()
    fleet.close()
    deadline = time.monotonic() + 5
    while own_sshd.children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert own_sshd.children() == []


def test_a_frozen_host_times_out_by_name_and_the_others_go_on(sshd: Sshd, own_sshd: Sshd) -> None:
    hosts = {"well": sshd.connection("well"), "frozen": own_sshd.connection("frozen")}
    with Fleet(hosts) as fleet:
        fleet.connect(hosts)
        own_sshd.signal_children(signal.SIGSTOP)
        answers = fleet.run({name: Script("echo done", timeout=3) for name in hosts})
        own_sshd.signal_children(signal.SIGCONT)
    assert isinstance(answers["well"], Output)
    assert isinstance(answers["frozen"], Unreachable)
    assert answers["frozen"].reason == "frozen did not finish within 3 s"


def test_a_host_that_dies_during_a_command_is_unreachable(sshd: Sshd, own_sshd: Sshd) -> None:
    hosts = {"well": sshd.connection("well"), "dying": own_sshd.connection("dying")}
    with Fleet(hosts) as fleet:
        fleet.connect(hosts)
        gevent.spawn_later(0.5, own_sshd.signal_children, signal.SIGKILL)
        answers = fleet.run({name: Script("sleep 1; echo done") for name in hosts})
    assert isinstance(answers["well"], Output)
    assert isinstance(answers["dying"], Unreachable)
    assert "dying closed the connection" in answers["dying"].reason


def test_a_lost_connection_is_opened_again_for_the_next_script(own_sshd: Sshd) -> None:
    with Fleet({"h1": own_sshd.connection()}) as fleet:
        slow = fleet.run({"h1": Script("sleep 5", timeout=0.5)})["h1"]
        again = fleet.run({"h1": Script("echo back")})["h1"]
    assert isinstance(slow, Unreachable)
    assert isinstance(again, Output) and again.stdout == b"back\n"


def test_a_script_ended_by_a_signal_is_an_answer(sshd: Sshd) -> None:
    assert run(sshd, Script("kill -9 $$")).code == -1


def test_two_scripts_share_one_host_at_once(sshd: Sshd) -> None:
    with Fleet({"h1": sshd.connection()}) as fleet:
        jobs = [gevent.spawn(fleet.run, {"h1": Script(f"sleep 0.3; echo {n}")}) for n in range(4)]
        outputs = [job.get()["h1"].stdout for job in jobs]
    assert outputs == [b"0\n", b"1\n", b"2\n", b"3\n"]


def test_nobody_listening_is_said_with_the_port(sshd: Sshd) -> None:
    port = free_port("127.0.9.1")
    with Fleet({"h1": sshd.connection(port=port)}) as fleet:
        answer = fleet.run({"h1": Script("true")})["h1"]
    assert isinstance(answer, Unreachable)
    assert answer.reason == f"h1 (127.0.9.1:{port}) refused the connection on port {port}"
