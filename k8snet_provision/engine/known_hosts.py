"""Host keys an operator trusts, read once per file from OpenSSH's known_hosts format (sshd(8)).

Read here rather than by paramiko, which compares every entry for every host (83 ms a host where 5,000
entries are hashed) and does not remember the line an entry came from.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class KnownKey:
    """One line's key. `kind` as in the file (`ssh-ed25519`), `blob` the key's wire form."""

    names: str
    kind: str
    blob: bytes
    line: int
    marker: str = ""

    def covers(self, name: str) -> bool:
        """Whether the line's host names, patterns or hash stand for `name`."""
        if self.names.startswith("|1|"):
            return _hash_matches(self.names, name)
        patterns = self.names.split(",")
        refused = any(fnmatchcase(name, _glob(p[1:])) for p in patterns if p.startswith("!"))
        return not refused and any(fnmatchcase(name, _glob(p)) for p in patterns if not p.startswith("!"))


@dataclass(frozen=True)
class KnownHosts:
    """A known_hosts file; a file that does not exist knows nobody."""

    path: str
    plain: dict[str, tuple[KnownKey, ...]]
    others: tuple[KnownKey, ...]

    def keys_of(self, name: str) -> tuple[KnownKey, ...]:
        """Keys of one host, as `host_name` spells it; certificate authorities are left out."""
        found = (*self.plain.get(name, ()), *(key for key in self.others if key.covers(name)))
        return tuple(key for key in found if key.marker != "@cert-authority")


def host_name(address: str, port: int) -> str:
    """The name under which known_hosts keeps a host: the bare address on port 22, else `[address]:port`."""
    return address if port == 22 else f"[{address}]:{port}"


def read_known_hosts(path: str) -> KnownHosts:
    """Reads a file once per content; lines that are no host key are skipped, as OpenSSH does."""
    try:
        stat = Path(path).stat()
    except OSError:
        return KnownHosts(path, {}, ())
    return _read(path, stat.st_mtime_ns, stat.st_size)


def fingerprint(blob: bytes) -> str:
    """The key's fingerprint as ssh-keygen -l prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


@lru_cache(maxsize=32)
def _read(path: str, _mtime: int, _size: int) -> KnownHosts:
    plain: dict[str, tuple[KnownKey, ...]] = {}
    others = []
    for key in _parse(Path(path).read_text(errors="surrogateescape")):
        if any(char in key.names for char in "*?!|"):
            others.append(key)
            continue
        for name in key.names.split(","):
            plain[name] = (*plain.get(name, ()), key)
    return KnownHosts(path, plain, tuple(others))


def _parse(text: str) -> Iterator[KnownKey]:
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) < 3 or fields[0].startswith("#"):
            continue
        try:
            blob = base64.b64decode(fields[2], validate=True)
        except ValueError:
            continue
        yield KnownKey(fields[0], fields[1], blob, number, marker)


def _glob(pattern: str) -> str:
    """`[addr]:port` is literal in known_hosts; only * and ? are patterns there."""
    return pattern.replace("[", "[[]")


def _hash_matches(names: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part) for part in names.split("|")[2:4])
    except ValueError:
        return False
    return hmac.compare_digest(hmac.digest(salt, name.encode(errors="surrogateescape"), "sha1"), digest)
