"""Reading reports back: files that drift wrote, or what `kubectl logs` prints of the pods of a job."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from k8snet_provision.drift import looks, shards
from k8snet_provision.drift.looks import Looks
from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.drift.report import Report
from k8snet_provision.problems import Origin, Problem, ProblemsFound

STDIN = Path("-")
EXPECTED = "what drift prints with --output json, or writes with --report json=FILE"
MOST = 1 << 30
"""Bytes of one file; a shard of 1,000 hosts in which everything differs has some ten million."""

BEGINS = re.compile(r"^\{", re.MULTILINE)


def read(paths: Iterable[Path]) -> Looks:
    """All that the files hold; each that is damaged is one problem, and hides no other."""
    found = [_read(path) for path in dict.fromkeys(paths)]
    return Looks(
        tuple(report for item in found for report in item.reports),
        tuple(failed for item in found for failed in item.failed),
        tuple(problem for item in found for problem in item.problems),
    )


def _read(path: Path) -> Looks:
    try:
        every = list(_documents(path, _text(path)))
    except ProblemsFound as damaged:
        return Looks(problems=damaged.problems)
    return Looks(
        tuple(report for item in every for report in item.reports),
        tuple(failed for item in every for failed in item.failed),
        tuple(problem for item in every for problem in item.problems),
    )


def _text(path: Path) -> str:
    try:
        data = sys.stdin.buffer.read(MOST + 1) if path == STDIN else _bytes(path)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise _damaged(path, f"cannot be read: {reason}") from None
    if len(data) > MOST:
        raise _damaged(path, "is too large for a report", f"more than {MOST:,} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _damaged(path, "is not UTF-8", f"byte 0x{data[error.start]:02x}", line) from None


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST + 1)


def _documents(path: Path, text: str) -> Iterator[Looks]:
    """What stands between them, as lines of another stream in a pod's log, is nobody's."""
    at, decoder, some = 0, json.JSONDecoder(), False
    while begin := BEGINS.search(text, at):
        line = text.count("\n", 0, begin.start()) + 1
        try:
            value, at = decoder.raw_decode(text, begin.start())
        except (json.JSONDecodeError, RecursionError) as error:
            raise _damaged(path, "holds a report that is cut short or damaged", str(error), line) from None
        some = True
        yield _looks(path, value, line)
    if not some:
        raise _damaged(path, "holds no report", "nothing" if not text.strip() else text.strip()[:60])


def _looks(path: Path, value: Any, line: int) -> Looks:
    try:
        found = looks.from_json({"reports": (), **value} if "problems" in value else value)
        for report in found.reports:
            _check(report)
        return found
    except KeyError as missing:
        raise _damaged(path, "holds something else than a report", f"no {missing}", line) from None
    except (TypeError, AttributeError, ValueError) as wrong:
        raise _damaged(path, "holds something else than a report", str(wrong), line) from None


def _check(report: Report) -> None:
    """What a look at other hosts is reckoned by; raises TypeError or ValueError."""
    if datetime.fromisoformat(report.started).tzinfo is None:
        raise ValueError(f"started {report.started} without its zone")
    if report.shard and not 1 <= report.shard.index <= report.shard.count <= shards.MOST:
        raise ValueError(f"shard {report.shard}")


def _damaged(path: Path, text: str, found: str = "", line: int = 0) -> ProblemsFound:
    name = "standard input" if path == STDIN else str(path)
    hint = "its shard counts as one that never reported"
    return ProblemsFound([Problem(ProblemCode.REPORT_DAMAGED, text, Origin(name, line), found[:200], EXPECTED, hint)])
