"""What Ingresses promise, read from the topology and from live ones."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from k8snet_provision.verification.default_backend import unanswered, unexpected
from k8snet_provision.verification.pages import Page, published, redirected
from k8snet_provision.verification.web import Answer
from tests.topology.written import MANIFEST_TEXT

from .worlds import ingress, way, world

TOPOLOGY = """\
ingress: {pattern: load_balancer, image: "registry.example/nginx:v1.16.0"}
metallb: {manifest: .files/metallb-native.yaml, sha256: @SHA256@, pools: [{addresses: [192.0.2.200-192.0.2.210]}]}
ingresses:
  - name: shop
    namespace: demo
    rules:
      - host: shop.example.com
        paths: [{path: /cart, type: Exact, service: cart}, {path: /, service: shop}]
      - host: "*.example.com"
        paths: [{service: shop}]
    tls: [{hosts: [shop.example.com], secret: shop-tls}]
  - name: foreign
    class_name: other
    rules: [{host: other.example.com, paths: [{service: other}]}]
"""


def topology(*lines: str) -> str:
    return TOPOLOGY.replace("@SHA256@", hashlib.sha256(MANIFEST_TEXT.encode()).hexdigest()) + "\n".join(lines)


LIVE = ingress(
    "live",
    {
        "rules": [
            {"http": {"paths": [{"path": "/v(/|$)(.*)", "pathType": "ImplementationSpecific",
                                 "backend": {"service": {"name": "live"}}}]}},
            {"host": "empty.example.com"},
        ],
        "tls": [{"hosts": ["live.example.com"], "secretName": "live-tls"}, {"hosts": ["bare.example.com"]}],
    },
)  # fmt: skip


def test_the_topologys_ingresses_of_our_class_are_promises(tmp_path: Path) -> None:
    (shop,) = published(world(tmp_path, topology()), way())
    assert [(page.name, page.asked, page.kind, page.service) for page in shop.pages] == [
        ("shop.example.com", "/cart", "Exact", "demo/cart"),
        ("shop.example.com", "/", "Prefix", "demo/shop"),
        ("k8snet-verify.example.com", "/", "Prefix", "demo/shop"),
    ]
    assert [(item.host, item.secret) for item in shop.certified] == [("shop.example.com", "demo/shop-tls")]


def test_live_ones_that_the_topology_does_not_have_are_promises_too(tmp_path: Path) -> None:
    sites = published(world(tmp_path, topology()), way(LIVE, ingress("shop", {})))
    assert [site.name for site in sites] == ["demo/shop", "demo/live"]
    (page,) = sites[1].pages
    assert (page.name, page.asked, str(page)) == ("k8snet-verify.invalid", "/v", "*/v(/|$)(.*)")
    assert [(item.host, item.secret) for item in sites[1].certified] == [
        ("live.example.com", "demo/live-tls"),
        ("bare.example.com", ""),
    ]


@pytest.mark.parametrize(
    ("spec", "annotations", "expected"),
    [
        ({"tls": [{"hosts": ["a.example.com"]}]}, {}, True),
        ({"tls": [{"hosts": ["b.example.com"]}]}, {}, False),
        ({"tls": [{"hosts": ["a.example.com"]}]}, {"nginx.ingress.kubernetes.io/ssl-redirect": "false"}, False),
        ({}, {"nginx.ingress.kubernetes.io/force-ssl-redirect": "true"}, True),
        ({}, {}, False),
    ],
)
def test_a_host_with_a_certificate_leads_to_https(
    tmp_path: Path, spec: dict[str, object], annotations: dict[str, str], expected: bool
) -> None:
    """nginx-configuration/annotations of the controller's documentation: ssl-redirect, force-ssl-redirect."""
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "a"}}}
    rules = {"rules": [{"host": "a.example.com", "http": {"paths": [path]}}]}
    here = world(tmp_path, topology())
    sites = published(here, way(ingress("a", rules | spec, **annotations)))
    assert redirected(here, sites, sites[-1].pages[0]) is expected


OWN_404 = Answer(404, {}, "<html>\r\n<center>nginx</center>\r\n</html>")
PAGE = Page("demo/shop", "shop.example.com", "/", "Prefix", "demo/shop")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (Answer(200, {}, "hello"), ""),
        (Answer(404, {}, "no such article"), ""),
        (Answer(401, {}, ""), ""),
        (OWN_404, "shop.example.com/: found 404 of the controller, expected an answer of demo/shop"),
        (Answer(503, {}, ""), "shop.example.com/: found 503, expected an answer of demo/shop"),
    ],
)
def test_a_services_answer_is_told_from_the_controllers(answer: Answer, fault: str) -> None:
    assert unanswered(answer, PAGE) == fault


def test_what_no_rule_matches_is_the_controllers(tmp_path: Path) -> None:
    here = world(tmp_path, topology())
    assert unexpected(here, (), OWN_404, "x") == ""
    assert unexpected(here, (), Answer(200, {}, ""), "x") == "x: found 200, expected 404 of the controller"


def test_what_no_rule_matches_may_be_a_services(tmp_path: Path) -> None:
    sites = published(world(tmp_path, topology()), way(ingress("all", {"defaultBackend": {"service": {"name": "a"}}})))
    here = world(tmp_path / "other", topology())
    assert unexpected(here, sites, Answer(200, {}, ""), "x") == ""
    assert (
        unexpected(here, sites, OWN_404, "x") == "x: found 404, expected an answer of the default backend of demo/all"
    )
