"""Debian: the root that every host shares, and the packages the machine itself needs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from k8snet_provision.lab.programs import ProgramFailed, Programs
from k8snet_provision.problems import Problem

SUITE = "bookworm"

# What no host reads; without it the root is half the size and twice as fast to check.
UNREAD = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
)

# Nothing that debootstrap starts or mounts outlives it.
_CONTAINED = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--")


def package_list(path: Path) -> tuple[str, ...]:
    """The packages a list names: one a line, what follows a # is the reason."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    return tuple(line for line in lines if line)


def missing_packages(listed: Path) -> list[Problem]:
    """One problem that names every package of `listed` this machine lacks; empty when it has them all."""
    wanted = package_list(listed)
    query = ("dpkg-query", "--show", "--showformat", "${Package} ${db:Status-Status}\n", *wanted)
    try:
        # dpkg-query ends with 1 when it does not know one of the names; the others are printed all the same.
        shown = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False).stdout
    except FileNotFoundError:
        return [Problem("K8N521", "the lab needs a Debian machine", "machine", found="no dpkg")]
    installed = {line.split()[0] for line in shown.splitlines() if line.endswith(" installed")}
    missing = [name for name in wanted if name not in installed]
    if not missing:
        return []
    hint = f"apt-get install -y --no-install-recommends {' '.join(missing)}"
    return [
        Problem(
            "K8N521", "the machine lacks packages the lab needs", "machine", found="no " + ", ".join(missing), hint=hint
        )
    ]


def build_root(out: Path, packages: tuple[str, ...], programs: Programs) -> None:
    """Make `out` a Debian root with `packages`, from the mirror that apt is configured for. Raises ProgramFailed."""
    include = f"--include={','.join(packages)}"
    options = ("--variant=minbase", include, SUITE, str(out), mirror(programs))
    programs.run((*_CONTAINED, "debootstrap", *options), seconds=1200, environment={"LC_ALL": "C.UTF-8"})
    for path in UNREAD:
        for inside in (out / path).iterdir() if (out / path).is_dir() else ():
            shutil.rmtree(inside) if inside.is_dir() and not inside.is_symlink() else inside.unlink()


def mirror(programs: Programs) -> str:
    """The address of a Debian mirror, as apt is configured. Raises ProgramFailed when it has none for the suite."""
    shape = "$(RELEASE) $(COMPONENT) $(REPO_URI)"
    printed = programs.run(("apt-get", "indextargets", "--format", shape, "Created-By: Packages"), seconds=60)
    return chosen_mirror(printed)


def chosen_mirror(printed: str) -> str:
    """The first address apt lists for the suite's main component."""
    for line in printed.splitlines():
        if line.split()[:2] == [SUITE, "main"]:
            return line.split(maxsplit=2)[2]
    raise ProgramFailed(f"apt's sources name no mirror of Debian {SUITE} main; add one to /etc/apt/sources.list")
