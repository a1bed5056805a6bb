"""Manifests: what a directory tree held when it was made, so that later damage is found before use.

One line an entry: path, kind, mode, owner and what it holds (sha256 of a file, target of a link, numbers of
a device), separated by tabs. A *witness* remembers the inode, size, mtime and ctime each file had when its
digest was last computed. Nothing but the kernel sets ctime, at every write, so within one boot a file with
the same four is the same file and is not read again; after a reboot, or on any doubt, it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

Entries = Mapping[str, str]
Seen = tuple[int, int, int, int]
_TICK = 100_000_000  # ns; a file written to twice within a tick of the kernel's clock (10 ms at most) has one ctime
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class BadManifest(Exception):
    """The manifest is missing or is not one; says which."""


def record(tree: Path) -> Entries:
    """Every entry below `tree` with what it is and holds, by path. Raises BadManifest for a name no line can hold."""
    found = dict(_walk(tree))
    digests = _digests(tree, _files(found))
    for path in found:
        if "\t" in path or "\n" in path:
            raise BadManifest(f"{tree}: the file name {path!r} can not be recorded")
    return {path: _line(tree, path, status, digests) for path, status in found.items()}


def write(entries: Entries, out: Path) -> None:
    """Write to a file beside `out` first: a manifest that exists is complete."""
    text = "".join(f"{path}\t{entries[path]}\n" for path in sorted(entries))
    partial = out.with_name(f".{out.name}.partial")
    partial.write_bytes(os.fsencode(text))
    partial.rename(out)


def read(path: Path) -> Entries:
    """Raises BadManifest."""
    try:
        lines = os.fsdecode(path.read_bytes()).splitlines()
    except OSError as error:
        raise BadManifest(f"{path}: {error.strerror}") from None
    entries = {}
    for number, line in enumerate(lines, 1):
        name, _, rest = line.partition("\t")
        if rest.count("\t") != 3:
            raise BadManifest(f"{path}:{number}: not a line of a manifest: {line[:80]!r}")
        entries[name] = rest
    return entries


def damage(tree: Path, expected: Entries, witness: Path | None = None) -> list[str]:
    """What differs between `tree` and its manifest, one text an entry; empty when nothing does.

    With `witness`, files that are as they were when last read are not read again.
    """
    began = time.time_ns()
    found = dict(_walk(tree)) if tree.is_dir() else {}
    known = _known(witness)
    now = {path: _seen(status) for path, status in _files(found).items()}
    unchanged = {path: known[path][1] for path in now if path in known and known[path][0] == now[path]}
    digests = _digests(tree, {path: found[path] for path in now if path not in unchanged}) | unchanged
    different = [f"{tree / path} is missing" for path in expected if path not in found]
    for path, status in found.items():
        line = _line(tree, path, status, digests)
        if path not in expected:
            different.append(f"{tree / path} is not in the manifest")
        elif line != expected[path]:
            different.append(f"{tree / path} has changed: found {_words(line)}, expected {_words(expected[path])}")
    if witness is not None and not different and len(unchanged) < len(now):
        settled = {path: seen for path, seen in now.items() if seen[-1] < began - _TICK}
        _remember(witness, {path: (seen, digests[path]) for path, seen in settled.items()})
    return different


def _walk(tree: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Paths relative to `tree` with their lstat, parents before what is in them."""
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        with os.scandir(tree / directory) as entries:
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                yield path, entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)


def _files(found: Mapping[str, os.stat_result]) -> dict[str, os.stat_result]:
    return {path: status for path, status in found.items() if stat.S_ISREG(status.st_mode)}


def _digests(tree: Path, files: Mapping[str, os.stat_result]) -> dict[str, str]:
    """sha256 of each file; large ones first, on every core (hashlib lets other threads run meanwhile)."""
    by_size = sorted(files, key=lambda path: -files[path].st_size)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(by_size, pool.map(lambda path: _digest(tree / path), by_size), strict=True))


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _line(tree: Path, path: str, status: os.stat_result, digests: Mapping[str, str]) -> str:
    kind, holds = "other", ""
    if stat.S_ISREG(status.st_mode):
        kind, holds = "file", digests[path]
    elif stat.S_ISDIR(status.st_mode):
        kind = "directory"
    elif stat.S_ISLNK(status.st_mode):
        kind, holds = "link", str((tree / path).readlink())
    elif stat.S_ISCHR(status.st_mode) or stat.S_ISBLK(status.st_mode):
        kind, holds = "device", f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    return f"{kind}\t{stat.S_IMODE(status.st_mode):04o}\t{status.st_uid}:{status.st_gid}\t{holds}"


def _words(line: str) -> str:
    kind, mode, owner, holds = line.split("\t")
    return f"{kind} {'sha256 ' if kind == 'file' else ''}{holds[:16]} mode {mode} owner {owner}"


def _seen(status: os.stat_result) -> Seen:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _known(witness: Path | None) -> dict[str, tuple[Seen, str]]:
    """What a witness of this boot remembers; nothing when there is none or it can not be read."""
    try:
        remembered = json.loads(witness.read_bytes()) if witness else {}
        if remembered.get("boot") != _BOOT.read_text():
            return {}
        return {path: (tuple(seen), digest) for path, (seen, digest) in remembered["files"].items()}
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return {}


def _remember(witness: Path, files: Mapping[str, tuple[Seen, str]]) -> None:
    partial = witness.with_name(f".{witness.name}.partial")
    partial.write_text(json.dumps({"boot": _BOOT.read_text(), "files": files}))
    partial.rename(witness)


def first(differences: Iterable[str], most: int = 3) -> str:
    """The first few of many differences, and how many more there are."""
    texts = list(differences)
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return "; ".join(texts[:most]) + more
