"""docs/drift.md, section What it finds: every code has its row, and no row is of a code that there is not."""

from __future__ import annotations

import re
from pathlib import Path

from k8snet_provision.drift import Code
from k8snet_provision.looking import OBSERVATION_TIMEOUT
from k8snet_provision.resources.file import LARGEST

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "drift.md").read_text()
SECTION = PAGE.partition("## What it finds\n")[2].partition("\n## ")[0]


def test_every_code_has_a_row_of_its_own_in_order() -> None:
    assert re.findall(r"^\| `(K8N\d+)` \|", SECTION, re.MULTILINE) == sorted(Code)


def test_the_figures_are_those_of_the_program() -> None:
    assert f"after {OBSERVATION_TIMEOUT:.0f} seconds" in SECTION
    assert f"more than {LARGEST // 2**20} MiB" in SECTION
