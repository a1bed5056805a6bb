"""--extra-vars as Ansible takes them: key=value words, a JSON or YAML mapping, or @file."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from k8snet_provision.problems import Problem, ProblemsFound

CODE = "K8N090"


def extra_vars(arguments: Iterable[str]) -> dict[str, Any]:
    """One mapping of all arguments, later ones winning; raises ProblemsFound with every bad one.

    Values of key=value are strings, as in Ansible: a number or a list is written as JSON.
    """
    merged: dict[str, Any] = {}
    problems = []
    for argument in arguments:
        try:
            merged |= _one(argument)
        except (OSError, ValueError, YAMLError) as error:
            problems.append(_bad(argument, str(error).splitlines()[0]))
    if problems:
        raise ProblemsFound(problems)
    return merged


def _one(argument: str) -> dict[str, Any]:
    if argument.startswith("@"):
        return _mapping(Path(argument[1:]).read_text("utf-8"))
    if argument.lstrip().startswith(("{", "[")):
        return _mapping(argument)
    pairs = [word.partition("=") for word in shlex.split(argument)]
    if not pairs or not all(key and separator for key, separator, _ in pairs):
        raise ValueError("no key=value")
    return {key: value for key, _, value in pairs}


def _mapping(text: str) -> dict[str, Any]:
    value = YAML(typ="safe", pure=True).load(text)
    if not isinstance(value, dict):
        raise ValueError("not a mapping")
    return value


def _bad(argument: str, why: str) -> Problem:
    return Problem(
        CODE,
        "--extra-vars cannot be read",
        "command line",
        found=f"{argument[:100]!r}: {why}",
        expected="key=value, a JSON or YAML mapping, or @file",
    )
