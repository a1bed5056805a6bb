"""What images take of a Debian root: programs with the libraries they load, and a shell."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from k8snet_provision.lab.oci import Entry, File, Link


def libraries(root: Path, paths: Iterable[str]) -> list[str]:
    """The shared libraries that programs and modules of the root load, with the loader, as paths under usr/.

    Raises OSError when one is not in the root.
    """
    loader = next(root.glob("usr/lib*/ld-linux*.so.*")).relative_to(root)  # usr/lib64 on amd64, usr/lib on arm64
    found = {str(loader)}
    for path in paths:
        command = ["chroot", str(root), f"/{loader}", "--list", f"/{path}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode or "not found" in done.stdout:
            raise OSError(f"{root}: {path} lacks a library: {(done.stdout + done.stderr)[:500]}")
        found.update(re.findall(r"\s/(\S+\.so\S*) \(0x", done.stdout))
    return sorted({path if path.startswith("usr/") else f"usr/{path}" for path in found})


def real(root: Path, path: str) -> Path:
    """The file that `path` of the root is or leads to, also over a link that names a path from `/` on."""
    file = root / path
    while file.is_symlink():
        file = root / str(file.parent.relative_to(root) / file.readlink()).lstrip("/")
    return file


def shell(root: Path, directory: str) -> Iterator[Entry]:
    """The root's static busybox in the image's `directory`, under the names of all its commands."""
    busybox = root / "usr/bin/busybox"
    yield File(f"{directory}/busybox", busybox)
    listed = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True, timeout=10)
    yield from (Link(f"{directory}/{name}", "busybox") for name in listed.stdout.split() if name != "busybox")
