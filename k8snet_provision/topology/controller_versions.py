"""Which published holes a release of ingress-nginx has: upstream retired in March 2026, so no release is without."""

from __future__ import annotations

import re
from dataclasses import dataclass

RETIRED = "March 2026"
LAST_RELEASE = "v1.15.1"
# Names that a mirror keeps: the repository's last two parts.
REPOSITORIES = ("ingress-nginx/controller", "ingress-nginx/controller-chroot")

_RELEASE = re.compile(r"v?(\d{1,4})\.(\d{1,4})\.(\d{1,4})(-(?:alpha|beta|rc)[.0-9]*)?\Z")
_LAST = (1, 15, 1, 1)
Version = tuple[int, int, int, int]
"""Major, minor, patch, and 0 for what came before that release."""


@dataclass(frozen=True)
class Hole:
    """Identifiers of holes that were closed together, and the releases that closed them, one a minor version."""

    identifiers: tuple[str, ...]
    closed_in: tuple[Version, ...] = ()

    def is_open(self, version: Version) -> bool:
        """True for a release before the fix of its minor version, or of a minor version that never got one."""
        same = [fix for fix in self.closed_in if fix[:2] == version[:2]]
        return version < (same or [max(self.closed_in, default=(9999, 0, 0, 0))])[0]


HOLES = (
    Hole(("CVE-2025-1974",), ((1, 11, 5, 1), (1, 12, 1, 1))),
    Hole(("CVE-2026-1580", "CVE-2026-24512", "CVE-2026-24513", "CVE-2026-24514"), ((1, 13, 7, 1), (1, 14, 3, 1))),
    Hole(("CVE-2026-3288",), ((1, 13, 8, 1), (1, 14, 4, 1), (1, 15, 0, 1))),
    Hole(("CVE-2026-42945", "CVE-2026-42533")),
)


def is_upstreams(name: str) -> bool:
    """Whether an image's name without tag is that of upstream's controller, at whatever registry."""
    return any(name == repository or name.endswith(f"/{repository}") for repository in REPOSITORIES)


def version(tag: str) -> Version | None:
    """The release that a tag names; None for a tag that says nothing, or a release that upstream never made."""
    match = _RELEASE.match(tag)
    if match is None:
        return None
    found = (int(match[1]), int(match[2]), int(match[3]), 0 if match[4] else 1)
    return found if found <= _LAST else None


def open_holes(release: Version) -> tuple[str, ...]:
    """Identifiers of the published holes that a release has."""
    return tuple(name for hole in HOLES if hole.is_open(release) for name in hole.identifiers)
