"""The store of things built: each a directory NAME-KEY with its manifest, made once and checked before each use.

What is in it:
    NAME-KEY/            the thing
    NAME-KEY.manifest    what it held when it was made; written last, so a thing without one is not trusted
    NAME-KEY.witness     which of its files were read and found right during this boot
    NAME.lock            held while a thing of this name is checked or built
    NAME.seconds         how long the last build took
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from k8snet_provision.lab import manifest
from k8snet_provision.lab.progress import Say, wait_for

_LONGEST_BUILD = 3600.0  # seconds; several times the slowest one on two cores


class GivenUp(Exception):
    """The wait for another command's build was ended because a step beside it failed."""


class Store:
    """A directory of things built. `say` hears what is being built and how long it took the last time."""

    def __init__(self, directory: Path, say: Say) -> None:
        self.directory = directory
        self._say = say
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """Whoever waits for another command's build stops waiting and raises GivenUp."""
        self._given_up.set()

    def path(self, name: str, key: str) -> Path:
        return self.directory / f"{name}-{key}"

    def damage(self, name: str, key: str, remember: bool = True) -> list[str]:
        """Why the thing can not be used as it is; empty when it can."""
        tree = self.path(name, key)
        if not tree.is_dir():
            return [f"{tree} is missing"]
        witness = _beside(tree, "witness") if remember else None
        try:
            return manifest.damage(tree, manifest.read(_beside(tree, "manifest")), witness)
        except manifest.BadManifest as error:
            return [str(error)]

    def usable(self, name: str, key: str) -> bool:
        """Whether the thing is there, whole; says what is wrong with one that is not."""
        with self._locked(name):
            return self._usable(name, key)

    def obtain(self, name: str, key: str, build: Callable[[Path], None], typical: float) -> Path:
        """The thing, built by `build(directory)` when missing or damaged; that takes `typical` seconds at first."""
        with self._locked(name):
            if not self._usable(name, key):
                self._build(name, key, build, typical)
        return self.path(name, key)

    def _usable(self, name: str, key: str) -> bool:
        tree = self.path(name, key)
        if not tree.is_dir():
            return False
        wrong = self.damage(name, key)
        if wrong:
            self._say(f"{name}: will be built again: {manifest.first(wrong)}")
        return not wrong

    def _build(self, name: str, key: str, build: Callable[[Path], None], typical: float) -> None:
        tree = self.path(name, key)
        partial = self.directory / f".{name}.partial"
        for left in (partial, tree):  # of an interrupted build; damaged
            shutil.rmtree(left, ignore_errors=True)
        for kind in ("manifest", "witness"):
            _beside(tree, kind).unlink(missing_ok=True)
        self._say(f"{name}: building ({self._duration(name, typical)})")
        began = time.monotonic()
        partial.mkdir(parents=True)
        try:
            build(partial)
            entries = manifest.record(partial)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        partial.rename(tree)
        manifest.write(entries, _beside(tree, "manifest"))
        seconds = time.monotonic() - began
        self._seconds(name).write_text(f"{seconds:.1f}\n")
        self._say(f"{name}: built in {spoken(seconds)}")

    def _duration(self, name: str, typical: float) -> str:
        with contextlib.suppress(OSError, ValueError):
            return f"took {spoken(float(self._seconds(name).read_text()))} last time"
        return f"takes about {spoken(typical)} on two cores"

    def _seconds(self, name: str) -> Path:
        return self.directory / f"{name}.seconds"

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Held by one process and thread at a time; the kernel lets go of it when its holder dies.

        Raises WaitedTooLong, GivenUp.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.directory / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if held := self._held(descriptor):
                self._say(f"{name}: waiting for {held}")
                wait_for(f"the build of {name}", _LONGEST_BUILD, lambda: self._held(descriptor), pause=0.2)
            yield
        finally:
            os.close(descriptor)

    def _held(self, descriptor: int) -> str:
        """Take the lock, or say who has it."""
        if self._given_up.is_set():
            raise GivenUp("stopped, because another step failed")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return "another command that builds it"
        return ""


def _beside(tree: Path, kind: str) -> Path:
    return tree.with_name(f"{tree.name}.{kind}")


def spoken(seconds: float) -> str:
    """Seconds as `12 s` or `4 min 40 s`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
