"""An INI inventory file: `[group]`, `[group:children]`, `[group:vars]` and lines below them."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.draft import UNGROUPED, Draft
from k8snet_provision.inventory.patterns import BadPattern, expand
from k8snet_provision.inventory.values import Map, located
from k8snet_provision.problems import Origin

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?\Z")
_NAME = re.compile(r"([^:\]\s]+)\s*(?:#.*)?\Z")


@dataclass
class _Awaited:
    """A group that is used before it is declared: the first line that uses it and the parents that want it."""

    origin: Origin
    parents: list[str]


class _Reader:
    """The state between two lines: the group of the current section and the groups still to be declared."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.group = UNGROUPED
        self.take: Callable[[str, Origin], None] = self.host
        self.awaited: dict[str, _Awaited] = {}

    def section(self, group: str, kind: str, origin: Origin) -> None:
        """A header: an unknown kind is a problem, and the lines below it are skipped."""
        kinds = {"": self.host, "hosts": self.host, "children": self.child, "vars": self.variable}
        self.group = group
        self.take = kinds.get(kind, self.skip)
        if kind not in kinds:
            text = f"the section [{group}:{kind}] is of an unknown kind"
            self.draft.problem(Code.SYNTAX, text, origin, expected=f"[{group}], :children or :vars")
        elif kind == "vars":
            if group not in self.draft.groups:
                self.awaited.setdefault(group, _Awaited(origin, []))
            self.draft.add_group(group, origin)
        else:
            self.draft.add_group(group, origin)
            self.declare(group)

    def declare(self, group: str) -> None:
        """Gives an awaited group to the parents that asked for it, in the order they asked."""
        awaited = self.awaited.pop(group, None)
        for parent in awaited.parents if awaited else ():
            assert awaited is not None
            self.draft.add_child(parent, group, awaited.origin)

    def skip(self, line: str, origin: Origin) -> None:
        """A line below a header that is already a problem."""

    def child(self, line: str, origin: Origin) -> None:
        match = _NAME.match(line)
        if match is None:
            self.draft.problem(Code.SYNTAX, "is not the name of a group", origin, found=line)
        elif match[1] in self.draft.groups:
            self.draft.add_child(self.group, match[1], origin)
        else:
            self.awaited.setdefault(match[1], _Awaited(origin, [])).parents.append(self.group)

    def variable(self, line: str, origin: Origin) -> None:
        name, equals, value = line.partition("=")
        if not equals:
            self.draft.problem(Code.SYNTAX, "is not a variable", origin, found=line, expected="name=value")
            return
        self.draft.set_variable(self.group, name.strip(), self.value(value.strip(), origin), origin)

    def host(self, line: str, origin: Origin) -> None:
        try:
            pattern, *words = shlex.split(line, comments=True)
            names, port = expand(pattern)
        except BadPattern as error:
            self.draft.problem(Code.RANGE, f"the host pattern {pattern} is not one: {error}", origin)
            return
        except ValueError as error:
            reason = str(error)[:1].lower() + str(error)[1:]
            self.draft.problem(Code.SYNTAX, f"is not a host: {reason}", origin, found=line)
            return
        variables = Map()
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                variables.put(name, self.value(value, origin), origin)
            else:
                hint = "quote the value when it holds spaces"
                text = "has something else than name=value after a host"
                self.draft.problem(Code.SYNTAX, text, origin, found=word, expected="name=value", hint=hint)
        if pattern.startswith("---"):
            self.draft.problem(Code.SYNTAX, "is a document start of YAML in an INI file", origin, found=line)
        self.draft.add_hosts(names, self.group, port, variables, origin)

    def value(self, text: str, origin: Origin) -> Any:
        """A Python literal where it is one, else the text itself."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SyntaxWarning)
                return located(ast.literal_eval(text), origin)
        except (ValueError, SyntaxError):
            return text
        except (TypeError, MemoryError, RecursionError):
            self.draft.problem(Code.SYNTAX, "has a value that cannot be read", origin, found=text, hint="quote it")
            return text

    def finish(self) -> None:
        """Every group that was used and never declared is a problem."""
        for name, awaited in self.awaited.items():
            use = f"[{awaited.parents[-1]}:children]" if awaited.parents else f"[{name}:vars]"
            text = f"{use} uses the group {name}, which is declared nowhere"
            self.draft.problem(Code.UNDECLARED, text, awaited.origin, hint=f"add the section [{name}]")


def read_lines(draft: Draft, text: str, file: str) -> None:
    """Adds every group, host and variable of an INI file; what cannot be read becomes problems."""
    reader = _Reader(draft)
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        origin = Origin(file, number)
        if not line or line[0] in "#;":
            continue
        if match := _SECTION.match(line):
            reader.section(match[1], match[2] or "", origin)
        elif line.startswith("[") and line.endswith("]"):
            text_ = "is not a section header, its name holds spaces or other characters it cannot"
            draft.problem(Code.SYNTAX, text_, origin, found=line, expected="[name], [name:children] or [name:vars]")
            reader.take = reader.skip
        else:
            reader.take(line, origin)
    reader.finish()
