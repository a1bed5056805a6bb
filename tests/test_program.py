"""The program that tests run, loaded once, is the one that is started by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program import Ran, run

pytestmark = pytest.mark.programs

UNKNOWN = "20261130T000000Z-0000"


@pytest.mark.parametrize("words", [("lint", "nowhere"), ("diff", "--no-such-flag"), ("schema",)])
def test_it_says_and_leaves_the_same(words: tuple[str, ...], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "k8snet_provision", *words]
    by_itself = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert run(*words, directory=tmp_path) == Ran(by_itself.returncode, by_itself.stdout, by_itself.stderr)


def test_it_has_the_environment_of_each_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("first", "second"):
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / name))
        assert f"{tmp_path}/{name}/k8snet-provision/runs/{UNKNOWN}: " in run("history", UNKNOWN).err


def test_one_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    fifo = tmp_path / "extra"
    os.mkfifo(fifo)
    with pytest.raises(subprocess.TimeoutExpired):
        run("lint", str(tmp_path), "-e", f"@{fifo}", timeout=1)
    with pytest.raises(OSError, match="No such device"):  # so it is where nobody reads, or waits to
        os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
    assert run("--help").code == 0
