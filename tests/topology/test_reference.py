"""The published schema and the reference page say what the models do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import BaseModel
from ruamel.yaml import YAML

from k8snet_provision.topology.keys import KEYS
from k8snet_provision.topology.model import Topology
from k8snet_provision.topology.observed import HOST_RULES
from k8snet_provision.topology.reference import renewed
from k8snet_provision.topology.rules import RULES
from k8snet_provision.topology.schema import json_schema

from .ways_in import EDGE_HOSTS
from .written import TOPOLOGY, write

PAGE = Path(__file__).parents[2] / "docs/topology.md"


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json_schema())


def test_the_page_is_what_the_models_say() -> None:
    page = PAGE.read_text()
    assert renewed(page) == page, "run python -m k8snet_provision.topology.reference docs/topology.md"


def test_the_page_lists_every_code() -> None:
    package = Path(__file__).parents[2] / "k8snet_provision/topology"
    used = {code for file in package.glob("*.py") for code in re.findall(r'"(K8N\d{3})"', file.read_text())}
    listed = re.findall(r"^\| (K8N\d{3}) ", PAGE.read_text(), re.MULTILINE)
    assert listed == sorted(used)
    assert used >= RULES.keys() | HOST_RULES.keys()


@pytest.mark.parametrize("text", re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_the_examples_of_the_page_have_no_problem(text: str, tmp_path: Path) -> None:
    assert write(tmp_path, text, EDGE_HOSTS).problems() == []
    validator().validate(YAML(typ="safe").load(text))


def fields() -> list[tuple[str, str, dict[str, Any]]]:
    definitions = json_schema()["$defs"]
    return [(name, key, field) for name, part in definitions.items() for key, field in part["properties"].items()]


def test_every_key_is_described_and_has_a_default_or_an_example() -> None:
    for part, key, field in fields():
        assert field.get("description"), (part, key)
        assert field.get("examples") or field.get("default") is not None or "$ref" in str(field), (part, key)


def test_the_schema_is_valid_and_accepts_a_sound_topology() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    validator().validate({**YAML(typ="safe").load(TOPOLOGY), "another_variable": 1})


def test_every_default_is_what_the_schema_itself_accepts() -> None:
    definitions = {"$defs": json_schema()["$defs"]}
    for _, _, field in fields():
        if field.get("default") is not None:
            jsonschema.Draft202012Validator({**definitions, **field}).validate(field["default"])


def test_every_example_of_the_schema_is_accepted_by_the_models() -> None:
    for part, key, field in fields():
        for example in field.get("examples", []):
            for path in (path for path, names in KEYS.items() if _name(path) == part and key in names):
                Topology.model_validate(_nested(path, {key: example}))


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models(argument)]


def _name(path: tuple[str | int, ...]) -> str:
    model: type[BaseModel] = Topology
    for key in path:
        (model,) = _models(model.model_fields[str(key)].annotation)
    return model.__name__


# What a part needs beside the key in question.
NEEDED: dict[tuple[str | int, ...], dict[str, Any]] = {
    (): {"service_cidr": "10.254.0.0/16"},
    ("kube_proxy",): {"mode": "iptables"},
    ("ingress",): {"pattern": "load_balancer"},
    ("ingress", "default_backend"): {"name": "a"},
    ("metallb",): {"manifest": "m.yaml", "sha256": "0" * 64, "pools": [{"addresses": ["192.0.2.200/29"]}]},
    ("metallb", "pools"): {"addresses": ["192.0.2.200/29"]},
    ("edge",): {"vip": "192.0.2.100"},
    ("services",): {"name": "a"},
    ("services", "ports"): {"port": 80},
    ("ingresses",): {"name": "a"},
    ("ingresses", "rules"): {"paths": [{"service": "a"}]},
    ("ingresses", "rules", "paths"): {"service": "a"},
    ("ingresses", "default_backend"): {"service": "a"},
    ("ingresses", "tls"): {"hosts": ["a.example"]},
}
LISTS = {
    ("metallb", "pools"), ("ingress", "tolerations"), ("services",), ("services", "ports"),
    ("ingresses",), ("ingresses", "rules"), ("ingresses", "rules", "paths"), ("ingresses", "tls"),
}  # fmt: skip


def _nested(path: tuple[str | int, ...], value: dict[str, Any]) -> dict[str, Any]:
    for length in range(len(path), 0, -1):
        part = {**NEEDED.get(path[:length], {}), **value}
        value = {str(path[length - 1]): [part] if path[:length] in LISTS else part}
    return {**NEEDED[()], **value}


@pytest.mark.parametrize(
    "wrong",
    ["servce_cidr: 10.0.0.0/8", "dns: {replicas: 0}", "kube_proxy: {mode: x}", "kube_proxy: {}", "node_port_range: 1"],
)
def test_the_schema_refuses_what_an_editor_should_mark(wrong: str) -> None:
    value = YAML(typ="safe").load(f"topology:\n  service_cidr: 10.254.0.0/16\n  {wrong}\n")
    assert not validator().is_valid(value)
