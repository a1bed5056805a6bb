"""The program of a host, run by a real sh on files of this machine: it decides, goes back once, says what it did."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from k8snet_provision.commit_confirm import host
from k8snet_provision.commit_confirm.confirming import Told, awaiting
from k8snet_provision.commit_confirm.host import Batch, Place
from k8snet_provision.engine import files
from k8snet_provision.engine.fleet import Output, Script
from k8snet_provision.run_lock import file as lock_file

pytestmark = pytest.mark.programs

RUN = "20261121T020000Z-3f2a"


class Host:
    """One host's directories. Its timers are the business of the tests on real hosts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(runs=str(folder / "runs"), units=str(folder / "units"), pause=0)
        self.undo = folder / "runs" / RUN / "undo"
        (folder / "units").mkdir()
        self.target = folder / "target"

    def sh(self, script: Script) -> Output:
        words = ["sh", "-c", script.text]
        done = subprocess.run(words, input=script.stdin, capture_output=True, timeout=60, check=False)
        return Output(done.returncode, done.stdout, done.stderr, 0.0)

    def arm(self, *batches: Batch, seconds: int = 0, lock: str = "") -> Output:
        """Without systemd the last step, its timer, cannot be: all that is kept is there by then."""
        armed = host.arm(self.place, RUN, batches, seconds=seconds, hosts="h1 0\nh2 180\n", lock=lock)
        return self.sh(armed)

    def fires(self) -> int:
        done = subprocess.run(["sh", str(self.undo / "go-back")], capture_output=True, timeout=60, check=False)
        return done.returncode

    def confirm(self) -> Output:
        return self.sh(host.confirm(self.place, RUN))

    def told(self) -> list[host.Waiting]:
        return host.told(self.sh(host.tell(self.place)).stdout.decode())

    def log(self) -> str:
        return (self.undo / "log").read_text()

    def write(self, was: bytes, now: bytes, name: str = "2-05-a") -> Batch:
        """Undoes a change of `target` from `was` to `now`."""
        return Batch(name, (("write target", self.written(now, was)),))

    def written(self, seen: bytes, content: bytes) -> Script:
        digest = subprocess.run(["sha256sum"], input=seen, capture_output=True, check=True).stdout.split()[0].decode()
        return files.write_file(
            str(self.target), content, expected_sha256=digest, backup_dir=str(self.folder / "backups")
        )


@pytest.fixture
def here(tmp_path: Path) -> Host:
    return Host(tmp_path)


def say(word: str, text: str = "true") -> tuple[str, Script]:
    return word, Script(text)


def done(log: str) -> Sequence[str]:
    return [line.split(" ", 1)[1] for line in log.splitlines()]


def test_without_a_confirmation_the_old_content_is_back_to_the_byte(here: Host) -> None:
    old = b"old $(reboot) 'END'\nEND\n\0\xff\n"
    here.target.write_bytes(b"new\n")
    here.arm(here.write(old, b"new\n"))
    assert here.fires() == 0
    assert here.target.read_bytes() == old
    assert done(here.log())[-2:] == ["done: write target", "went-back"]
    assert not (here.undo / "going-back").exists(), "what was there before is kept no longer than needed"


def test_what_is_kept_is_for_root_alone(here: Host) -> None:
    here.target.write_bytes(b"new\n")
    here.arm(here.write(b"secret\n", b"new\n"))
    modes = {path.stat().st_mode & 0o077 for path in [here.undo, *here.undo.rglob("*")]}
    assert modes == {0}


def test_before_its_time_nothing_happens(here: Host) -> None:
    here.target.write_bytes(b"new\n")
    here.arm(here.write(b"old\n", b"new\n"), seconds=3600)
    assert here.fires() == 0
    assert here.target.read_bytes() == b"new\n"
    (waiting,) = here.told()
    assert (waiting.run, waiting.state, waiting.hosts) == (RUN, "armed", {"h1": 0, "h2": 180})
    assert 3590 < waiting.left <= 3600 and abs(waiting.until - time.time() - 3600) < 10


def test_a_timer_that_is_early_by_seconds_waits(here: Host) -> None:
    here.target.write_bytes(b"new\n")
    here.arm(here.write(b"old\n", b"new\n"), seconds=2)
    began = time.monotonic()
    assert here.fires() == 0
    assert time.monotonic() - began > 0.9
    assert here.target.read_bytes() == b"old\n"


@pytest.mark.parametrize(("ago", "content"), [(5, b"old\n"), (-3600, b"new\n")])
def test_after_a_boot_the_clock_decides(here: Host, ago: int, content: bytes) -> None:
    """Of another boot the uptime says nothing."""
    here.target.write_bytes(b"new\n")
    here.arm(here.write(b"old\n", b"new\n"), seconds=3600)
    (here.undo / "deadline").write_text(f"another-boot 0 {int(time.time()) - ago}\n")
    assert here.fires() == 0
    assert here.target.read_bytes() == content


def test_batches_go_back_in_the_order_of_their_names(here: Host) -> None:
    here.arm(Batch("2-05-b", (say("changed"),)), Batch("3-90-c", (say("made"), say("made too"))))
    here.arm(Batch("1-95-a", (say("deleted"),)))
    here.fires()
    assert done(here.log())[1:] == ["done: deleted", "done: changed", "done: made", "done: made too", "went-back"]


