"""OCI image archives written without a container engine: one uncompressed layer, byte for byte reproducible.

The layout is that of the OCI image specification v1.1 (image-layout.md, manifest.md, config.md, layer.md);
containerd takes the image's full name from the annotation io.containerd.image.name.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

_OCI = "application/vnd.oci.image"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Extended attributes of a file in a layer, by the attribute's name (layer.md); bytes as they are in the kernel.
_ATTRIBUTE = "SCHILY.xattr."
# struct vfs_ns_cap_data without the namespace, linux/capability.h: version 2, effective; permitted and
# inheritable capabilities, the lower 32 of both, then the upper.
_CAPABILITIES, _EFFECTIVE = "<IIIII", 0x02000000 | 1

Owner = tuple[int, int]  # user and group
ROOT: Owner = (0, 0)


@dataclass(frozen=True)
class File:
    """A file at `path` (relative to the image's root), with the bytes given or those of a file of the machine."""

    path: str
    content: Path | bytes
    mode: int = 0o755
    owner: Owner = ROOT
    capability: int | None = None  # a number of linux/capability.h that whoever runs the file may use


@dataclass(frozen=True)
class Link:
    """A symbolic link at `path`."""

    path: str
    target: str
    owner: Owner = ROOT


@dataclass(frozen=True)
class Directory:
    """A directory at `path`; only those need naming that are empty or have another mode or owner than root's 0755."""

    path: str
    mode: int = 0o755
    owner: Owner = ROOT


Entry = File | Link | Directory


@dataclass(frozen=True)
class Image:
    """What an image is named, what is in it, and what a container of it runs unless told otherwise."""

    name: str
    entries: tuple[Entry, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: Owner = ROOT
    directory: str = "/"


def write_archive(image: Image, out: Path, architecture: str) -> None:
    """Write `image` to `out` as a tar of an OCI image layout. `architecture` is Go's name, such as amd64."""
    with tempfile.TemporaryFile(dir=out.parent) as layer, tarfile.open(out, "w") as archive:
        _write_layer(image.entries, layer)
        layer_blob = _described(f"{_OCI}.layer.v1.tar", layer)
        config = _json(_config(image, architecture, layer_blob["digest"]))
        config_blob = _described(f"{_OCI}.config.v1+json", config)
        manifest = _json(_manifest(config_blob, layer_blob))
        manifest_blob = _described(f"{_OCI}.manifest.v1+json", manifest)
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
        _add(archive, "index.json", _json(_index(image.name, architecture, manifest_blob)))
        for blob, content in ((config_blob, config), (manifest_blob, manifest), (layer_blob, layer)):
            _add(archive, f"blobs/{blob['digest'].replace(':', '/')}", content)


def _config(image: Image, architecture: str, layer_digest: str) -> dict[str, Any]:
    run: dict[str, Any] = {"Env": [_PATH], "WorkingDir": image.directory}
    if image.user != ROOT:
        run["User"] = "{}:{}".format(*image.user)
    if image.entrypoint:
        run["Entrypoint"] = image.entrypoint
    if image.command:
        run["Cmd"] = image.command
    rootfs = {"type": "layers", "diff_ids": [layer_digest]}
    return {"architecture": architecture, "os": "linux", "config": run, "rootfs": rootfs}


def _manifest(config: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": f"{_OCI}.manifest.v1+json", "config": config, "layers": [layer]}


def _index(name: str, architecture: str, manifest: dict[str, Any]) -> dict[str, Any]:
    annotations = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    platform = {"architecture": architecture, "os": "linux"}
    described = manifest | {"platform": platform, "annotations": annotations}
    return {"schemaVersion": 2, "mediaType": f"{_OCI}.index.v1+json", "manifests": [described]}


def _json(value: dict[str, Any]) -> IO[bytes]:
    return io.BytesIO(json.dumps(value, sort_keys=True).encode())


def _described(media_type: str, content: IO[bytes]) -> dict[str, Any]:
    """The content descriptor of a blob (descriptor.md)."""
    content.seek(0)
    digest = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]  # IO has readinto here
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": content.seek(0, io.SEEK_END)}


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = content.seek(0, io.SEEK_END)
    content.seek(0)
    archive.addfile(member, content)


def _write_layer(entries: Iterable[Entry], out: IO[bytes]) -> None:
    named = {entry.path: entry for entry in _with_parents(entries)}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as layer:
        for path in sorted(named):
            _write_entry(layer, named[path])


def _with_parents(entries: Iterable[Entry]) -> Iterable[Entry]:
    """Every parent directory first, so that an entry naming the same directory with its own mode wins."""
    kept = tuple(entries)
    for entry in kept:
        yield from (Directory(str(parent)) for parent in PurePosixPath(entry.path).parents if parent.name)
    yield from kept


def _write_entry(layer: tarfile.TarFile, entry: Entry) -> None:
    member = tarfile.TarInfo(entry.path)
    member.uid, member.gid = entry.owner
    match entry:
        case Link(target=target):
            member.type, member.linkname, member.mode = tarfile.SYMTYPE, target, 0o777
            layer.addfile(member)
        case Directory(mode=mode):
            member.type, member.mode = tarfile.DIRTYPE, mode
            layer.addfile(member)
        case File(content=content, mode=mode, capability=capability):
            member.mode = mode
            if capability is not None:
                member.pax_headers = {f"{_ATTRIBUTE}security.capability": _capabilities(capability)}
            with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as source:
                member.size = source.seek(0, io.SEEK_END)
                source.seek(0)
                layer.addfile(member, source)


def _capabilities(capability: int) -> str:
    """The attribute's bytes as text; one of the first 32, and none that tar would write as another byte."""
    value = struct.pack(_CAPABILITIES, _EFFECTIVE, 1 << capability, 0, 0, 0)
    return value.decode("ascii")
