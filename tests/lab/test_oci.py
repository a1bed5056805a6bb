"""The archive against the OCI image specification v1.1, read with tarfile and hashlib alone."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.lab.oci import Directory, File, Image, Link, write_archive

CAP_NET_BIND_SERVICE = bytes.fromhex("0100000200040000000000000000000000000000")
NAME = "registry.example/team/tool:1.2"


def _image(program: Path) -> Image:
    program.write_bytes(b"#!/bin/true\n" * 100)
    entries = (
        File("usr/local/bin/tool", program),
        File("etc/passwd", b"root:x:0:0::/:/bin/sh\n", 0o644),
        File("etc/tool.conf", b"", 0o640, owner=(101, 82)),
        File("usr/sbin/bind", program, capability=10),
        Link("bin", "usr/bin"),
        Directory("tmp", 0o1777),
    )
    return Image(
        NAME, entries, entrypoint=("/usr/local/bin/tool",), command=("serve",), user=(101, 82), directory="/srv"
    )


@pytest.fixture
def blobs(tmp_path: Path) -> dict[str, bytes]:
    """Every member of the archive by name."""
    write_archive(_image(tmp_path / "tool"), tmp_path / "image.tar", "amd64")
    with tarfile.open(tmp_path / "image.tar") as archive:
        return {member.name: _content(archive, member) for member in archive}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()


def _follow(blobs: dict[str, bytes], descriptor: dict[str, Any]) -> bytes:
    algorithm, _, digest = descriptor["digest"].partition(":")
    content = blobs[f"blobs/{algorithm}/{digest}"]
    assert hashlib.new(algorithm, content).hexdigest() == digest
    assert len(content) == descriptor["size"]
    return content


def _parts(blobs: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    manifest = json.loads(_follow(blobs, json.loads(blobs["index.json"])["manifests"][0]))
    [layer] = manifest["layers"]
    return manifest, json.loads(_follow(blobs, manifest["config"])), _follow(blobs, layer)


def test_the_layout_says_its_version(blobs: dict[str, bytes]) -> None:
    assert json.loads(blobs["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}


def test_the_index_names_the_image(blobs: dict[str, bytes]) -> None:
    index = json.loads(blobs["index.json"])
    [manifest] = index["manifests"]
    assert index["schemaVersion"] == 2
    assert manifest["annotations"]["io.containerd.image.name"] == NAME
    assert manifest["annotations"]["org.opencontainers.image.ref.name"] == "1.2"
    assert manifest["platform"] == {"architecture": "amd64", "os": "linux"}


def test_every_blob_is_reached_and_no_other_is_there(blobs: dict[str, bytes]) -> None:
    _parts(blobs)
    assert len(blobs) == 2 + 3


def test_media_types_are_those_of_the_specification(blobs: dict[str, bytes]) -> None:
    manifest, _, _ = _parts(blobs)
    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json"
    assert manifest["layers"][0]["mediaType"] == "application/vnd.oci.image.layer.v1.tar"


def test_the_config_agrees_with_the_layer_and_the_image(blobs: dict[str, bytes]) -> None:
    _, config, layer = _parts(blobs)
    assert config["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]}
    assert config["config"]["Entrypoint"] == ["/usr/local/bin/tool"]
    assert config["config"]["Cmd"] == ["serve"]
    assert (config["config"]["User"], config["config"]["WorkingDir"]) == ("101:82", "/srv")


def test_the_layer_holds_the_entries_with_their_parents(blobs: dict[str, bytes]) -> None:
    with tarfile.open(fileobj=io.BytesIO(_parts(blobs)[2])) as layer:
        members = {member.name: member for member in layer}
        assert list(members) == [
            "bin",
            "etc",
            "etc/passwd",
            "etc/tool.conf",
            "tmp",
            "usr",
            "usr/local",
            "usr/local/bin",
            "usr/local/bin/tool",
            "usr/sbin",
            "usr/sbin/bind",
        ]
        assert members["bin"].issym()
        assert members["bin"].linkname == "usr/bin"
        assert (members["tmp"].isdir(), members["tmp"].mode) == (True, 0o1777)
        assert (members["usr"].isdir(), members["usr"].mode) == (True, 0o755)
        assert members["usr/local/bin/tool"].mode == 0o755
        assert _content(layer, members["usr/local/bin/tool"]) == b"#!/bin/true\n" * 100
        assert {member.mtime for member in members.values()} == {0}
        owned = {name: (member.uid, member.gid) for name, member in members.items() if member.uid or member.gid}
        assert owned == {"etc/tool.conf": (101, 82)}


def test_a_capability_is_an_extended_attribute_of_the_file(tmp_path: Path) -> None:
    """What `setcap cap_net_bind_service=ep` writes: linux/capability.h, struct vfs_cap_data, little-endian."""
    write_archive(_image(tmp_path / "tool"), tmp_path / "image.tar", "amd64")
    with tarfile.open(tmp_path / "image.tar") as archive:
        layer = max((member for member in archive), key=lambda member: member.size)
        (tmp_path / "layer.tar").write_bytes(_content(archive, layer))
    with tarfile.open(tmp_path / "layer.tar") as files:
        headers = {member.name: member.pax_headers for member in files if member.pax_headers}
    assert headers == {"usr/sbin/bind": {"SCHILY.xattr.security.capability": CAP_NET_BIND_SERVICE.decode()}}


def test_the_same_image_is_the_same_bytes(tmp_path: Path) -> None:
    image = _image(tmp_path / "tool")
    for name in ("one.tar", "two.tar"):
        write_archive(image, tmp_path / name, "amd64")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()


def test_tar_itself_can_list_the_archive(tmp_path: Path) -> None:
    write_archive(_image(tmp_path / "tool"), tmp_path / "image.tar", "amd64")
    listed = subprocess.run(
        ["tar", "tf", tmp_path / "image.tar"], capture_output=True, text=True, check=True, timeout=10
    )
    assert listed.stdout.splitlines()[:2] == ["oci-layout", "index.json"]
