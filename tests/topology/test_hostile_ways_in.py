"""Values that would do harm in a shell, in nginx, in HAProxy or in YAML: each refused with one short message."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from k8snet_provision.problems import Problem
from k8snet_provision.topology import lint
from k8snet_provision.topology.validation import validate

from .ways_in import WAYS_IN, ways_in

Path_ = tuple[str | int, ...]

NASTY = [
    "a\nb", "a\n", "a\r\nb", "\x00", "\x1b[2J", "\ud800", "$(reboot)", "`reboot`", "; reboot", "x' ; 'y", 'x" {',
    "{{ 1", "%{+Q}", "a b", "../../etc/passwd\n", "--flag\n", "-\x7f", "a;b", "<script>", "x" * 5000, "\u202e", "ﬀ",
]  # fmt: skip

NAMES: list[Path_] = [
    ("ingress", "namespace"), ("ingress", "class_name"), ("ingress", "image"),
    ("ingress", "tolerations", 0, "key"), ("ingress", "tolerations", 0, "value"),
    ("ingress", "resources", "requests", "cpu"), ("ingress", "node_port", "http"), ("ingress", "pattern"),
    ("edge", "vip"), ("edge", "interface"), ("edge", "drain", 0), ("edge", "http_port"),
    ("edge", "advertisement_interval"), ("metallb", "sha256"), ("metallb", "pools", 0, "name"),
    ("metallb", "pools", 0, "addresses", 0), ("metallb", "pools", 0, "interfaces"), ("services", 0, "name"),
    ("services", 0, "namespace"), ("services", 0, "selector", "app"), ("services", 0, "ports", 0, "name"),
    ("services", 0, "ports", 0, "target_port"), ("services", 0, "ports", 0, "app_protocol"),
    ("services", 3, "external_name"), ("services", 4, "endpoints", 0), ("ingresses", 0, "name"),
    ("ingresses", 0, "class_name"), ("ingresses", 0, "rules", 0, "host"),
    ("ingresses", 0, "rules", 0, "paths", 0, "path"),
    ("ingresses", 0, "rules", 0, "paths", 0, "service"), ("ingresses", 0, "rules", 0, "paths", 0, "port"),
    ("ingresses", 0, "tls", 0, "secret"), ("ingresses", 0, "tls", 0, "hosts", 0), ("ingresses", 0, "rewrite_target"),
]  # fmt: skip
KEYED: list[Path_] = [
    ("ingress", "config"), ("ingress", "node_selector"), ("services", 0, "selector"), ("services", 0, "labels"),
    ("services", 0, "annotations"), ("ingresses", 0, "labels"), ("ingresses", 0, "annotations"),
]  # fmt: skip
WRONG_TYPES: list[Any] = [None, True, 1.5, [], {}, [[]], {"a": 1}, b"x", 10**6000]


def tree() -> dict[str, Any]:
    return dict(YAML(typ="safe").load(WAYS_IN)["topology"])


def put(raw: Any, path: Path_, value: Any) -> None:
    *above, last = path
    for key in above:
        raw = raw.setdefault(key, {}) if isinstance(raw, dict) else raw[key]
    raw[last] = value


def refused(path: Path_, value: Any) -> list[Problem]:
    """The problems of a sound tree with one value replaced, which tell that value's place."""
    raw = tree()
    put(raw, path, value)
    found = [Problem(item.code, item.text, "x", item.found, item.expected, item.hint) for item in validate(raw)[1]]
    assert all(str(problem).isprintable() and len(str(problem)) < 700 for problem in found)
    return found


@pytest.mark.parametrize("path", NAMES, ids=lambda path: ".".join(map(str, path)))
def test_a_hostile_name_is_refused_with_one_message(path: Path_) -> None:
    for value in NASTY:
        assert len(refused(path, value)) == 1, ascii(value)[:40]


@pytest.mark.parametrize("path", KEYED, ids=lambda path: ".".join(map(str, path)))
def test_a_hostile_key_is_refused_with_one_message(path: Path_) -> None:
    for key in NASTY:
        assert len(refused((*path, key), "x")) == 1, ascii(key)[:40]
    for value in (True, 1, 1.5):
        (problem,) = refused((*path, "x"), value)
        assert problem.hint.startswith("put it in quotes")


@pytest.mark.parametrize("path", [*NAMES, *KEYED], ids=lambda path: ".".join(map(str, path)))
def test_a_wrong_type_is_a_short_message(path: Path_) -> None:
    for value in WRONG_TYPES:
        refused(path, value)


@pytest.mark.parametrize("value", ["a\x00b", "\x1b[2J", "\ud800", "a\rb", "\u202e"])
@pytest.mark.parametrize(
    "path", [("ingress", "config", "x"), ("services", 0, "annotations", "x"), ("ingress", "switch", "repoint")]
)
def test_text_has_no_control_characters(path: Path_, value: str) -> None:
    assert len(refused(path, [value] if path[-1] == "repoint" else value)) == 1


def test_text_may_have_several_lines_and_every_sign() -> None:
    snippet = "more_set_headers \"X-A: $host\";\nif ($x) { return 403; }\n\t# äöü %{x} `a` 'b'\n"
    for path in (("ingress", "config", "server-snippet"), ("ingresses", 0, "annotations", "a/b")):
        assert refused(path, snippet) == []


@pytest.mark.parametrize("seed", range(5))
def test_several_wrong_values_are_all_reported(seed: int) -> None:
    choose = random.Random(seed)
    raw = tree()
    chosen = choose.sample(NAMES, 6)
    for path in chosen:
        put(raw, path, choose.choice(NASTY))
    assert len(validate(raw)[1]) == 6, chosen


MANY = {
    "services": "".join(
        f"    - name: s{n}\n      selector: {{a: b}}\n      ports: [{{port: 80}}]\n" for n in range(2000)
    ),
    "same services": "    - name: s\n      selector: {a: b}\n      ports: [{port: 80}]\n" * 2000,
}


@pytest.mark.parametrize("services", MANY.values(), ids=MANY.keys())
def test_very_many_services_are_judged_within_seconds(services: str, tmp_path: Path) -> None:
    written = ways_in(tmp_path, ("  services:\n", f"  services:\n{services}"))
    started = time.process_time()
    assert len(lint(written.path)) <= 50
    assert time.process_time() - started < 6


def test_a_thousand_ingresses_are_judged_in_about_a_second(tmp_path: Path) -> None:
    many = "".join(
        f"    - name: i{n}\n      rules: [{{host: h{n}.example.org, paths: [{{service: shop}}]}}]\n"
        f"      tls: [{{hosts: [h{n}.example.org], secret: wildcard}}]\n"
        for n in range(1000)
    )
    written = ways_in(tmp_path, ("  ingresses:\n", f"  ingresses:\n{many}"))
    started = time.process_time()
    assert lint(written.path) == []
    assert time.process_time() - started < 3
