"""The file that holds the exceptions: the one that has them, or the one that Ansible reads for group `all`."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from k8snet_provision.drift import exceptions_text
from k8snet_provision.drift.exceptions import VARIABLE, Entry
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.drift.report import Acceptance
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.inventory.files import decode, read_bytes, variable_files
from k8snet_provision.inventory.vault import HEADER
from k8snet_provision.problems import Origin, Problem, ProblemsFound

NAME = "drift-accepted.yml"


def write(inventory: Path, acceptances: Sequence[Acceptance], written: Sequence[Entry]) -> Path:
    """Adds the exceptions to the inventory, as a whole or not at all. `written`: those that it has.

    Gives the file; raises ProblemsFound.
    """
    folder = inventory if inventory.is_dir() else inventory.parent
    file = place(folder, written)
    for entry in written:
        if Path(entry.where.file) != file and entry.acceptance.fingerprint in {
            item.fingerprint for item in acceptances
        }:
            hint = "change it there"
            _refuse(Path(entry.where.file), "holds the exception already", entry.where.line, hint)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder):
            text = decode(read_bytes(file), file) if os.path.lexists(file) else exceptions_text.HEAD
            if text.startswith(HEADER):
                _refuse(
                    file, "is vaulted as a whole", hint=f"open it with ansible-vault edit, or keep {VARIABLE} apart"
                )
            edited = exceptions_text.with_acceptances(text, acceptances, str(file))
            _replace(file.resolve(), edited)
    except EditRefused as refused:
        text = f"cannot hold the exceptions: {refused.text}"
        _refuse(file, text, refused.line, refused.hint or f"write {VARIABLE} into it by hand")
    except OSError as error:
        _refuse(file, f"cannot be written: {error.strerror}")
    return file


def place(folder: Path, written: Sequence[Entry]) -> Path:
    """Where exceptions of this inventory go; raises ProblemsFound where they stand where they cannot be added to."""
    variables = folder / "group_vars"
    everyones = variable_files(variables, "all")
    if usable := [at for entry in written if (at := Path(entry.where.file)) in everyones and at.suffix != ".json"]:
        return usable[0]
    if written:  # a variable of the same name in group_vars would hide it from Ansible
        where, hint = written[0].where, f"move {VARIABLE} to {variables / 'all' / NAME}"
        _refuse(Path(where.file), f"holds {VARIABLE}, where --accept cannot add to it", where.line, hint)
    if (variables / "all").is_dir() or not everyones:
        return variables / "all" / NAME
    if everyones[0].suffix == ".json":  # Ansible reads one of all.json and all/, so there is no room beside it
        _refuse(everyones[0], "is JSON, which --accept does not edit", hint="rename it to all.yml: JSON is YAML too")
    return everyones[0]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One --accept of an inventory at a time, so that none takes away what the other has added."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # gevent closes what is no regular file later, when it has nothing to do
        os.close(handle)


def _replace(file: Path, text: str) -> None:
    """The file is whole, and has the mode and owner that it had."""
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    whole = Path(name)
    try:
        with os.fdopen(handle, "wb") as opened:
            opened.write(text.encode())
            opened.flush()
            if file.exists():
                status = file.stat()
                os.fchown(opened.fileno(), status.st_uid, status.st_gid)
                os.fchmod(opened.fileno(), status.st_mode & 0o7777)
            else:
                os.fchmod(opened.fileno(), 0o644)
            os.fsync(opened.fileno())
        whole.replace(file)
    finally:
        whole.unlink(missing_ok=True)


def _refuse(file: Path, text: str, line: int = 0, hint: str = "") -> NoReturn:
    raise ProblemsFound([Problem(ProblemCode.NOT_ACCEPTED, text, Origin(str(file), line), hint=hint)])
