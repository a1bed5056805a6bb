"""Packages of the host's own distribution: whether a program is there, and what would install it."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from k8snet_provision.change import Change, Kind
from k8snet_provision.resources.probe import HostSeen, Probe

MANAGERS = ("apt-get", "dnf", "zypper")
"""Debian and its kin, Red Hat's, SUSE's; the first that the host has is the one it is kept up to date with."""

HERE = "here"


def probe(program: str) -> Probe:
    return Probe(
        f"package:{program}",
        f"""
command -v {quote(program)} >/dev/null && {{ echo {HERE}; exit 0; }}
for manager in {" ".join(MANAGERS)}; do command -v "$manager" >/dev/null && {{ echo "$manager"; exit 0; }}; done
echo none""",
    )


def read(seen: HostSeen, program: str) -> str:
    """HERE, the manager that can install it, or "none"; raises Unknown."""
    return (seen.text(f"package:{program}") or "none").strip()


def change(phase: str, seen: HostSeen, name: str, unit: str, config: str) -> Iterator[Change]:
    """The package is installed where its program of the same name is missing.

    `unit` is what the distribution might start at once and must not; `config` the file that it might bring and
    that this tool brings itself.
    """
    manager = read(seen, name)
    if manager in MANAGERS:
        details = {"manager": manager, "unit": unit, "config": config}
        yield Change(phase, seen.host, Kind.PACKAGE, name, None, f"installed by {manager}", details)