def test_the_first_undo_of_a_batch_is_kept(here: Host) -> None:
    """A run that is resumed sees its own half-done work as what was there before."""
    here.target.write_bytes(b"new\n")
    here.arm(here.write(b"old\n", b"new\n"))
    here.arm(here.write(b"half\n", b"new\n"))
    here.fires()
    assert here.target.read_bytes() == b"old\n"


def test_a_file_that_somebody_changed_since_is_left_alone_and_said(here: Host) -> None:
    here.target.write_bytes(b"somebody's\n")
    steps = (("write target", here.written(b"new\n", b"old\n")), say("restart"))
    here.arm(Batch("2-05-a", steps), Batch("2-06-b", (say("another"),)))
    assert here.fires() == 1
    assert here.target.read_bytes() == b"somebody's\n"
    log = here.log()
    assert "changed since it was observed" in log and "done: restart" not in log and "done: another" in log
    assert here.told()[0].state == "failed"
    assert here.confirm().code == host.TOO_LATE


def test_what_fails_is_tried_again(here: Host) -> None:
    flag = here.folder / "flag"
    here.arm(Batch("2-05-a", (say("shaky", f"[ -e {flag} ] || {{ touch {flag}; echo not yet >&2; exit 1; }}"),)))
    assert here.fires() == 0
    assert done(here.log())[1:] == ["failed: shaky: exit code 1: not yet ", "done: shaky", "went-back"]


def test_a_putting_back_that_was_cut_off_goes_on(here: Host) -> None:
    """As after a loss of power half way: what is undone already is not done again."""
    here.target.write_bytes(b"new\n")
    here.arm(here.write(b"old\n", b"new\n"))
    (here.undo / "armed").rename(here.undo / "going-back")
    assert here.told()[0].state == "going-back"
    assert here.fires() == 0
    assert here.target.read_bytes() == b"old\n"


def test_what_is_confirmed_never_goes_back_and_leaves_nothing(here: Host) -> None:
    here.target.write_bytes(b"new\n")
    here.arm(here.write(b"old\n", b"new\n"))
    program = (here.undo / "go-back").read_text()
    assert here.confirm().code == 0
    assert not here.undo.exists() and list((here.folder / "units").iterdir()) == []
    subprocess.run(["sh", "-c", program], timeout=60, check=True, capture_output=True)
    assert here.target.read_bytes() == b"new\n"
    assert here.confirm().code == host.NOT_HERE
    assert here.told() == []


def test_a_confirmation_after_it_went_back_says_so(here: Host) -> None:
    here.arm(Batch("2-05-a", (say("a"),)))
    here.fires()
    answer = here.confirm()
    assert (answer.code, answer.stdout) == (host.TOO_LATE, b"went-back\n")
    (waiting,) = here.told()
    assert waiting.state == "went-back" and waiting.at.endswith("Z")


def test_nothing_is_added_to_what_goes_back(here: Host) -> None:
    here.arm(Batch("2-05-a", (say("a"),)))
    here.fires()
    answer = here.arm(Batch("2-06-b", (say("b"),)))
    assert (answer.code, answer.stdout) == (host.TOO_LATE, b"went-back\n")


def test_what_the_run_put_back_itself_is_forgotten(here: Host) -> None:
    here.arm(Batch("2-05-aaa", (say("a"),)), Batch("2-05-bbb", (say("b"),)))
    answer = here.sh(host.drop(here.place, RUN, ["aaa", "ccc"]))
    assert (answer.code, answer.stdout) == (0, b"")
    here.fires()
    assert done(here.log())[1:] == ["done: b", "went-back"]


def test_a_host_with_nothing_left_to_undo_waits_no_more(here: Host) -> None:
    here.arm(Batch("2-05-aaa", (say("a"),)), seconds=600)
    assert here.sh(host.drop(here.place, RUN, ["aaa"])).stdout == host.NOTHING
    assert not here.undo.exists() and list((here.folder / "units").iterdir()) == []


def test_the_lock_of_the_runs_is_taken_and_given_back(here: Host) -> None:
    lock = here.folder / "lock"
    here.arm(Batch("2-05-a", (say("a", f"cp {lock} {here.folder}/seen"),)), lock=str(lock))
    assert here.fires() == 0
    assert f"going back of run {RUN}" in (here.folder / "seen").read_text()
    assert not lock.exists()


def test_a_lock_that_is_taken_keeps_nothing_from_going_back(here: Host) -> None:
    lock = here.folder / "lock"
    here.sh(lock_file.hold(str(lock), "other", "somebody", 60))
    here.arm(Batch("2-05-a", (say("a"),)), lock=str(lock))
    assert here.fires() == 0
    assert "the lock of the runs is not free, going back all the same: somebody" in here.log()
    assert lock.read_text().startswith("other\n")


def test_a_run_that_waits_is_told_with_its_hosts_and_its_time(here: Host) -> None:
    here.arm(Batch("2-05-a", (say("a"),)), seconds=600)
    (problem,) = awaiting(Told({"h1": tuple(here.told())}, {}))
    assert f"h1: K8N446 warning: run {RUN} waits to be confirmed, until 20" in str(problem)
    assert f"k8snet-provision confirm INVENTORY {RUN}" in problem.hint
