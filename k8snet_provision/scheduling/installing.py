"""Puts the units of a schedule on this machine, or takes them away; does nothing twice."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from k8snet_provision import whole_file
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.problems import Origin, Problem, ProblemsFound
from k8snet_provision.scheduling import units
from k8snet_provision.scheduling.units import PREFIX, Schedule

DIRECTORY = Path("/etc/systemd/system")
BOOTED = Path("/run/systemd/system")
"""There is such a directory where systemd is the init process: sd_booted(3)."""


def refuse_elsewhere() -> None:
    """Raises ProblemsFound where units cannot be installed."""
    problems = []
    if not BOOTED.is_dir():
        text = "systemd does not run on this machine"
        problems.append(_problem(text, hint="run drift from cron, or in the cluster itself: docs/drift.md, Install"))
    if os.geteuid() != 0:
        problems.append(_problem("only root installs units", hint="run it with sudo"))
    if problems:
        raise ProblemsFound(problems)


def refuse_another(schedule: Schedule) -> None:
    """Raises ProblemsFound where a unit of this name looks at another inventory, or is not ours."""
    file = DIRECTORY / schedule.service
    if not file.exists():
        return
    found = units.installed(file.read_text(errors="replace"))
    if found is None or found[0] != schedule.inventory:
        what = f"looks at {found[0]}" if found else "was not written by drift install"
        where, hint = Origin(str(file)), "give this one another name: --name NAME"
        raise ProblemsFound([Problem(ProblemCode.NOT_INSTALLED, f"is there already and {what}", where, hint=hint)])


def install(schedule: Schedule) -> bool:
    """Whether anything had to be changed. Raises ProblemsFound; units that systemd finds fault with are not kept."""
    texts = units.texts(schedule)
    there = {name: _text(DIRECTORY / name) for name in texts}
    _verify(texts)
    changed = not units.same(texts, there)
    if changed:
        try:
            for name, text in texts.items():
                whole_file.write(DIRECTORY / name, text.encode(), 0o644)
        except OSError as error:
            raise ProblemsFound([_problem(f"units cannot be written: {error.strerror}", str(DIRECTORY))]) from None
        _systemctl("daemon-reload")
    enabled = _systemctl("is-enabled", schedule.timer, check=False) == "enabled"
    active = _systemctl("is-active", schedule.timer, check=False) == "active"
    if not (enabled and active):
        _systemctl("enable", "--now", schedule.timer)
    elif changed:
        _systemctl("restart", schedule.timer)
    return changed or not (enabled and active)


def uninstall(schedule: Schedule) -> bool:
    """Whether there was anything to take away. What drift remembers stays, and so does its user."""
    names = [name for name in (schedule.timer, schedule.service) if (DIRECTORY / name).exists()]
    if schedule.timer in names:
        _systemctl("disable", "--now", schedule.timer)
    for name in names:
        (DIRECTORY / name).unlink()
    if names:
        _systemctl("daemon-reload")
        _systemctl("reset-failed", schedule.service, check=False)
    return bool(names)


def all_installed() -> Iterable[tuple[str, Path, int]]:
    """Name, inventory and interval of every schedule on this machine."""
    for file in sorted(DIRECTORY.glob(f"{PREFIX}*.service")):
        if found := units.installed(_text(file) or ""):
            yield (file.name.removeprefix(PREFIX).removesuffix(".service"), *found)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return None


def _verify(texts: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            Path(folder, name).write_text(text)
        command = ["systemd-analyze", "verify", "--man=no", *(f"{folder}/{name}" for name in texts)]
        ran = _run(command)
        if ran.returncode != 0 or ran.stderr.strip():
            said = ran.stderr.strip().replace(f"{folder}/", "")[-500:]
            raise ProblemsFound([_problem("systemd finds fault with the units", said)])


def _systemctl(*words: str, check: bool = True) -> str:
    ran = _run(["systemctl", "--no-ask-password", *words])
    if check and ran.returncode != 0:
        said = (ran.stderr or ran.stdout).strip()[-500:]
        raise ProblemsFound([_problem(f"systemctl {' '.join(words)} failed", said)])
    return ran.stdout.strip()


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProblemsFound([_problem(f"{command[0]} gives no answer", str(error)[:300])]) from None


def _problem(text: str, found: str = "", hint: str = "") -> Problem:
    return Problem(ProblemCode.NOT_INSTALLED, text, "this machine", found, hint=hint)
