"""The release manifest's bytes: from a file beside the inventory, or from an https URL, kept once it was fetched.

The checksum of the topology is checked at every use, whatever the place.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.metallb import Metallb

NOT_THE_ONE = "K8N174"
"""The code by which lint tells of a file; here also of what was fetched."""

LARGEST = 2 * 1024 * 1024
"""Bytes; MetalLB 0.16's manifest has 90 KB, and a List of more than 3 MB is no API server's meal."""

TIMEOUT = 20.0
"""Seconds for each wait of a download: to connect, and between two parts of it."""


def is_url(metallb: Metallb) -> bool:
    return metallb.manifest.startswith("https://")


def is_here(metallb: Metallb) -> bool:
    """Whether it can be read without fetching it."""
    path = kept(metallb.sha256)
    return not is_url(metallb) or (path.exists() and _sha256(path.read_bytes()) == metallb.sha256)


def fetch(cluster: Cluster) -> None:
    """Makes the manifest of a URL a file of this machine; does nothing where it is one. Raises ProblemsFound."""
    metallb = cluster.topology.metallb
    if metallb is None or is_here(metallb):
        return
    path, data = kept(metallb.sha256), _checked(_download(cluster, metallb.manifest), cluster, metallb)
    try:
        _keep(path, data)
    except OSError as error:
        raise _problem(cluster, "cannot be kept on this machine", f"{path}: {error.strerror}") from None


def read(cluster: Cluster, metallb: Metallb) -> bytes:
    """The manifest, seen to have the checksum of the topology. Raises ProblemsFound; speaks to nobody."""
    path = kept(metallb.sha256) if is_url(metallb) else _beside(cluster.inventory.path, metallb.manifest)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        hint = "it is metallb-native.yaml of a release of MetalLB; a relative path begins at the inventory's directory"
        raise _problem(cluster, "cannot be read", f"{path}: {said}", hint) from None
    return _checked(data, cluster, metallb)


def kept(sha256: str) -> Path:
    """Where a fetched manifest is kept: in the user's cache (XDG base directories)."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "k8snet-provision" / "manifests" / f"{sha256}.yaml"


def _beside(inventory: Path, path: str) -> Path:
    return (inventory if inventory.is_dir() else inventory.parent) / path


class _OnlyHttps(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith("https://"):
            raise urllib.error.URLError("it redirects to a place without https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(cluster: Cluster, url: str) -> bytes:
    opener = urllib.request.build_opener(_OnlyHttps())
    try:
        with opener.open(url, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(LARGEST + 1)
            return data
    except (OSError, ValueError) as error:  # URLError, HTTPError and time-outs are OSErrors
        hint = "fetch it by other means and name the file"
        raise _problem(cluster, "cannot be fetched", f"{url}: {_reason(error)}", hint) from None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answers {error.code} {error.reason}"
    return str(error.reason if isinstance(error, urllib.error.URLError) else error)


def _keep(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        whole = Path(beside) / path.name
        whole.write_bytes(data)
        whole.replace(path)


def _checked(data: bytes, cluster: Cluster, metallb: Metallb) -> bytes:
    if len(data) > LARGEST:
        raise _problem(cluster, "is too large", f"more than {LARGEST} bytes")
    if _sha256(data) != metallb.sha256:
        where, hint = cluster.origin("metallb", "sha256"), "look at what was read before you change the checksum"
        text = f"{metallb.manifest} has another checksum"
        raise ProblemsFound([Problem(NOT_THE_ONE, text, where, _sha256(data), metallb.sha256, hint)])
    return data


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _problem(cluster: Cluster, what: str, found: str, hint: str = "") -> ProblemsFound:
    where = cluster.origin("metallb", "manifest")
    return ProblemsFound([Problem(NOT_THE_ONE, f"the manifest of MetalLB {what}", where, found, hint=hint)])
