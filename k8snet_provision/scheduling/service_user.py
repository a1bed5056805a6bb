"""The user that the service runs as: made when it is not there, and asked what it can read."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.problems import Origin, Problem, ProblemsFound
from k8snet_provision.scheduling.units import STATE_DIRECTORY

MISUSED = "K8N400"

PROGRAM = (sys.executable, "-m", "k8snet_provision")


def make(name: str) -> bool:
    """Whether it had to be made: a system user that cannot log in. Raises ProblemsFound."""
    try:
        pwd.getpwnam(name)
        return False
    except KeyError:
        pass
    words = ["useradd", "--system", "--user-group", "--home-dir", str(STATE_DIRECTORY), "--no-create-home"]
    try:
        ran = subprocess.run(
            [*words, "--shell", "/usr/sbin/nologin", name], capture_output=True, text=True, timeout=60, check=False
        )
    except OSError as error:
        raise _cannot(f"the user {name} cannot be made: useradd: {error.strerror}") from None
    if ran.returncode != 0:
        raise _cannot(f"the user {name} cannot be made: {ran.stderr.strip()[-300:]}")
    return True


def what_it_cannot_read(name: str, arguments: Sequence[str]) -> list[Problem]:
    """Asks the program itself, run as this user with the same arguments as the service's."""
    user = pwd.getpwnam(name)
    # Nothing of whoever installs: the service has no other environment either.
    environment = {"PATH": os.defpath, "HOME": str(STATE_DIRECTORY), "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ran = subprocess.run(
            [*PROGRAM, "drift", "readable", "--output", "json", *arguments], user=user.pw_uid, group=user.pw_gid,
            extra_groups=os.getgrouplist(name, user.pw_gid), env=environment, cwd="/", capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip
    except OSError as error:
        return [_program(name, error.strerror or str(error))]
    if ran.returncode == 0:
        return []
    try:
        return [_problem(item, name) for item in json.loads(ran.stdout)["problems"]]
    except (ValueError, KeyError, TypeError):
        said = ran.stderr.strip().splitlines()
        return [_program(name, said[-1][-300:] if said else f"exit code {ran.returncode}")]


def _program(name: str, why: str) -> Problem:
    text = f"the user {name} cannot run this program: {why}"
    hint = "install it where every user can read it, e.g. a virtual environment below /opt"
    return Problem(ProblemCode.UNREADABLE, text, Origin(sys.executable), hint=hint)


def _problem(item: Mapping[str, Any], name: str) -> Problem:
    where = item["host"] if "host" in item else Origin(item["file"], item["line"])
    text = str(item["message"]).replace("this user", f"the user {name}")
    if item["code"] == MISUSED:  # typer looks at a path before anybody else does
        text, item = f"the user {name}: {text}", {**item, "hint": ""}
    hint = item["hint"] or f"{name} must be able to read it: chgrp {name}, chmod g+r (directories: g+rx)"
    return Problem(item["code"], text, where, item["found"], item["expected"], hint)


def _cannot(text: str) -> ProblemsFound:
    return ProblemsFound([Problem(ProblemCode.NOT_INSTALLED, text, "command line")])
