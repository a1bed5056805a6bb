"""Snapshot: what was taken, where it is kept, and what must be known to restore it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Member:
    """A member of etcd as etcd names it; `peers` are its peer URLs, joined by commas."""

    name: str
    peers: str


@dataclass(frozen=True)
class Snapshot:
    """A verified snapshot on `host`. `size` is in bytes; `digest` is the SHA-256 that etcd sent with the database.

    `member` is the name of the member it was taken from, `data_dir` that member's directory, `static_pod` whether it
    is one, `unit` otherwise its unit: all empty where etcd runs on another host. `etcdutl` is the program to restore
    it with (of etcd < 3.5, empty: etcdctl does it), `apiserver` the unit of kube-apiserver, or its manifest's path.
    """

    host: str
    path: str
    endpoint: str
    version: str
    hash: int
    revision: int
    keys: int
    size: int
    digest: str
    member: str
    members: tuple[Member, ...]
    data_dir: str
    static_pod: bool
    unit: str
    etcdutl: str
    apiserver: str

    def __str__(self) -> str:
        """One line for people."""
        return (
            f"{self.host}:{self.path} (etcd {self.version}, revision {self.revision}, {self.keys} keys, "
            f"{self.size / 1e6:.1f} MB)"
        )

    def details(self) -> dict[str, str]:
        """As an event of the run keeps it; `of` reads it again."""
        return {key: value if isinstance(value, str) else json.dumps(value) for key, value in asdict(self).items()}

    @classmethod
    def of(cls, details: Mapping[str, str]) -> Snapshot:
        """Raises KeyError and ValueError for what `details` did not write."""
        members = tuple(Member(**member) for member in json.loads(details["members"]))
        kept: dict[str, Any] = {field.name: details[field.name] for field in fields(cls)}
        kept |= {name: int(kept[name]) for name in ("hash", "revision", "keys", "size")}
        return cls(**{**kept, "members": members, "static_pod": bool(json.loads(kept["static_pod"]))})
