"""The image that kubernetes/Containerfile makes of this checkout, made by buildah.

The recipe is followed word for word. Only what it would fetch is at hand: a Debian with the Python of the recipe's base
takes the base's place, and pip finds the locked packages in a directory instead of an index.
"""

from __future__ import annotations

import hashlib
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from k8snet_provision.lab import artifacts, debian_packages, runtime_lock
from k8snet_provision.lab.programs import Programs
from k8snet_provision.lab.store import Store
from tests.hosts.labs import ROOT

NAME = "k8snet.lab/k8snet-provision:lab"
SUITE, PYTHON = "bookworm", "3.11"  # as in the name of the recipe's base
PACKAGES = ("bash", "coreutils", "libstdc++6", "python-is-python3", "python3-venv")
"""What the recipe uses of its base, and libstdc++6, which greenlet is linked to and apt brings into every Debian."""

PIP = "[global]\nno-index = true\nfind-links = /wheels\n"


def write(archive: Path, kubectl: Path) -> None:
    """Makes the image with that kubectl and writes it to `archive`, as `ctr images import` takes it."""
    lock = runtime_lock.runtime((ROOT / "requirements.lock").read_text())
    base, wheels, programs = _base(), _wheels(lock), Programs()
    with tempfile.TemporaryDirectory(dir=archive.parent) as directory:
        place = Path(directory)
        context, pip = place / "context", place / "pip.conf"
        pip.write_text(PIP)
        programs.run((str(ROOT / "bin" / "image-context"), sys.executable, str(context)), seconds=120)
        (context / "kubectl").write_bytes(kubectl.read_bytes())

        def buildah(*words: str) -> str:
            kept = ("--root", str(place / "images"), "--runroot", str(place / "run"), "--storage-driver", "vfs")
            return programs.run(("buildah", *kept, *words), seconds=300).strip()

        container = buildah("from", "scratch")
        buildah("add", "--quiet", container, str(base), "/")
        buildah("commit", "--quiet", "--rm", container, "localhost/base")
        given = {"BASE": "localhost/base", "KUBECTL_SHA256": hashlib.sha256(kubectl.read_bytes()).hexdigest()}
        at_hand = {pip: "/etc/pip.conf", wheels: "/wheels"}
        options = [
            *("--isolation=chroot", "--pull-never", "--layers=false", f"--tag={NAME}"),
            *(f"--build-arg={name}={value}" for name, value in given.items()),
            *(f"--volume={path}:{inside}:ro" for path, inside in at_hand.items()),
        ]
        buildah("build", "--quiet", *options, str(context))
        buildah("push", "--quiet", NAME, f"docker-archive:{archive}:{NAME}")


def _base() -> Path:
    """The files of PACKAGES and of what they need."""

    def build(out: Path) -> None:
        debian_packages.unpack(out, SUITE, PACKAGES, Programs())
        (out / "bin" / "sh").symlink_to("bash")

    return _kept("python-base", (SUITE, PACKAGES, Path(debian_packages.__file__).read_text()), build)


def _wheels(lock: str) -> Path:
    """The files of the packages that the lock names, each with one of its hashes."""

    def build(out: Path) -> None:
        pip = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", "-d", str(out))
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write(lock)
            file.flush()
            chosen = ("--only-binary", ":all:", "--python-version", PYTHON, "-r", file.name)
            Programs().run((*pip, *chosen), seconds=600)

    return _kept("wheels", (PYTHON, lock), build)


def _kept(name: str, inputs: Sequence[object], build: Callable[[Path], None]) -> Path:
    key = hashlib.sha256(repr((platform.machine(), *inputs)).encode()).hexdigest()[:16]
    return Store(artifacts.default_cache() / "artifacts", print).obtain(name, key, build, 10)
