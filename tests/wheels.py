"""A wheel of the checkout, and the program it installs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.hosts.labs import ROOT
from tests.program import Ran


def build(folder: Path) -> Path:
    """The wheel's file."""
    built = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(built, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (path,) = folder.glob("*.whl")
    return path


def install(wheel: Path, folder: Path) -> Path:
    """The program in an empty environment, with the requirements that the wheel itself names and no others."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True, timeout=120)
    pip = [str(folder / "venv" / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
    (folder / "constraints.txt").write_text("".join(f"{line}\n" for line in locked()))
    subprocess.run([*pip, "--constraint", str(folder / "constraints.txt"), str(wheel)], check=True, timeout=600)
    return folder / "venv" / "bin" / "k8snet-provision"


def locked() -> list[str]:
    """NAME==VERSION of everything the project is tested with."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line.removesuffix("\\").strip() for line in lines if "==" in line]


def run(program: Path, *arguments: str, cwd: Path) -> Ran:
    """With nothing in the environment that leads back to the checkout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(program), *arguments], cwd=cwd, env=clean, capture_output=True, text=True, timeout=300, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)
