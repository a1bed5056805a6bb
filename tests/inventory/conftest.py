"""What ansible-inventory prints for every inventory of the case tables, asked once for all tests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.inventory.written import CASES, write

PEER = Path(__file__).with_name("ansible_peer.py")


@pytest.fixture(scope="session")
def inventories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The path of every case's inventory."""
    folder = tmp_path_factory.mktemp("inventories")
    return {name: write(folder / f"case{number:03d}", files) for number, (name, files) in enumerate(CASES.items())}


@pytest.fixture(scope="session")
def ansible(inventories: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What ansible-inventory prints for every case; two processes share the work."""
    answers = ask_ansible([(path, None) for path in inventories.values()], tmp_path_factory.mktemp("ansible"))
    return dict(zip(inventories, answers, strict=True))


def ask_ansible(work: list[tuple[Path, Path | None]], folder: Path) -> list[dict[str, Any]]:
    (folder / "ansible.cfg").touch()
    questions = [[str(path), str(password or "")] for path, password in work]
    halves = [questions[::2], questions[1::2]]
    answers: list[dict[str, Any]] = [{} for _ in questions]
    processes = [_peer(folder, half) for half in halves]
    for offset, process in enumerate(processes):
        out, _ = process.communicate(timeout=120)
        assert out, (folder / "errors").read_text()
        answers[offset::2] = json.loads(out)
    return answers


def _peer(folder: Path, questions: list[list[str]]) -> subprocess.Popen[str]:
    """A running helper with its questions asked; it answers on stdout when it has read them all."""
    environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    asked = folder / f"questions-{len(list(folder.iterdir()))}"
    asked.write_text(json.dumps(questions))
    with asked.open() as questions_file, (folder / "errors").open("a") as errors:
        return subprocess.Popen(
            [sys.executable, PEER],
            cwd=folder,
            env=environment,
            stdin=questions_file,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
