"""--report KIND=FILE: which form goes to which file. Judged before a host is asked, written once all were."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision import whole_file
from k8snet_provision.drift.looks import Looks
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.problems import Origin, Problem, ProblemsFound
from k8snet_provision.reports.drift.forms import FORMS

OPTION = "--report"


@dataclass(frozen=True)
class Target:
    form: str
    path: Path


def targets(asked: Sequence[str]) -> tuple[Target, ...]:
    """Raises ProblemsFound with everything that is wrong with any of them."""
    read = [_target(word) for word in asked]
    good = [found for found in read if isinstance(found, Target)]
    problems = [found for found in read if isinstance(found, Problem)]
    problems += [*_no_place(good), *_twice(good)]
    if problems:
        raise ProblemsFound(problems)
    return tuple(good)


def write(wanted: Sequence[Target], looks: Looks) -> list[Problem]:
    """Every target that can be written is; the others are told."""
    return [problem for target in wanted if (problem := _write(target, looks))]


def _write(target: Target, looks: Looks) -> Problem | None:
    form = FORMS[target.form]
    try:
        whole_file.write(target.path, form.text(looks).encode(), form.mode)
    except OSError as error:
        text = f"the {target.form} report cannot be written: {error.strerror or error}"
        hint = "the other reports, and what is printed, are whole"
        return Problem(ProblemCode.REPORT_NOT_WRITTEN, text, Origin(str(target.path)), hint=hint)
    return None


def _target(word: str) -> Target | Problem:
    form, given, file = word.partition("=")
    if not given or not file or form not in FORMS:
        text = f"{OPTION} names no form of a report" if given and file else f"{OPTION} is not KIND=FILE"
        return Problem(
            ProblemCode.NO_SUCH_FORM, text, OPTION, word, f"{', '.join(FORMS)}, then =FILE", "json=drift.json"
        )
    return Target(form, Path(file))


def _no_place(wanted: Sequence[Target]) -> Iterator[Problem]:
    for target in wanted:
        if why := _why_not(target.path):
            yield Problem(
                ProblemCode.NO_PLACE, f"the {target.form} report {why[0]}", Origin(str(target.path)), hint=why[1]
            )


def _why_not(path: Path) -> tuple[str, str] | None:
    """Why no file can be put there, and what to do about it. Only a file is ever replaced, never a device or a link."""
    folder = path.parent
    if not folder.is_dir():
        return "cannot be written: its directory is not there", f"mkdir -p {folder}"
    if path.is_symlink() or (path.exists() and not path.is_file()):
        kind = "a link" if path.is_symlink() else "a directory" if path.is_dir() else "what is no file"
        return f"would replace {kind}", "name a file, which may be there already or not"
    if not os.access(folder, os.W_OK | os.X_OK):
        return "cannot be written: no permission to make a file in its directory", "choose a directory of your own"
    return None


def _twice(wanted: Sequence[Target]) -> Iterator[Problem]:
    first: dict[Path, Target] = {}
    for target in wanted:
        before = first.setdefault(target.path.parent.resolve() / target.path.name, target)
        if before is not target:
            text = f"the {target.form} report would take the place of the {before.form} report"
            yield Problem(
                ProblemCode.TWO_IN_ONE_PLACE, text, Origin(str(target.path)), hint="give each a file of its own"
            )
