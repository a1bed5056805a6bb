"""Image names: mirrors, tags and digests, and names that are none."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from k8snet_provision.topology.images import Images, resolve

COREDNS = "registry.k8s.io/coredns/coredns"
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


@pytest.mark.parametrize(
    ("images", "image", "expected"),
    [
        ({}, f"{COREDNS}:v1", f"{COREDNS}:v1"),
        ({}, "nginx", "nginx"),
        ({"mirrors": {"registry.k8s.io": "r.corp:5000/k8s"}}, f"{COREDNS}:v1", "r.corp:5000/k8s/coredns/coredns:v1"),
        ({"mirrors": {"registry.k8s.io": "a", "registry.k8s.io/coredns": "b"}}, f"{COREDNS}:v1", "b/coredns:v1"),
        ({"mirrors": {"registry.k8s.io/core": "b"}}, f"{COREDNS}:v1", f"{COREDNS}:v1"),
        ({"mirrors": {COREDNS: "b/c"}}, f"{COREDNS}:v1@{OLD}", f"b/c:v1@{OLD}"),
        ({"mirrors": {"docker.io": "m"}}, "nginx:1", "m/library/nginx:1"),
        ({"mirrors": {"docker.io": "m"}}, "grafana/grafana", "m/grafana/grafana"),
        ({"mirrors": {"docker.io": "m"}}, "localhost/x:1", "localhost/x:1"),
        ({"mirrors": {"r.corp:5000": "m"}}, "r.corp:5000/x:1", "m/x:1"),
        ({"tags": {COREDNS: "v2"}}, f"{COREDNS}:v1", f"{COREDNS}:v2"),
        ({"tags": {COREDNS: "v2"}}, COREDNS, f"{COREDNS}:v2"),
        ({"tags": {COREDNS: "v2"}}, f"{COREDNS}:v1@{OLD}", f"{COREDNS}:v2"),
        ({"tags": {"docker.io/library/nginx": "2"}}, "nginx:1", "nginx:2"),
        ({"digests": {COREDNS: NEW}}, f"{COREDNS}:v1@{OLD}", f"{COREDNS}:v1@{NEW}"),
        ({"digests": {f"{COREDNS}:v1": OLD, COREDNS: NEW}}, f"{COREDNS}:v1", f"{COREDNS}:v1@{OLD}"),
        ({"digests": {f"{COREDNS}:v2": NEW}, "tags": {COREDNS: "v2"}, "mirrors": {"registry.k8s.io": "m"}},
         f"{COREDNS}:v1", f"m/coredns/coredns:v2@{NEW}"),
    ],
)  # fmt: skip
def test_resolve(images: dict[str, Any], image: str, expected: str) -> None:
    assert resolve(Images.model_validate(images), image) == expected


@pytest.mark.parametrize(
    "images",
    [
        {"mirrors": {"registry.k8s.io": "https://m"}},
        {"mirrors": {"registry.k8s.io/": "m"}},
        {"mirrors": {"": "m"}},
        {"tags": {COREDNS: "-x"}},
        {"tags": {COREDNS: "v1\n"}},
        {"tags": {COREDNS: 1.36}},
        {"tags": {"Registry/UPPER": "v1"}},
        {"digests": {COREDNS: "sha256:abc"}},
        {"digests": {f"{COREDNS}; reboot": NEW}},
    ],
)
def test_what_is_no_image_name_is_refused(images: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Images.model_validate(images)
