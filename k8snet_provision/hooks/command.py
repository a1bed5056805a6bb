"""One command of the operator, run on this machine: no shell, bounded in time, its output shown while it comes."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

LONGEST_LINE = 4096
"""Bytes of output that are shown as one line."""

REST = 1.0
"""Seconds for output that a command which has ended left in the pipe; a child of its own may hold it open."""


@dataclass(frozen=True)
class Ended:
    """Exit code (negative: the signal; None: the time was over) and the last line that was said."""

    code: int | None
    last: str = ""


def run(
    argv: Sequence[str],
    stdin: bytes,
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float,
    say: Callable[[str], None],
) -> Ended:
    """Runs `argv` in `folder`, in a session of its own, so that a Ctrl-C is not also the command's.

    Whatever it started is ended with it when the time is over, and when this is interrupted. Raises OSError when it
    cannot be started.
    """
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={**os.environ, **environment},
        start_new_session=True,
    )
    said: list[str] = []
    code: int | None = None
    try:  # from here on: the command may already have said something, and be interrupted for it
        feeding = Thread(target=_feed, args=(process.stdin, stdin), daemon=True)
        showing = Thread(target=_show, args=(process.stdout, say, said), daemon=True)
        feeding.start()
        showing.start()
        code = process.wait(timeout=seconds)
        showing.join(REST)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.poll() is None:
            _end(process)
    return Ended(code, said[-1] if said else "")


def _feed(pipe: IO[bytes], data: bytes) -> None:
    """A command that does not want to read its input closes it, which is its own affair."""
    try:
        with pipe:
            pipe.write(data)
    except OSError:
        return


def _show(pipe: IO[bytes], say: Callable[[str], None], said: list[str]) -> None:
    with pipe:
        while line := pipe.readline(LONGEST_LINE):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            text = "".join(char if char.isprintable() or char == "\t" else "?" for char in text)
            if text.strip():
                said[:] = [text]
                say(text)


def _end(process: subprocess.Popen[bytes]) -> None:
    """With all of its session that is still in its process group."""
    for sign, patience in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, sign)
            process.wait(timeout=patience)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return
