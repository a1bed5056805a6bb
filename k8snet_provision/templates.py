"""Jinja2 with StrictUndefined over templates/, and manifests from what it renders. In HTML, values are escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from ruamel.yaml import YAML

from k8snet_provision import assets
from k8snet_provision.resources.kube_object import Manifest


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(assets.directory("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=select_autoescape(("html.j2",), default=False),
    )


def render(template: str, **values: Any) -> str:
    """The text of templates/`template`; raises jinja2.UndefinedError for a value that was not given."""
    return _environment().get_template(template).render(**values)


def manifests(template: str, **values: Any) -> list[Manifest]:
    """The Kubernetes objects of a template of several YAML documents."""
    documents = YAML(typ="safe", pure=True).load_all(render(template, **values))
    return [document for document in documents if document]
