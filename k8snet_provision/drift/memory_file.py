"""What drift keeps between looks, on the operator's machine: one file an inventory, replaced as a whole.

A look that cannot be remembered is told all the same; the reason stands among its notices.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from k8snet_provision import whole_file
from k8snet_provision.drift import memory as model
from k8snet_provision.drift.looks import Failed
from k8snet_provision.drift.memory import Memory
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.drift.report import Report
from k8snet_provision.problems import Origin, Problem, Severity

PATIENCE = 5.0
"""Seconds to wait for another drift of the same inventory; to read and write the file takes milliseconds."""

LARGEST = 64 * 1024 * 1024

ASIDE = ".damaged"
"""Ends the name of a file that could not be read; the next damaged one takes its place."""


def directory(given: Path | None = None) -> Path:
    """`given` (--state), systemd's $STATE_DIRECTORY, or $XDG_STATE_HOME/k8snet-provision/drift."""
    if given:
        return given
    if systemds := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(systemds)
    home = os.environ.get("XDG_STATE_HOME", "")
    state = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "state"
    return state / "k8snet-provision" / "drift"


def path(place: Path, inventory: Path) -> Path:
    """The file of an inventory: its name for people, a digest of where it is for the rest.

    A link is not followed: what it leads to has another name whenever it is renewed, as in the volume of a ConfigMap.
    """
    named = os.path.abspath(inventory)  # noqa: PTH100 - resolve() follows links
    whole = os.fsencode(named)
    name = re.sub(r"[^A-Za-z0-9._-]", "_", Path(named).name)[:60]
    return place / f"{name}-{hashlib.sha256(whole).hexdigest()[:12]}.json"


def recall(place: Path, inventory: Path) -> tuple[Memory, Problem | None]:
    """What is known of an inventory; where the file cannot be read: nothing, and why. Writes nothing."""
    file = path(place, inventory)
    try:
        return _read(file), None
    except FileNotFoundError:
        return Memory(), None
    except OSError as error:
        return Memory(), _problem(ProblemCode.MEMORY_NOT_KEPT, file, f"cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Memory(), _problem(ProblemCode.MEMORY_DAMAGED, file, "holds no memory of drift", f"{error}"[:200])


def remember(report: Report, place: Path, part: str = "") -> Report:
    """The report with the times at which its findings were first seen; the look is part of what is kept then."""
    dated: list[Report] = []

    def learn(memory: Memory) -> Memory:
        dated.append(model.told(report, memory, part))
        return model.after(dated[-1], memory, part)

    problems = _update(place, Path(report.inventory), learn)
    return replace(dated[-1], notices=(*report.notices, *map(str, problems)))


def remember_failures(failed: Iterable[Failed], place: Path, part: str = "") -> list[Problem]:
    """Keeps which inventories could not be looked at; what was known of them stays. A name that is none is no look."""
    return [
        problem
        for item in failed
        if Path(item.inventory).exists()
        for problem in _update(place, Path(item.inventory), partial(_failed, item, part))
    ]


def _failed(item: Failed, part: str, memory: Memory) -> Memory:
    why = str(item.problems[0]) if item.problems else ""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return model.after_failure(memory, now, why, part)


def _update(place: Path, inventory: Path, learn: Callable[[Memory], Memory]) -> list[Problem]:
    """Reads, learns, writes, as one of several drifts at once. `learn` is called at least once."""
    file = path(place, inventory)
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(file.with_suffix(".lock")) as alone:
            memory, problem = recall(place, inventory)
            known = learn(memory)
            problems = [problem] if problem else []
            if not alone:
                text = "another drift of this inventory has it in use: this look is not remembered"
                return [*problems, _problem(ProblemCode.MEMORY_NOT_KEPT, file, text)]
            if problem and problem.code == ProblemCode.MEMORY_NOT_KEPT:
                return problems  # what could not be read is not written over
            if problem:
                aside = file.with_name(file.name + ASIDE)
                file.replace(aside)
                problems = [replace(problem, hint=f'it is {aside.name} now; "since" begins anew')]
            try:
                whole_file.write(file, json.dumps(model.to_json(known)).encode(), 0o600)
            except OSError as error:
                problems.append(_not_written(file, error))
            return problems
    except OSError as error:
        learn(recall(place, inventory)[0])
        return [_not_written(file, error)]


@contextmanager
def _alone(lock: Path) -> Iterator[bool]:
    """Whether nobody else is at it now; waits for a moment. The lock ends with the process, however it ends."""
    with os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "w") as file:
        ends = time.monotonic() + PATIENCE
        while not (taken := _taken(file.fileno())) and time.monotonic() < ends:
            time.sleep(0.05)
        yield taken


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: Path) -> Memory:
    with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as opened:
        data = opened.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"larger than {LARGEST:,} bytes")
    return model.from_json(json.loads(data))


def _not_written(file: Path, error: OSError) -> Problem:
    hint = 'make it writable, or name another directory with --state; until then no "since" is kept'
    return _problem(ProblemCode.MEMORY_NOT_KEPT, file, f"cannot be written: {error.strerror}", hint=hint)


def _problem(code: ProblemCode, file: Path, text: str, found: str = "", hint: str = "") -> Problem:
    return Problem(code, text, Origin(str(file)), found, hint=hint, severity=Severity.WARNING)
