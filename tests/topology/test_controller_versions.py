"""Which holes are open in which release, by the advisories' lists of fixed releases."""

from __future__ import annotations

import pytest

from k8snet_provision.topology.controller_versions import is_upstreams, open_holes, version

NIGHTMARE, FEBRUARY, MARCH = "CVE-2025-1974", "CVE-2026-1580", "CVE-2026-3288"


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("v1.11.0", {NIGHTMARE, FEBRUARY, MARCH}),
        ("v1.11.4", {NIGHTMARE, FEBRUARY, MARCH}),
        ("v1.11.5", {FEBRUARY, MARCH}),
        ("v1.12.0", {NIGHTMARE, FEBRUARY, MARCH}),
        ("v1.12.1-rc.0", {NIGHTMARE, FEBRUARY, MARCH}),
        ("v1.12.1", {FEBRUARY, MARCH}),
        ("v1.13.6", {FEBRUARY, MARCH}),
        ("1.13.7", {MARCH}),
        ("v1.13.8", set()),
        ("v1.14.2", {FEBRUARY, MARCH}),
        ("v1.14.3", {MARCH}),
        ("v1.14.5", set()),
        ("v1.15.1", set()),
        ("v0.51.0", {NIGHTMARE, FEBRUARY, MARCH}),
    ],
)
def test_holes_of_a_release(tag: str, expected: set[str]) -> None:
    release = version(tag)
    assert release is not None
    found = set(open_holes(release))
    assert found & {NIGHTMARE, FEBRUARY, MARCH} == expected
    assert found >= {"CVE-2026-42945", "CVE-2026-42533"}, "open in every release since upstream's retirement"


@pytest.mark.parametrize(
    "tag", ["", "latest", "v1.11", "v1.11.0-fork1", "v1.15.2", "v2.0.0", "controller-v1.11.0", "v1.x.0"]
)
def test_tags_that_say_nothing(tag: str) -> None:
    assert version(tag) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("registry.k8s.io/ingress-nginx/controller", True),
        ("registry.corp:5000/k8s/ingress-nginx/controller-chroot", True),
        ("ingress-nginx/controller", True),
        ("registry.corp/my-ingress-nginx/controller", False),
        ("nginx", False),
    ],
)
def test_whose_image_it_is(name: str, expected: bool) -> None:
    assert is_upstreams(name) is expected
