"""The program as its users run it, `k8snet-provision ARGUMENTS...`, without loading it for each of hundreds of calls.

Loading takes the better part of a second of a core, which is more than most commands take. So one process loads it, and
every call is a fork of that: a process of its own, with its own environment, directory, output and exit code. That the
program also starts by itself is seen where a test starts it so (`python -m k8snet_provision`), the wheel's above all.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

LARGEST = 1 << 20
"""Bytes of a request: the words and the environment."""


@dataclass(frozen=True)
class Ran:
    """What a command left: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def run(*arguments: str, timeout: float = 300, directory: Path | None = None, umask: int = 0o022) -> Ran:
    """`k8snet-provision ARGUMENTS...` with nothing on its stdin; raises TimeoutExpired once it was killed for that."""
    start = {"directory": str(directory or Path.cwd()), "umask": umask, "environment": dict(os.environ)}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        code = _run(arguments, start, out, err, timeout)
        return Ran(code, _text(out), _text(err))


def _run(arguments: Sequence[str], start: dict[str, Any], out: BinaryIO, err: BinaryIO, timeout: float) -> int:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs, ours.makefile("rb", buffering=0) as answer:
        sent = json.dumps(start | {"arguments": arguments}).encode()
        socket.send_fds(_loaded(), [sent], [out.fileno(), err.fileno(), theirs.fileno()])
        theirs.close()
        pid = int(answer.readline())  # no time is counted before it runs: the first call waits for the loading, too
        try:
            if not select.select([ours], [], [], timeout)[0]:
                words = ["k8snet-provision", *arguments]
                raise subprocess.TimeoutExpired(words, timeout, _text(out), _text(err))
        except BaseException:  # as subprocess.run does it: nobody goes on while what was asked for still runs
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            answer.readline()
            raise
        return int(answer.readline())


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _loaded() -> socket.socket:
    """Where requests go; the process ends when this end of it is closed, as it is when this process ends."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LARGEST)
    with theirs:
        command = [sys.executable, "-m", "tests.program", str(theirs.fileno())]
        root = Path(__file__).resolve().parents[1]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], cwd=root)
    atexit.register(process.wait, timeout=60)
    atexit.register(ours.close)
    return ours


def _serve(requests: socket.socket) -> None:
    fork, wait = os.fork, os.waitpid  # as they are before the program's cooperative ones take their place
    from k8snet_provision.__main__ import load

    main = load()
    requests.setblocking(True)  # whoever made it may have had the cooperative kind, which is not
    for number in (signal.SIGINT, signal.SIGCHLD):  # an interrupt is for whoever asks, on the same terminal
        signal.signal(number, signal.SIG_IGN)
    while True:
        sent, files, *_ = socket.recv_fds(requests, LARGEST, 3)
        if not sent:
            return
        if not fork():  # one that waits for the call, so that this one is free for the next
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            out, err, answer = files
            if pid := fork():
                os.write(answer, f"{pid}\n".encode())
                os.write(answer, f"{os.waitstatus_to_exitcode(wait(pid, 0)[1])}\n".encode())
                os._exit(0)
            os.close(answer)
            _become(json.loads(sent), out, err)
            main()
        for file in files:
            os.close(file)


def _become(request: dict[str, Any], out: int, err: int) -> None:
    """A process as if it had been started for this request."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.umask(request["umask"])
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["k8snet-provision", *request["arguments"]]


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
