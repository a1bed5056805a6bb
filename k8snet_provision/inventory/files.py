"""Which files an inventory is made of, and their text: Ansible's rules for names, one problem per bad file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from k8snet_provision.inventory.codes import Code
from k8snet_provision.problems import Origin, Problem, ProblemsFound

MAX_BYTES = 16 * 1024 * 1024
_IGNORED_NAMES = frozenset({"group_vars", "host_vars", "vars_plugins"})
# Ansible's INVENTORY_IGNORE_EXTS with its default value.
IGNORED_ENDINGS = (
    *(".pyc", ".pyo", ".swp", ".bak", "~", ".rpm", ".md", ".txt", ".rst"),
    *(".orig", ".cfg", ".retry"),
    # Certificates and keys that variables name: Ansible finds no inventory in them, warns and goes on.
    *(".crt", ".cer", ".pem", ".key"),
)
_VARIABLE_ENDINGS = ("", ".yml", ".yaml", ".json")


def inventory_files(path: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """The inventory files of a directory in the order Ansible reads them, or the one file `path` is.

    `above` holds the directories that led here. Raises ProblemsFound when the path or a directory below it
    cannot be read.
    """
    if not is_directory(path):
        yield path
        return
    above = _entered(path, above)
    for name in listing(path):
        if not name.startswith(".") and name not in _IGNORED_NAMES and not name.endswith(IGNORED_ENDINGS):
            yield from inventory_files(path / name, above)


def variable_files(folder: Path, name: str) -> list[Path]:
    """The files holding variables of the host or group `name`: `name` itself, or the first ending that exists."""
    for ending in _VARIABLE_ENDINGS:
        path = folder / f"{name}{ending}"
        if os.path.lexists(path):
            return list(_files_below(path)) if is_directory(path) else [path]
    return []


def _files_below(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    above = _entered(folder, above)
    for name in listing(folder):
        path = folder / name
        ending = path.suffix if name.strip(".") else ""
        if name.startswith(".") or name.endswith("~"):
            continue
        if is_directory(path):
            if not ending:
                yield from _files_below(path, above)
        elif ending in _VARIABLE_ENDINGS:
            yield path


def _entered(folder: Path, above: frozenset[str]) -> frozenset[str]:
    """`above` and this directory; raises ProblemsFound when a link has led back to one of those above."""
    real = os.path.realpath(folder)
    if real in above:
        raise _problem(Code.UNREADABLE, folder, "is a directory linked into itself")
    return above | {real}


def listing(folder: Path) -> list[str]:
    """The names in a directory, sorted as Ansible sorts them; raises ProblemsFound."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names, not paths, are sorted
    except OSError as error:
        raise _unreadable(folder, error) from error


def is_directory(path: Path) -> bool:
    """Follows links; raises ProblemsFound for what is missing, a link loop or not permitted."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def read_bytes(path: Path) -> bytes:
    """The content of a regular file of at most MAX_BYTES; raises ProblemsFound."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise _problem(Code.UNREADABLE, path, "is not a regular file")
        if status.st_size > MAX_BYTES:
            size = f"{status.st_size:,} bytes"
            raise _problem(Code.TOO_LARGE, path, "is too large for an inventory file", size, f"at most {MAX_BYTES:,}")
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def refuse_program(path: Path) -> None:
    """Raises ProblemsFound for what Ansible would run to get an inventory: scripts, binaries, TOML by its plugin."""
    if path.suffix == ".toml":
        raise _problem(Code.NOT_RUN, path, "is a TOML inventory", hint="write it as YAML or INI")
    head = read_bytes(path)[:1024] if os.access(path, os.X_OK) else b""
    if head.startswith(b"#!") or b"\0" in head:
        text = "is a script inventory, scripts are not run"
        hint = "keep its result: ansible-inventory -i FILE --list --export --yaml --output hosts.yml"
        raise _problem(Code.NOT_RUN, path, text, "an executable file", "YAML, JSON or INI", hint=hint)


def decode(content: bytes, path: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark; raises ProblemsFound naming the bad line."""
    line = content.count(b"\n", 0, max(content.find(b"\0"), 0)) + 1
    if b"\0" in content:
        raise _problem(Code.NOT_TEXT, path, "is a binary file", "a NUL byte", "text in UTF-8", line)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x}"
        raise _problem(Code.NOT_TEXT, path, "is not UTF-8", found, "text in UTF-8", line) from None


def _problem(
    code: Code, path: Path, text: str, found: str = "", expected: str = "", line: int = 0, hint: str = ""
) -> ProblemsFound:
    return ProblemsFound([Problem(code, text, Origin(str(path), line), found, expected, hint)])


def _unreadable(path: Path, error: OSError | ValueError) -> ProblemsFound:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return _problem(Code.UNREADABLE, path, f"cannot be read: {reason}")
