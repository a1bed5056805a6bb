"""Puts the inventories of the case tables on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.inventory import cases_directory, cases_ini, cases_yaml

CASES = cases_yaml.CASES | cases_ini.CASES | cases_directory.CASES


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes the files below `folder`; gives the inventory, which is the folder or what the file name @ says."""
    for name, content in files.items():
        if name != "@":
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    entry = files.get("@", "")
    assert isinstance(entry, str)
    return folder / entry
