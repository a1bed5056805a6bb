"""Frames scripts for a remote sh, with sudo where the inventory says become.

The remote command line is fixed text with a length and a random mark. The password, the script and its
input follow on standard input, in this order, so none of them is seen in a process list, an environment or
sudo's own log. Whether sudo reads the password line depends on the host (NOPASSWD, a cached credential): the
bootstrap discards whatever comes before the mark, so the password is never taken for script text.

The bootstrap prints the mark before it starts the script. What stands before it in the output was printed by
the login shell (a ~/.bashrc that greets); an output without it means that the script never started.
"""

from __future__ import annotations

import secrets
import shlex
from dataclasses import dataclass, field, replace

from k8snet_provision.engine.script import CannotReach, Installed, Output, Script
from k8snet_provision.inventory.connection import Connection

# dd reads exactly $1 bytes and leaves the rest for the script; sh and head read ahead. An empty read (the
# connection ended, or dd is missing) must fail: an empty script would succeed.
READ_SCRIPT = 's=$(dd bs="$1" count=1 iflag=fullblock 2>/dev/null); : "${s:?no script arrived}"; echo "$2"; eval "$s"'
SKIP_TO_MARK = 'while IFS= read -r l && [ "$l" != "$2" ]; do :; done; unset l; '
# A login shell's PATH may lack the sbin directories, and messages are parsed in one language.
PROLOGUE = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; LC_ALL=C; export PATH LC_ALL; unset s"


@dataclass(frozen=True)
class Framed:
    """A command line for the login shell, all of its standard input, and the mark that begins the output."""

    command: str
    stdin: bytes = field(repr=False)
    mark: str = ""

    def unwrap(self, answer: Output) -> Output | None:
        """The script's own output, None when the script never started."""
        _, found, stdout = answer.stdout.partition(self.mark.encode() + b"\n")
        return replace(answer, stdout=stdout) if found else None


def needs_sudo(connection: Connection) -> bool:
    """Whether root scripts go through sudo: become is set and the login is not that user already."""
    return connection.become and connection.user != connection.become_user


def frame(script: Script, connection: Connection) -> Framed:
    """Wraps a script for the host."""
    text = _whole(script.text)
    mark = secrets.token_hex(16)
    if not (script.root and needs_sudo(connection)):
        return Framed(f"exec {_sh(READ_SCRIPT, text, mark)}", text + script.stdin, mark)
    before = _password_line(connection) + mark.encode() + b"\n"
    command = f"{_sudo(connection)} {_sh(SKIP_TO_MARK + READ_SCRIPT, text, mark)}"
    return Framed(command, before + text + script.stdin, mark)


def frame_installed(program: Installed, connection: Connection) -> Framed:
    """The program alone, so that sudoers can allow exactly that."""
    sudo = "" if connection.user == "root" else "env LC_ALL=C sudo -n -- "
    return Framed(f"exec {sudo}{shlex.quote(program.path)}", program.stdin, program.mark)


def _sh(bootstrap: str, text: bytes, mark: str) -> str:
    return f"sh -c {shlex.quote(bootstrap)} sh {len(text)} {mark}"


def _whole(text: str) -> bytes:
    """The braces make sh refuse a script of which only a part arrived."""
    return f"{PROLOGUE}\n{{\n:\n{text}\n}}\n".encode(errors="surrogateescape")


def _sudo(connection: Connection) -> str:
    prompting = "-n" if connection.become_password is None else "-S -p ''"
    user = "" if connection.become_user == "root" else f" -u {shlex.quote(connection.become_user)}"
    return f"env LC_ALL=C sudo -H {prompting}{user} --"


def _password_line(connection: Connection) -> bytes:
    if connection.become_password is None:
        return b""
    return connection.become_password.encode(errors="surrogateescape") + b"\n"


def probe(connection: Connection) -> Framed:
    """Asks sudo for nothing but leave. The input ends after the password, so it is tried once only."""
    return Framed(f"{_sudo(connection)} true", _password_line(connection))


# What sudo (and sudo-rs) writes -> what is wrong, what to do. First match wins.
REFUSALS = (
    (("not found", "No such file"), "sudo is not installed", "install sudo, or connect as root (ansible_user)"),
    (
        ("must have a tty", "you must have a tty"),
        "sudo insists on a terminal",
        "remove `Defaults requiretty` from sudoers",
    ),
    (
        ("not in the sudoers", "not allowed to", "may not run sudo", "I'm sorry"),
        "sudo does not allow {user} to become {become_user}",
        "add {user} to sudoers, or connect as root",
    ),
    (
        ("incorrect password", "Sorry, try again", "no password was provided", "Authentication failed"),
        "sudo refused the become password of {user}",
        "check ansible_become_password",
    ),
    (
        ("password is required", "interactive authentication is required"),
        "sudo asks {user} for a password and the inventory gives none",
        "set ansible_become_password (vaulted), or NOPASSWD in sudoers",
    ),
)


def refusal(connection: Connection, answer: Output) -> CannotReach | None:
    """What the probe's answer means: None when sudo works."""
    if answer.code == 0:
        return None
    said = _said(answer)
    names = {"user": connection.user, "become_user": connection.become_user}
    for signs, reason, hint in REFUSALS:
        if any(sign in said for sign in signs):
            return CannotReach(f"{connection.name}: {reason.format(**names)}", hint.format(**names))
    return CannotReach(f"{connection.name}: sudo failed: {_last_words(answer)}")


def not_installed(connection: Connection, answer: Output) -> CannotReach:
    """Says that a program which should be there did not start: it is not there, or sudo does not allow it."""
    hint = "install what `k8snet-provision drift permissions INVENTORY --to DIR` writes for this host"
    refused = refusal(connection, answer)
    if refused and connection.user != "root" and any(sign in _said(answer) for sign in NO_LEAVE):
        hint = f"{hint}; its sudoers file allows {connection.user} that program and nothing else"
        return CannotReach(f"{connection.name}: sudo does not allow {connection.user} the installed look", hint)
    return CannotReach(f"{connection.name}: the installed look does not start: {_last_words(answer)}", hint)


NO_LEAVE = ("password is required", "authentication is required", "not in the sudoers", "not allowed to", "may not run")


def never_started(connection: Connection, answer: Output) -> CannotReach:
    """Says that the login shell, or sudo, ended without running the script."""
    return CannotReach(
        f"{connection.name}: the login of {connection.user} runs no commands: {_last_words(answer)}",
        f"the login shell must run `sh -c`, and sh and dd must be installed; try: "
        f"ssh {connection.user}@{connection.address} sh -c true",
    )


def _last_words(answer: Output) -> str:
    said = _said(answer) or answer.stdout.decode(errors="replace").strip()
    return said.splitlines()[-1] if said else f"exit code {answer.code}"


def _said(answer: Output) -> str:
    return answer.stderr.decode(errors="replace").strip()
