"""MetalLB's own manifest, of the version that the lab pins."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from k8snet_provision.lab import assets
from k8snet_provision.lab.artifacts import default_cache
from k8snet_provision.lab.programs import Programs
from k8snet_provision.lab.recipes import all_recipes
from k8snet_provision.lab.store import Store


@cache
def manifest() -> bytes:
    recipe = all_recipes(assets.directory(), default_cache(), Programs())["upstream"]
    store = Store(default_cache() / "artifacts", print)
    made = store.obtain(recipe.name, recipe.key, lambda out: recipe.build(out, {}), recipe.seconds)
    return (made / "metallb-native.yaml").read_bytes()


def topology(directory: Path, pool: str = "192.0.2.200-192.0.2.220", more: str = "", data: bytes = b"") -> str:
    """A topology with MetalLB; its manifest is written below `directory`. `more` is YAML below `metallb`."""
    data = data or manifest()
    path = directory / "metallb-native.yaml"
    path.write_bytes(data)
    lines = [
        "service_cidr: 10.254.0.0/16",
        "metallb:",
        f"  manifest: {path}",
        f"  sha256: {hashlib.sha256(data).hexdigest()}",
        f"  pools: [{{addresses: [{pool}]}}]",
        *(f"  {line}" for line in more.splitlines()),
    ]
    return "\n".join(lines)
