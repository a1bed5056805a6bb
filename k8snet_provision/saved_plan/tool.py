"""Which program made a plan: its version, and a digest of the code and templates that decide what a plan is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from k8snet_provision import assets

DISTRIBUTION = "k8snet-provision"


@cache
def version() -> str:
    """As "0.1.0 (1f0c…)": in a checkout the version alone stays the same while the code changes."""
    digest = hashlib.sha256()
    for name, path in sorted(_sources()):
        digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    try:
        number = metadata.version(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        number = "not installed"
    return f"{number} ({digest.hexdigest()[:16]})"


def _sources() -> Iterator[tuple[str, Path]]:
    """By the same names in a checkout and in an installed wheel."""
    for path in assets.PACKAGE.rglob("*.py"):
        if path.relative_to(assets.PACKAGE).parts[0] not in ("_bundled", "lab"):
            yield f"package/{path.relative_to(assets.PACKAGE)}", path
    for name, pattern in (("deploys", "*.py"), ("templates", "*")):
        folder = assets.directory(name)
        for path in folder.rglob(pattern):
            if path.is_file():
                yield f"{name}/{path.relative_to(folder)}", path
