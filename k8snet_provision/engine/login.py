"""Logs in with what the inventory names, and with the agent and default keys only where it names nothing."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import paramiko

from k8snet_provision.engine.script import CannotReach

DEFAULT_KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")  # ssh(1)'s order of trying, without its retired kinds
HeldKeys = Callable[[], tuple[paramiko.PKey, ...]]


def log_in(transport: paramiko.Transport, user: str, where: str, key_file: str | None, password: str | None) -> None:
    """Authenticates `user`; raises CannotReach that says what was offered and what the host allows.

    A named key is the only key tried; the password comes after it. Nothing is ever asked at a terminal.
    """
    tried: list[str] = []
    allowed: list[str] = []
    with closing(_keys(key_file, password)) as keys:
        for label, key in keys:
            tried.append(label)
            try:
                if not transport.auth_publickey(user, key):
                    return
            except paramiko.BadAuthenticationType as refused:
                allowed = refused.allowed_types
            except paramiko.AuthenticationException:
                continue
    if password is not None:
        tried.append("the password")
        try:
            if not transport.auth_password(user, password):
                return
        except paramiko.BadAuthenticationType as refused:
            allowed = refused.allowed_types
        except paramiko.AuthenticationException:
            pass
    raise _refused(user, where, tried, allowed)


def _refused(user: str, where: str, tried: list[str], allowed: list[str]) -> CannotReach:
    offered = ", ".join(tried) or "nothing: no key, no password, no agent"
    methods = f"; it allows {', '.join(allowed)}" if allowed else ""
    return CannotReach(
        f"{where} refused the login of {user} (offered {offered}{methods})",
        f"put the public key into {user}'s authorized_keys on the host, or set ansible_user and "
        "ansible_ssh_private_key_file",
    )


def _keys(key_file: str | None, password: str | None) -> Generator[tuple[str, paramiko.PKey], None, None]:
    """Keys to offer, in order. The agent's are of use until the generator is closed."""
    with _agent() as held:
        if key_file is not None:
            yield f"the key {key_file}", _named_key(key_file, held)
        elif password is None:
            yield from (("a key of the SSH agent", key) for key in held())
            yield from _default_keys()


@contextmanager
def _agent() -> Iterator[HeldKeys]:
    """Asks the SSH agent, if there is one, when its keys are wanted; hangs up at the end."""
    agents: list[paramiko.Agent] = []

    def held() -> tuple[paramiko.PKey, ...]:
        with suppress(OSError, paramiko.SSHException):
            agents.append(paramiko.Agent())
        return tuple(key for agent in agents for key in agent.get_keys())

    try:
        yield held
    finally:
        for agent in agents:
            agent.close()


def _named_key(key_file: str, held: HeldKeys) -> paramiko.PKey:
    path = Path(key_file).expanduser()
    try:
        return _load(str(path), path.stat().st_mtime_ns)
    except OSError as error:
        reason = error.strerror or str(error)
        raise CannotReach(f"cannot read the SSH key {key_file}: {reason}") from None
    except TypeError:  # cryptography's answer to a key that has a passphrase
        return _held_by_agent(key_file, path, held)
    except (ValueError, paramiko.SSHException):
        raise CannotReach(f"{key_file} is no private SSH key", "name the file without .pub") from None


def _held_by_agent(key_file: str, path: Path, held: HeldKeys) -> paramiko.PKey:
    """The agent's unlocked copy of a key whose file has a passphrase; the .pub file beside it says which."""
    public = path.with_name(path.name + ".pub")
    fields = public.read_text(errors="replace").split() if public.is_file() else []
    for key in held():
        if len(fields) > 1 and key.get_base64() == fields[1]:
            return key
    raise CannotReach(f"the SSH key {key_file} has a passphrase and no SSH agent holds it", f"run: ssh-add {key_file}")


@lru_cache(maxsize=64)
def _load(path: str, _mtime: int) -> paramiko.PKey:
    return paramiko.PKey.from_path(path)


def _default_keys() -> Iterator[tuple[str, paramiko.PKey]]:
    for name in DEFAULT_KEYS:
        path = Path("~/.ssh").expanduser() / name
        if path.is_file():
            try:
                yield f"the key ~/.ssh/{name}", _load(str(path), path.stat().st_mtime_ns)
            except (OSError, TypeError, ValueError, paramiko.SSHException):
                continue
