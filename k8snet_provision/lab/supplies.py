"""What a lab lays beside its inventory for the topology to name: MetalLB's manifest, and certificates.

INVENTORY/.lab/metallb-native.yaml
INVENTORY/.lab/tls/      ca.crt; app.crt, app.key, shop.crt and shop.key for app.lab.test and shop.lab.test
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from k8snet_provision.lab import certificates
from k8snet_provision.lab.settings import Lab

DIRECTORY = ".lab"


def metallb_manifest(lab: Lab) -> Path:
    return lab.inventory / DIRECTORY / "metallb-native.yaml"


def put_manifest(lab: Lab, manifest: Path) -> None:
    """Copy MetalLB's manifest from the artifacts, in place of an older one."""
    _write(metallb_manifest(lab), manifest.read_bytes(), 0o644)


def renew_certificates(lab: Lab) -> None:
    """Make the certificates that are missing or near their end; keep them otherwise."""
    directory, now = lab.inventory / DIRECTORY / "tls", datetime.now(UTC).replace(microsecond=0)
    if certificates.expiring(directory, now):
        for name, content in certificates.make(lab.name, now).items():
            _write(directory / name, content, 0o600 if name.endswith(".key") else 0o644)


def _write(file: Path, content: bytes, mode: int) -> None:
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    staged = file.with_name(f".{file.name}.new")
    staged.touch(mode=mode)
    staged.chmod(mode)
    staged.write_bytes(content)
    staged.replace(file)


def forget(lab: Lab) -> None:
    shutil.rmtree(lab.inventory / DIRECTORY, ignore_errors=True)
