"""The part of requirements.lock that the tool needs where nobody develops it, hashes included.

python -m k8snet_provision.lab.runtime_lock < requirements.lock
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DISTRIBUTION = "k8snet-provision"


def runtime(lock: str) -> str:
    """The entries of what the installed tool requires, and of what that requires in turn, in the lock's order."""
    entries = _entries(lock)
    wanted = _closure(entries)
    return "".join(text for name, text in entries.items() if name in wanted)


def _entries(lock: str) -> Mapping[str, str]:
    """By name, each with its hashes: NAME==VERSION and the lines that are indented below it."""
    found = re.findall(r"^(\S+?)==.*\n(?:[ \t]+.*\n)*", lock, re.MULTILINE)
    texts = re.findall(r"^\S+?==.*\n(?:[ \t]+.*\n)*", lock, re.MULTILINE)
    return {canonicalize_name(name): text for name, text in zip(found, texts, strict=True)}


def _closure(entries: Mapping[str, str]) -> set[str]:
    """What the lock does not have is for other systems or other Pythons."""
    found: set[str] = set()
    rest = [DISTRIBUTION]
    while rest:
        for name in _required(rest.pop()):
            if name in entries and name not in found:
                found.add(name)
                rest.append(name)
    return found


def _required(name: str) -> list[str]:
    try:
        requirements = map(Requirement, requires(name) or ())
    except PackageNotFoundError:
        return []
    # Extras are for whoever asks for them; every other marker may hold where the image runs.
    return [canonicalize_name(item.name) for item in requirements if not (item.marker and "extra" in str(item.marker))]


if __name__ == "__main__":
    sys.stdout.write(runtime(sys.stdin.read()))
