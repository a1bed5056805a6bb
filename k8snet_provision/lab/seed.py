"""The seed: a /var/lib/containerd that holds every image, unpacked, for new hosts to hard-link.

containerd runs for a moment on this machine, with directories and a socket of its own, in a mount
namespace of its own.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from k8snet_provision.lab.programs import DIES_WITH_US, PRIVATE_MOUNTS, ProgramFailed, Programs
from k8snet_provision.lab.progress import WaitedTooLong, wait_for

_CONFIG = """version = 3
root = "{root}"
state = "{state}"
# Pods are run by the hosts; importing needs the content store and the overlayfs snapshotter only.
disabled_plugins = ["io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.grpc.v1.cri"]
[grpc]
address = "{socket}"
[ttrpc]
address = "{socket}.ttrpc"
"""


def build(out: Path, binaries: Mapping[str, Path], images: Path, programs: Programs) -> None:
    """Make `out` such a directory from the archives in `images`, with containerd and ctr of `binaries`.

    Raises ProgramFailed.
    """
    # A socket's path has 108 bytes at most (unix(7)), which the cache's own path could exceed.
    with tempfile.TemporaryDirectory(prefix="k8snet-seed-") as state:
        socket = Path(state) / "s"
        with _containerd(binaries["containerd"], out, Path(state), socket):
            for archive in sorted(images.glob("*.tar")):
                _import(binaries["ctr"], socket, archive, programs)
    shutil.rmtree(out / "tmpmounts", ignore_errors=True)


def _import(ctr: Path, socket: Path, archive: Path, programs: Programs) -> None:
    """The layers' archives are dropped once unpacked: nothing would read them again."""
    options = ("images", "import", "--local", "--discard-unpacked-layers", str(archive))
    programs.run((str(ctr), "--address", str(socket), "--namespace", "k8s.io", *options), seconds=120)


@contextlib.contextmanager
def _containerd(program: Path, root: Path, state: Path, socket: Path) -> Iterator[None]:
    """containerd over `root` for as long as the context lasts; it has ended when the context has."""
    config, log = state / "config.toml", state / "log"
    config.write_text(_CONFIG.format(root=root, state=state / "state", socket=socket))
    command = (*PRIVATE_MOUNTS, *DIES_WITH_US, str(program), "--config", str(config))
    with log.open("wb") as written:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=written, stderr=written)
    try:
        _wait_for_socket(process, socket, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_socket(process: subprocess.Popen[bytes], socket: Path, log: Path) -> None:
    def seen() -> str:
        if process.poll() is not None:
            raise ProgramFailed(f"containerd ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        return "" if socket.exists() else "no socket yet"

    try:
        wait_for("containerd's socket", 30, seen, pause=0.05)
    except WaitedTooLong as late:
        raise ProgramFailed(f"{late}\n{log.read_text()[-2000:]}") from None
