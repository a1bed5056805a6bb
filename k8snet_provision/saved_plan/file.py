"""Saved plans on disk: written whole or not at all, for their owner only; read with suspicion."""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from k8snet_provision.problems import Origin, Problem, ProblemsFound
from k8snet_provision.saved_plan import model
from k8snet_provision.saved_plan.codes import Code
from k8snet_provision.saved_plan.model import NewerFormat, NotAPlan, SavedPlan

LARGEST = 128 * 1024 * 1024
"""Bytes; a plan that changes ten files of each of 1,000 hosts has about 60 MB."""

HEAD = re.compile(rb'\A\s*\{[^{]{0,2000}"format"\s*:\s*"' + model.FORMAT.encode() + rb'"')


def is_saved_plan(path: Path) -> bool:
    """Whether a file begins as saved plans do, also when the rest of it is damaged; an inventory never does."""
    try:
        return bool(HEAD.match(_bytes(path, 4096)))
    except (OSError, ValueError):
        return False


def read(path: Path) -> SavedPlan:
    """Raises ProblemsFound with the one reason why there is no plan in it."""
    try:
        data = _bytes(path, LARGEST + 1)
    except (OSError, ValueError) as error:
        _refuse(path, f"cannot be read: {_reason(error)}")
    if len(data) > LARGEST:
        _refuse(path, "is too large for a saved plan", expected=f"at most {LARGEST:,} bytes")
    try:
        return model.from_json(_json(data))
    except NewerFormat as newer:
        hint = "use the k8snet-provision that saved it"
        text = "was saved by a newer k8snet-provision"
        _refuse(path, text, f"format {newer}", f"format {model.FORMAT_VERSION}", hint, Code.NEWER_FORMAT)
    except NotAPlan as error:
        _refuse(path, str(error), hint="k8snet-provision diff INVENTORY --save FILE writes one")


def _bytes(path: Path, most: int) -> bytes:
    """Not waiting: opening a pipe would, for ever."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("not a regular file")
        return file.read(most)


def _json(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise NotAPlan("is not text, so it is no saved plan") from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        cut = HEAD.match(data) and error.pos >= len(text.rstrip()) - 1
        raise NotAPlan("is cut short" if cut else f"is not JSON (line {error.lineno})") from None
    except (ValueError, RecursionError):
        raise NotAPlan("is JSON that no saved plan holds") from None


def refuse_target(path: Path) -> None:
    """Asked before hosts are looked at: raises ProblemsFound where the plan could not be written afterwards."""
    if path.is_symlink() or (path.exists() and not is_saved_plan(path)):
        found = "a link" if path.is_symlink() else "a directory" if path.is_dir() else "something else"
        hint = "choose another name, or remove it first"
        _refuse(path, "is there already and is no saved plan", found, hint=hint, code=Code.NOT_SAVED)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        reason = "no permission" if path.parent.is_dir() else "its directory is not there"
        _refuse(path, f"cannot be written: {reason}", code=Code.NOT_SAVED)


def write(path: Path, saved: SavedPlan) -> None:
    """The file is whole and 0600 or is what it was before; raises ProblemsFound."""
    refuse_target(path)
    data = (json.dumps(model.to_json(saved), indent=1) + "\n").encode()
    if len(data) > LARGEST:
        hint = "save a plan for fewer hosts: --limit"
        _refuse(path, "would be too large", f"{len(data):,} bytes", f"{LARGEST:,}", hint, Code.NOT_SAVED)
    try:
        _write(path, data)
    except OSError as error:
        _refuse(path, f"cannot be written: {_reason(error)}", code=Code.NOT_SAVED)


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600
    whole = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if is_saved_plan(path):
            whole.replace(path)
        else:
            path.hardlink_to(whole)  # fails where somebody made the file meanwhile
    finally:
        whole.unlink(missing_ok=True)


def _reason(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def _refuse(
    path: Path, text: str, found: str = "", expected: str = "", hint: str = "", code: Code = Code.UNREADABLE
) -> NoReturn:
    raise ProblemsFound([Problem(code, text, Origin(str(path)), found, expected, hint)])
