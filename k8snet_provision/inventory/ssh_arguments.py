"""ssh options in ansible_ssh_common_args and its like: what this tool's own SSH client can honour of them."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePath

_WITH_ARGUMENT = frozenset("BbcDEeFIiJLlmOoPpQRSWw")
_NO_MATTER = frozenset("46CKkNnqTtvxY")
_OPTION_OF_FLAG = {"J": "proxyjump", "i": "identityfile", "p": "port", "l": "user"}
# Multiplexing, keepalive, batch mode: this client has its own or never asks, so nothing is lost.
_NO_EFFECT_HERE = frozenset(
    {
        *("batchmode", "compression", "controlmaster", "controlpath", "controlpersist", "identitiesonly"),
        *("loglevel", "passwordauthentication", "kbdinteractiveauthentication", "preferredauthentications"),
        *("pubkeyauthentication", "requesttty", "serveralivecountmax", "serveraliveinterval", "tcpkeepalive"),
    }
)


@dataclass(frozen=True)
class Hop:
    """One ProxyJump host; an empty user means the login name of the target."""

    user: str
    host: str
    port: int = 22


class Refused(ValueError):
    """An argument that cannot be left out without reaching another host, or none; the message says which."""


@dataclass(frozen=True)
class SshArguments:
    """What was asked for; None where nothing was said. `unknown` holds what is not honoured, as written."""

    jump: tuple[Hop, ...] | None = None
    key_file: str | None = None
    user: str | None = None
    port: int | None = None
    known_hosts: str | None = None
    strict: bool | None = None
    connect_timeout: int | None = None
    unknown: tuple[str, ...] = ()


@cache
def read_arguments(text: str) -> SshArguments:
    """Reads one string of ssh arguments; as with ssh, the first of two equal options wins.

    Raises Refused for what is no list of arguments and for a ProxyCommand that is not `ssh -W`.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise Refused(f"it is not a list of arguments: {str(error).lower()}") from None
    read = SshArguments()
    for written, option, value in _options(words):
        take = _TAKERS.get(option)
        if take is not None:
            read = first_wins(take(value), read)
        elif option not in _NO_EFFECT_HERE:
            read = replace(read, unknown=(*read.unknown, written))
    return read


def first_wins(new: SshArguments, old: SshArguments) -> SshArguments:
    """Both together: what `old` says stays, `new` fills the rest."""
    kept = {name: value for name, value in vars(old).items() if value is not None and name != "unknown"}
    return replace(new, **kept, unknown=old.unknown + new.unknown)


def _options(words: list[str]) -> Iterator[tuple[str, str, str]]:
    """Each option as it was written, its name in lower case, its value; flags become the option they stand for."""
    waiting = iter(words)
    for word in waiting:
        if not word.startswith("-") or len(word) < 2:
            yield word, word, ""
            continue
        letter, value = word[1], word[2:]
        if letter not in _WITH_ARGUMENT:
            if not set(word[1:]) <= _NO_MATTER:
                yield word, word, ""
            continue
        value = value or next(waiting, "")
        if letter == "o":
            name, _, setting = value.partition("=") if "=" in value else value.partition(" ")
            yield f"-o {value}", name.strip().lower(), setting.strip()
        else:
            yield f"-{letter} {value}".rstrip(), _OPTION_OF_FLAG.get(letter, f"-{letter}"), value


def _jump(value: str) -> SshArguments:
    if value.lower() == "none":
        return SshArguments(jump=())
    return SshArguments(jump=tuple(map(_hop, value.split(","))))


def _hop(text: str) -> Hop:
    user, _, address = text.strip().removeprefix("ssh://").rpartition("@")
    host, port = address, "22"
    if address.startswith("["):
        host, _, rest = address[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not host:
        raise Refused(f"{text!r} is not a jump host, expected [user@]host[:port]")
    return Hop(user, host, _number(port, 65535))


def _number(text: str, most: int) -> int:
    if text.isascii() and text.isdigit() and 0 < int(text[:9]) <= most:
        return int(text)
    raise Refused(f"{text!r} is not a number from 1 to {most}")


def _proxy_command(value: str) -> SshArguments:
    """`ssh -W %h:%p [-p PORT] [user@]host` says the same as ProxyJump; nothing else is run."""
    if value.lower() == "none":
        return SshArguments(jump=())
    words = shlex.split(value)
    if not words or PurePath(words[0]).name != "ssh":
        raise Refused("ProxyCommand runs another program than ssh -W; use ProxyJump")
    options = list(_options(words[1:]))
    hosts = [written for written, name, _ in options if name == written and not written.startswith("-")]
    if len(hosts) != 1 or "%h:%p" not in [setting for _, name, setting in options if name == "-W"]:
        raise Refused("ProxyCommand is not `ssh -W %h:%p HOST`; use ProxyJump")
    known = {name: setting for _, name, setting in reversed(options)}
    hop = _hop(hosts[0])
    port = _number(known["port"], 65535) if "port" in known else hop.port
    hop = Hop(hop.user or known.get("user", ""), hop.host, port)
    before = _jump(known["proxyjump"]).jump or () if "proxyjump" in known else ()
    understood = {"user", "port", "proxyjump", "-W", "stricthostkeychecking", "userknownhostsfile", *hosts}
    unknown = (written for written, name, _ in options if name not in understood | _NO_EFFECT_HERE)
    return SshArguments(jump=(*before, hop), unknown=tuple(f"{option} in ProxyCommand" for option in unknown))


def _strict(value: str) -> SshArguments:
    if value.lower() == "accept-new":
        return SshArguments(strict=True, unknown=("-o StrictHostKeyChecking=accept-new",))
    return SshArguments(strict=value.lower() not in ("no", "off", "false"))


_TAKERS: dict[str, Callable[[str], SshArguments]] = {
    "proxyjump": _jump,
    "proxycommand": _proxy_command,
    "stricthostkeychecking": _strict,
    "identityfile": lambda value: SshArguments(key_file=value),
    "user": lambda value: SshArguments(user=value),
    "port": lambda value: SshArguments(port=_number(value, 65535)),
    "userknownhostsfile": lambda value: SshArguments(known_hosts=value),
    "connecttimeout": lambda value: SshArguments(connect_timeout=_number(value, 3600)),
}
