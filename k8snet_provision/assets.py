"""Finds deploys/, templates/, lab/ and others: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parent


def directory(name: str) -> Path:
    """One of the directories that go with the package; raises FileNotFoundError for a broken installation."""
    for path in (PACKAGE.parent / name, PACKAGE / "_bundled" / name):
        if path.is_dir() and (PACKAGE.parent / "pyproject.toml").is_file() == (path.parent == PACKAGE.parent):
            return path
    raise FileNotFoundError(f"{name}/ is missing: the installation of k8snet-provision is incomplete")


@cache
def deploys() -> ModuleType:
    """The package `deploys`, wherever it stands. It is no top-level package of site-packages, so that no
    other distribution's `deploys` can be taken for ours."""
    path = directory("deploys")
    spec = importlib.util.spec_from_file_location(
        "deploys", path / "__init__.py", submodule_search_locations=[str(path)]
    )
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} is not a package")
    module = importlib.util.module_from_spec(spec)
    sys.modules["deploys"] = module
    spec.loader.exec_module(module)
    return module


def deploy_module(name: str) -> ModuleType:
    deploys()
    return import_module(f"deploys.{name}")
