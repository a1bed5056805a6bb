"""JSON text to values that know their lines. JSON is not quite a part of YAML 1.1: tabs, `1e3`, `\\/`, surrogates."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, JSONDecoder
from typing import Any

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.documents import Decrypt, duplicate_key
from k8snet_provision.inventory.values import Map, Seq, Unsafe
from k8snet_provision.problems import Origin, Problem, ProblemsFound

_scalar = JSONDecoder().raw_decode
_BLANK = re.compile(r"[ \t\n\r]*")


def read_json(text: str, file: str, decrypt: Decrypt, problems: list[Problem]) -> Any:
    """The value in `text`; `{"__ansible_vault": ...}` and `{"__ansible_unsafe": ...}` as Ansible reads them.

    Raises ProblemsFound with one problem when it is not JSON; repeated keys are added to `problems`.
    """
    try:
        json.loads(text)
    except JSONDecodeError as error:
        problem = Problem(Code.SYNTAX, f"is not JSON: {error.msg}", Origin(file, error.lineno))
    except RecursionError:
        problem = Problem(Code.TOO_LARGE, "is nested too deeply", Origin(file))
    else:
        return _Reader(text, file, decrypt, problems).value(0)[0]
    raise ProblemsFound([problem])


class _Reader:
    """Walks a text that is known to be JSON; every method returns a value and where the text goes on."""

    def __init__(self, text: str, file: str, decrypt: Decrypt, problems: list[Problem]) -> None:
        self.text, self.file, self.decrypt, self.problems = text, file, decrypt, problems
        self.line_ends = [match.start() for match in re.finditer("\n", text)]

    def origin(self, at: int) -> Origin:
        return Origin(self.file, bisect_right(self.line_ends, at) + 1)

    def value(self, at: int) -> tuple[Any, int]:
        at = self.skip(at)
        first = self.text[at]
        if first == "{":
            return self.mapping(at)
        if first == "[":
            return self.sequence(at)
        return _scalar(self.text, at)

    def skip(self, at: int) -> int:
        match = _BLANK.match(self.text, at)
        return match.end() if match else at

    def sequence(self, start: int) -> tuple[Seq, int]:
        values, at = Seq(), self.skip(start + 1)
        while self.text[at] != "]":
            at = self.skip(at + 1) if self.text[at] == "," else at
            values.origins.append(self.origin(at))
            value, at = self.value(at)
            values.append(value)
            at = self.skip(at)
        return values, at + 1

    def mapping(self, start: int) -> tuple[Any, int]:
        values, at = Map(), self.skip(start + 1)
        while self.text[at] != "}":
            at = self.skip(at + 1) if self.text[at] == "," else at
            origin = self.origin(at)
            key, at = _scalar(self.text, at)
            if key in values:
                self.problems.append(duplicate_key(key, origin, values.origins[key]))
            value, at = self.value(self.skip(at) + 1)
            values.put(key, value, origin)
            at = self.skip(at)
        return self.tagged(values), at + 1

    def tagged(self, values: Map) -> Any:
        """The two forms in which Ansible writes a tagged string into JSON."""
        key, value = next(iter(values.items())) if len(values) == 1 else ("", None)
        if key == "__ansible_vault" and isinstance(value, str):
            return self.decrypt(value, values.origins[key])
        return Unsafe(value) if key == "__ansible_unsafe" and isinstance(value, str) else values
