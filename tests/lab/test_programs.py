from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from k8snet_provision.lab.programs import ProgramFailed, Programs


def _gone(pid: int) -> bool:
    """Whether a process has ended within two seconds; a zombie has."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def _pid_in(path: Path) -> int:
    for _ in range(250):
        if path.exists() and path.read_text().endswith("\n"):
            return int(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"nothing wrote {path}")


def test_the_output_is_returned() -> None:
    assert Programs().run(("printf", "%s", "two words"), 10) == "two words"


def test_variables_and_directory_reach_the_program(tmp_path: Path) -> None:
    printed = Programs().run(("sh", "-c", 'echo "$COLOUR"; pwd'), 10, {"COLOUR": "blue"}, tmp_path)
    assert printed.splitlines() == ["blue", str(tmp_path)]


def test_a_failure_names_the_command_its_status_and_last_lines() -> None:
    with pytest.raises(ProgramFailed, match=r"^sh -c .*: ended with 3: out / broken$"):
        Programs().run(("sh", "-c", "echo out; echo broken >&2; exit 3"), 10)


def test_a_program_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="did not end within 0 s"):
        Programs().run(("sh", "-c", f"echo $$ >{tmp_path}/pid; exec sleep 60"), 0.4)
    assert _gone(_pid_in(tmp_path / "pid"))


def test_stop_ends_what_runs_and_lets_nothing_start(tmp_path: Path) -> None:
    programs = Programs()
    failures: list[ProgramFailed] = []

    def run() -> None:
        try:
            programs.run(("sh", "-c", f"echo $$ >{tmp_path}/pid; exec sleep 60"), 60)
        except ProgramFailed as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    pid = _pid_in(tmp_path / "pid")
    programs.stop()
    thread.join(5)
    assert _gone(pid)
    assert len(failures) == 1
    with pytest.raises(ProgramFailed, match="not started"):
        programs.run(("true",), 10)


def test_programs_die_with_the_process_that_ran_them(tmp_path: Path) -> None:
    script = (
        "from k8snet_provision.lab.programs import Programs\n"
        f"Programs().run(('sh', '-c', 'echo $$ >{tmp_path}/pid; exec sleep 60'), 60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], cwd=Path(__file__).parents[2])
    try:
        pid = _pid_in(tmp_path / "pid")
    finally:
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
    assert _gone(pid)
