"""A file that is replaced as a whole: whoever reads it finds the old one or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write(path: Path, data: bytes, mode: int | None = None) -> None:
    """Mode is what the umask leaves, or exactly `mode`. Raises OSError, and the file is then what it was."""
    new = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}")  # no name that a collector of files picks up
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666), "wb") as file:
            file.write(data)
            if mode is not None:
                os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _flush_directory(path.parent)


def _flush_directory(folder: Path) -> None:
    """The new name outlives a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
