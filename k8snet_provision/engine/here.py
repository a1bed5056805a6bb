"""A command on the operator's own machine as a step of a roll-out, between steps on a host."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

from gevent import subprocess
from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.connectors.util import CommandOutput, OutputLine


class LocalCommand(StringCommand):
    """Words that are run as they are, by no shell, with `stdin` as their input, for at most `timeout` seconds."""

    def __init__(self, words: Sequence[str], stdin: bytes, timeout: float) -> None:
        super().__init__(*words)
        self.words, self.stdin, self.timeout = list(words), stdin, timeout

    def execute(self, state: Any, host: Host, connector_arguments: Any) -> tuple[bool, CommandOutput]:
        """Connections to hosts live on meanwhile: gevent's subprocess lets the others work."""
        failure = self.run()
        return not failure, CommandOutput([OutputLine("stderr", line) for line in failure.splitlines()])

    def run(self) -> str:
        """Why it failed, with what it said; empty when it did not."""
        try:
            done = subprocess.run(self.words, input=self.stdin, capture_output=True, timeout=self.timeout, check=False)
        except subprocess.TimeoutExpired as late:
            return f"{self.words[0]} did not finish within {self.timeout:g} s{_said(late.stdout, late.stderr)}"
        except OSError as error:
            return f"{self.words[0]} cannot be run: {error.strerror}"
        return (
            f"{self.words[0]} ended with {done.returncode}{_said(done.stdout, done.stderr)}" if done.returncode else ""
        )


def _said(*outputs: bytes | None) -> str:
    text = b"".join(output or b"" for output in outputs).decode(errors="replace").strip()
    return f": {text[-1000:]}" if text else ""


def _commands(command: LocalCommand) -> Iterator[LocalCommand]:
    yield command


_local = cast(Callable[..., Any], operation(is_idempotent=False)(cast(Any, _commands)))


def run_here(words: Sequence[str], stdin: bytes, *, timeout: float) -> None:
    """Adds a command of this machine as an operation of the current host."""
    name = f"{words[0]} on this machine"
    added = _local(LocalCommand(words, stdin, timeout), name=name)
    state = cast(Any, context.state)
    state.steps[context.host.name, added._hash] = name
