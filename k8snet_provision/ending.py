"""How a command ends: whatever goes wrong is one message and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from rich.console import Console
from typer.exceptions import Abort, TyperException

from k8snet_provision.exits import Exit
from k8snet_provision.plan import problem_to_json
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.reports import console

PROGRAM = "k8snet-provision"
WHERE = "command line"
MISUSED = "K8N400"
STOPPED = "K8N403"
INTERNAL = "K8N999"

TRACEBACK = "K8SNET_TRACEBACK"
"""Environment variable; with any value, an internal error shows where it happened."""

INTERRUPTED = 130
"""What typer makes of Ctrl-C, as a shell does."""


def misuse(text: str, found: str = "", hint: str = "") -> ProblemsFound:
    """To raise where the words on the command line make no sense together."""
    return ProblemsFound([Problem(MISUSED, text, WHERE, found, hint=hint)])


def run(app: Callable[..., Any], arguments: Sequence[str]) -> int:
    """Runs the command and returns its exit code. Only 2 ever means "differs": a misused command ends with 1."""
    told = TRACEBACK in os.environ
    if not told:
        gevent.get_hub().exception_stream = None  # a greenlet's exception is raised again where it is waited for
    try:
        code = app(arguments, prog_name=PROGRAM, standalone_mode=False) or Exit.SAME
        sys.stdout.flush()
    except ProblemsFound as found:
        return _failed(found.problems, arguments)
    except Abort:
        return _failed([_INTERRUPTED], arguments)
    except TyperException as misused:
        return _failed(_misused(misused), arguments)
    except BrokenPipeError:
        return _unread()
    except Exception as error:
        if told:
            traceback.print_exc()
        return _failed([_internal(error)], arguments)
    if code == INTERRUPTED:
        return _failed([_INTERRUPTED], arguments)
    return int(code)


_INTERRUPTED = Problem(
    STOPPED,
    "interrupted",
    WHERE,
    hint="run the same command again: what was done is recognised, the rest is done then",
)


def _failed(problems: Sequence[Problem], arguments: Sequence[str]) -> int:
    if _wants_json(arguments):
        print(json.dumps({"problems": [problem_to_json(problem) for problem in problems]}, indent=2))
    console.show_problems(Console(stderr=True, highlight=False), problems)
    return Exit.FAILED


def _wants_json(arguments: Sequence[str]) -> bool:
    """Asked of the words themselves, because they may be what cannot be understood."""
    pairs = zip(("", *arguments), arguments, strict=False)
    return any(
        word in ("--output=json", "-ojson", "-o=json") or (word == "json" and before in ("--output", "-o"))
        for before, word in pairs
    )


def _misused(error: TyperException) -> Sequence[Problem]:
    """typer's own exceptions; a command without words has shown its help by then."""
    context = getattr(error, "ctx", None)
    path = getattr(context, "command_path", PROGRAM)
    text = " ".join(str(getattr(error, "format_message", error.__str__)()).split()).rstrip(".")
    return [Problem(MISUSED, text, WHERE, hint=f"{path} --help")] if text else []


def _internal(error: Exception) -> Problem:
    hint = "" if TRACEBACK in os.environ else f"set {TRACEBACK}=1 to see where, and report it"
    return Problem(INTERNAL, f"internal error: {type(error).__name__}: {error}"[:500], WHERE, hint=hint)


def _unread() -> int:
    """Whoever read our output has gone (`| head`); what Python would still flush goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return Exit.FAILED
