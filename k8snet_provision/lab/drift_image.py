"""The image that runs drift in a pod of the lab: what kubernetes/Containerfile makes, without a container engine.

Debian's Python with the locked packages is a part of its own, kept among the artifacts; the tool and kubectl come on
top.
"""

from __future__ import annotations

import hashlib
import platform
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from k8snet_provision.lab import assets, debian, debian_packages, oci
from k8snet_provision.lab.debian_files import shell
from k8snet_provision.lab.oci import Directory, Entry, File, Image, Link
from k8snet_provision.lab.programs import Programs
from k8snet_provision.lab.progress import Say
from k8snet_provision.lab.store import Store

NAME = "k8snet.lab/k8snet-provision:lab"
USER = (65532, 65532)
PYTHON = "3.11"  # of the suite below; wheels are chosen for it, whichever Python builds the image
SUITE = "bookworm"
PACKAGES = "usr/lib/python3/dist-packages"  # where Debian's Python looks by itself
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

_PASSWD = b"root:x:0:0:root:/root:/sbin/nologin\ndrift:x:65532:65532:drift:/tmp:/sbin/nologin\n"
_PROGRAM = b"#!/usr/bin/python3\nfrom k8snet_provision.__main__ import main\n\nmain()\n"


def python(lock: str, say: Say, cache: Path) -> Path:
    """Debian's Python with the packages of `lock`, built once and kept in `cache`. Raises ProgramFailed."""
    packages, programs = debian.package_list(assets.directory() / "drift" / "debian.txt"), Programs()
    rest = (
        platform.machine(),
        SUITE,
        PYTHON,
        sorted(packages),
        debian.UNREAD,
        Path(debian_packages.__file__).read_text(),
    )
    key = hashlib.sha256(repr((rest, lock)).encode()).hexdigest()[:16]
    build = partial(_build_python, packages=packages, lock=lock, programs=programs)
    return Store(cache / "artifacts", say).obtain("python", key, build, 40)


def _build_python(out: Path, packages: tuple[str, ...], lock: str, programs: Programs) -> None:
    debian_packages.unpack(out, SUITE, packages, programs)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(lock)
        file.flush()
        _pip(out / PACKAGES, programs, "--require-hashes", "-r", file.name)


def _pip(target: Path, programs: Programs, *what: str) -> None:
    pip = (sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--upgrade")
    chosen = ("--only-binary", ":all:", "--python-version", PYTHON, "--target", str(target))
    programs.run((*pip, *chosen, *what), seconds=600)


def write(out: Path, python: Path, wheel: Path, kubectl: Path, base: Path, programs: Programs) -> None:
    """Write the image's archive to `out`; the shell is that of `base`. Raises ProgramFailed and OSError."""
    with tempfile.TemporaryDirectory(dir=out.parent) as directory:
        _pip(Path(directory), programs, str(wheel))
        entries = [*_tree(python, ""), *_tree(Path(directory), PACKAGES), *_own(kubectl), *shell(base, "usr/bin")]
        image = Image(NAME, tuple(entries), ("/usr/local/bin/k8snet-provision",), (), USER, "/tmp")
        oci.write_archive(image, out, ARCHITECTURES[platform.machine()])


def _own(kubectl: Path) -> Iterator[Entry]:
    yield File("etc/passwd", _PASSWD, 0o644)
    yield File("etc/group", b"root:x:0:\ndrift:x:65532:\n", 0o644)
    yield Directory("tmp", 0o1777)
    yield File("usr/local/bin/kubectl", kubectl)
    yield File("usr/local/bin/k8snet-provision", _PROGRAM)


def _tree(root: Path, inside: str) -> Iterator[Entry]:
    """What stands later for a path takes the place of what stood earlier."""
    for path in sorted(root.rglob("*")):
        name = str(Path(inside) / path.relative_to(root))
        if path.is_symlink():
            yield Link(name, str(path.readlink()))
        elif path.is_dir():
            yield Directory(name)
        elif path.is_file():
            yield File(name, path, 0o755 if path.stat().st_mode & 0o100 else 0o644)
