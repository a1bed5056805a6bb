"""Where the lab's templates are, and how they become text."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from k8snet_provision import assets


def directory() -> Path:
    """The folder `lab` of the checkout, or the copy that the installed package carries."""
    return assets.directory("lab")


@cache
def _environment() -> Environment:
    loader = FileSystemLoader(directory())
    # Configuration files and scripts, not HTML; the one script quotes with `quote`.
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters["quote"] = lambda value: shlex.quote(str(value))
    return environment


def render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)
