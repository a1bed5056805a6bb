"""pyinfra's way to a host: a connector over a Fleet's open links.

It derives from BaseConnector and not from SSHConnector, so that nothing of the stock behaviour is left to
slip through: keys accepted on first sight, an interactive question, a password in argv, an unbounded read.
Connections belong to the Fleet; a State that ends leaves them open for the next batch.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from io import IOBase
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import ConnectError
from pyinfra.api.host import Host
from pyinfra.api.state import State
from pyinfra.api.util import get_file_io
from pyinfra.connectors.base import BaseConnector
from pyinfra.connectors.util import CommandOutput, OutputLine, make_unix_command

from k8snet_provision.engine.link import Link
from k8snet_provision.engine.script import CannotReach, Output, Script, Unreachable
from k8snet_provision.engine.shell import assign

COMMAND_SECONDS = 300.0  # for pyinfra's own operations, which set no time-out
TRANSFER_SECONDS = 300.0

PUT = """
umask 022
new=$(mktemp -- "$path.XXXXXXXXXX") && trap 'rm -f -- "$new"' EXIT && cat >"$new" || exit 1
if [ -e "$path" ]; then chmod --reference="$path" -- "$new" && chown --reference="$path" -- "$new" || exit 1
else chmod 644 -- "$new"; fi
mv -fT -- "$new" "$path"
"""


class LinkedState(State):
    """A State whose hosts are reached over `links`, by host name."""

    links: dict[str, Link]


class LinkConnector(BaseConnector):
    """Runs what pyinfra asks for over the host's link, as exact bytes; a lost host is an OSError."""

    handles_execution = True
    state: LinkedState

    def __init__(self, state: LinkedState, host: Host) -> None:
        super().__init__(state, host)
        self.link = state.links[host.name]
        self.lost: Unreachable | None = None

    @staticmethod
    def make_names_data(name: str) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
        """One host per name; what it takes to reach it is the Fleet's."""
        yield name, {}, []

    def connect(self) -> None:
        """Opens the link unless it is open; raises pyinfra's ConnectError."""
        try:
            self.link.open()
        except CannotReach as failure:
            self.lost = failure.unreachable
            raise ConnectError(str(failure.unreachable)) from None

    def run_script(self, script: Script) -> Output:
        """Runs a script; raises OSError, which pyinfra takes for this host's failure, when the host is lost."""
        try:
            return self.link.run(script)
        except CannotReach as failure:
            self.lost = failure.unreachable
            raise OSError(str(failure.unreachable)) from None

    def run_shell_command(
        self, command: StringCommand, print_output: bool = False, print_input: bool = False, **arguments: Any
    ) -> tuple[bool, CommandOutput]:
        """Runs an operation's or a fact's command. Neither its text nor its input is in an argument list."""
        answer = self.run_script(self._script(command, arguments))
        accepted = arguments.get("_success_exit_codes") or [0]
        return answer.code in accepted, lines(answer)

    def put_file(
        self,
        filename_or_io: str | IOBase,
        remote_filename: str,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> bool:
        """Writes a file beside its place and renames it; the content goes over the script's input."""
        with get_file_io(filename_or_io) as source:  # type: ignore[arg-type]
            content = source.read()
        text = assign(path=remote_filename) + PUT
        script = Script(text, content, bool(arguments.get("_sudo")), TRANSFER_SECONDS)
        return self.run_script(script).code == 0

    def get_file(
        self,
        remote_filename: str,
        filename_or_io: str | IOBase,
        remote_temp_filename: str | None = None,
        print_output: bool = False,
        print_input: bool = False,
        **arguments: Any,
    ) -> bool:
        """Reads a file whole; no copy of it is left on the host."""
        script = Script(f"cat -- {shlex.quote(remote_filename)}", b"", bool(arguments.get("_sudo")), TRANSFER_SECONDS)
        answer = self.run_script(script)
        if answer.code == 0:
            with get_file_io(filename_or_io, "wb") as target:  # type: ignore[arg-type]
                target.write(answer.stdout)
        return answer.code == 0

    def _script(self, command: StringCommand, arguments: dict[str, Any]) -> Script:
        """pyinfra's wrapping for everything but privilege, which the link gives without a secret in argv."""
        rest = {key: value for key, value in arguments.items() if key not in HANDLED_HERE}
        root = bool(rest.pop("_sudo", False))
        if root and rest.get("_sudo_user") in (None, "", self.link.connection.become_user):
            rest.pop("_sudo_user", None)
        elif root:
            rest["_sudo"] = True
        text = make_unix_command(command, **rest).get_raw_value()
        return Script(text, _input(arguments.get("_stdin")), root, arguments.get("_timeout") or COMMAND_SECONDS)


# The inventory's become password is the only one; a terminal is never given.
HANDLED_HERE = ("_stdin", "_timeout", "_get_pty", "_success_exit_codes", "_sudo_password", "_su_password")


def lines(answer: Output) -> CommandOutput:
    """An answer in pyinfra's form: decoded lines."""
    sides = (("stdout", answer.stdout), ("stderr", answer.stderr))
    return CommandOutput(
        [OutputLine(side, line) for side, data in sides for line in data.decode(errors="replace").splitlines()]
    )


def _input(stdin: str | bytes | Iterable[str] | None) -> bytes:
    if stdin is None or isinstance(stdin, bytes):
        return stdin or b""
    parts = [stdin] if isinstance(stdin, str) else list(stdin)
    return "".join(part if part.endswith("\n") else f"{part}\n" for part in parts).encode()
