"""YAML text to values that know their lines, by the rules Ansible reads YAML with.

ruamel.yaml parses (its C parser, so 1,000 hosts take milliseconds); the values are made here from the
parser's events, because no stock constructor keeps a line for every plain value.
"""

from __future__ import annotations

import binascii
from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from k8snet_provision.inventory import scalars
from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.values import Map, Seq, Unsafe
from k8snet_provision.problems import Origin, Problem, ProblemsFound, Severity

MAX_DEPTH = 100
MAX_VALUES = 2_000_000
_TAG = "tag:yaml.org,2002:"
_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "null": lambda text: None,
    "bool": scalars.boolean,
    "int": scalars.integer,
    "float": scalars.floating,
    "timestamp": scalars.timestamp,
    "binary": lambda text: binascii.a2b_base64(text.encode("ascii")),
}
_PARSERS = {pure: YAML(typ="safe", pure=pure) for pure in (False, True)}
Decrypt = Callable[[str, Origin], Any]
Event = Any  # ruamel's base class of events declares neither anchor nor tag


class _Broken(Exception):
    """Ends one document; carries the line and the text of its problem."""

    def __init__(self, line: int, text: str, code: Code = Code.SYNTAX, hint: str = "") -> None:
        super().__init__(text)
        self.line, self.text, self.code, self.hint = line, text, code, hint


def read_yaml(text: str, file: str, decrypt: Decrypt, problems: list[Problem]) -> Any:
    """The one document in `text`, None when there is none; `decrypt` turns the text of a `!vault` into a value.

    Raises ProblemsFound with one problem when it is not YAML; repeated keys are added to `problems`.
    """
    warnings: list[Problem] = []
    try:
        value = _parsed(text, file, decrypt, warnings)
    except _Broken as broken:
        problem = Problem(broken.code, broken.text, Origin(file, broken.line), hint=broken.hint)
    except MarkedYAMLError as error:
        problem = _syntax(error, text, file)
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        problem = Problem(Code.SYNTAX, f"is not YAML: {_reason(error)}", Origin(file, line))
    else:
        problems += warnings
        return value
    raise ProblemsFound([problem])


def _parsed(text: str, file: str, decrypt: Decrypt, warnings: list[Problem]) -> Any:
    """The C parser is 15 times faster; the pure one knows `[http://host, 1:30]`, which the former refuses."""
    try:
        return _Document(file, decrypt, warnings).read(text, pure=False)
    except MarkedYAMLError as error:
        warnings.clear()
        try:
            return _Document(file, decrypt, warnings).read(text, pure=True)
        except YAMLError:
            raise error from None


def duplicate_key(key: Any, again: Origin, first: Origin) -> Problem:
    """The warning for a key written twice in one mapping; Ansible warns and lets the last one win, too."""
    text = f"writes the key {key} twice in one mapping, the last one wins"
    hint = f"first written at {first}"
    return Problem(Code.DUPLICATE_KEY, text, again, hint=hint, severity=Severity.WARNING)


def _reason(error: YAMLError) -> str:
    return str(getattr(error, "reason", "")) or str(error).splitlines()[0]


def _syntax(error: MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    lines = text.splitlines()
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    hint = "indent with spaces, YAML refuses tabs" if "\t" in written[: len(written) - len(written.lstrip())] else ""
    context = f" {error.context}" if error.context else ""
    return Problem(
        Code.SYNTAX, f"is not YAML: {error.problem}{context}", Origin(file, line), written.strip(), hint=hint
    )


class _Document:
    """Reads one document's events into values; `count` guards against aliases that expand without end."""

    def __init__(self, file: str, decrypt: Decrypt, problems: list[Problem]) -> None:
        self.file = file
        self.decrypt = decrypt
        self.problems = problems
        self.origins: dict[int, Origin] = {}
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open_anchors: set[str] = set()
        self.count = 0
        self.unsafe = 0
        self.events: Iterator[Event] = iter(())

    def read(self, text: str, pure: bool) -> Any:
        # A copy, because making a YAML object looks for plug-ins on disk, which 1,000 small files would feel.
        self.events = copy(_PARSERS[pure]).parse(text)
        next(self.events)
        event = next(self.events)
        if isinstance(event, StreamEndEvent):
            return None
        value = self.value(next(self.events), 0)
        next(self.events)
        after = next(self.events)
        if isinstance(after, DocumentStartEvent):
            raise _Broken(_line(after), "holds a second document after ---", Code.STRUCTURE)
        return value

    def origin(self, line: int) -> Origin:
        origin = self.origins.get(line)
        if origin is None:
            origin = self.origins[line] = Origin(self.file, line)
        return origin

    def value(self, event: Event, depth: int) -> Any:
        self.count += 1
        if depth > MAX_DEPTH:
            raise _Broken(_line(event), f"is nested deeper than {MAX_DEPTH} levels", Code.TOO_LARGE)
        if isinstance(event, AliasEvent):
            return self.alias(event)
        anchor, before = event.anchor, self.count
        if anchor is None:
            return self.node(event, depth)
        self.open_anchors.add(anchor)
        value = self.node(event, depth)
        self.open_anchors.discard(anchor)
        self.anchors[anchor] = (value, self.count - before + 1)
        return value

    def alias(self, event: Event) -> Any:
        name = event.anchor
        if name in self.open_anchors:
            raise _Broken(_line(event), f"*{name} is inside the value that &{name} names")
        if name not in self.anchors:
            raise _Broken(_line(event), f"*{name} names no anchor, &{name} is not written before it")
        value, weight = self.anchors[name]
        self.count += weight
        if self.count > MAX_VALUES:
            raise _Broken(_line(event), f"expands to more than {MAX_VALUES:,} values", Code.TOO_LARGE)
        return value

    def node(self, event: Event, depth: int) -> Any:
        tag = str(event.tag) if event.tag else None
        if tag == "!unsafe":
            self.unsafe += 1
            value = self.content(event, None, depth)
            self.unsafe -= 1
            return value
        return self.content(event, None if tag == "!" else tag, depth)

    def content(self, event: Event, tag: str | None, depth: int) -> Any:
        if isinstance(event, ScalarEvent):
            return self.scalar(event, tag)
        if isinstance(event, MappingStartEvent):
            return self.mapping(event, tag, depth)
        return self.sequence(event, tag, depth)

    def scalar(self, event: Event, tag: str | None) -> Any:
        """As Ansible has it, `!unsafe "5"` becomes a number for all its quotes."""
        text = event.value
        if tag in ("!vault", "!vault-encrypted"):
            return self.decrypt(text, self.origin(_line(event)))
        try:
            if tag is None:
                value = scalars.plain(text) if event.implicit[0] or event.tag == "!unsafe" else text
            else:
                value = _SCALARS[tag.removeprefix(_TAG)](text)
        except (ValueError, OverflowError) as error:
            raise _Broken(_line(event), f"has a value that cannot be read: {error}", hint="quote it") from None
        except KeyError:
            raise _Broken(_line(event), f"has the tag {tag}, which Ansible does not know either") from None
        return Unsafe(value) if self.unsafe and isinstance(value, str) else value

    def sequence(self, event: Event, tag: str | None, depth: int) -> Any:
        kind = (tag or "").removeprefix(_TAG)
        if kind not in ("", "seq", "omap", "pairs"):
            raise _Broken(_line(event), f"has the tag {tag} on a list")
        values = Seq()
        while not isinstance(item := next(self.events), SequenceEndEvent):
            values.origins.append(self.origin(_line(item)))
            values.append(self.value(item, depth + 1))
        return values

    def mapping(self, event: Event, tag: str | None, depth: int) -> Any:
        kind = (tag or "").removeprefix(_TAG)
        if kind not in ("", "map", "set"):
            raise _Broken(_line(event), f"has the tag {tag} on a mapping")
        own, merged = Map(), list[Map]()
        while not isinstance(key_event := next(self.events), MappingEndEvent):
            if _is_merge(key_event):
                merged += self.merge(next(self.events), depth)
            else:
                self.entry(own, key_event, depth)
        return self.combined(own, merged) if kind != "set" else set(own)

    def entry(self, own: Map, key_event: Event, depth: int) -> None:
        line = _line(key_event)
        key = self.value(key_event, depth + 1)
        if isinstance(key, dict | list | set):
            raise _Broken(line, "has a list or mapping as a key")
        if key in own:
            self.problems.append(duplicate_key(key, self.origin(line), own.origins[key]))
        own.put(key, self.value(next(self.events), depth + 1), self.origin(line))

    def merge(self, event: Event, depth: int) -> list[Map]:
        """The mappings that one `<<` adds, the weakest first."""
        value = self.value(event, depth + 1)
        sources = value[::-1] if isinstance(value, list) else [value]
        if not all(isinstance(source, Map) for source in sources):
            raise _Broken(_line(event), "merges something that is not a mapping with <<", Code.STRUCTURE)
        return sources

    @staticmethod
    def combined(own: Map, merged: list[Map]) -> Map:
        if not merged:
            return own
        result = Map()
        for source in (*merged, own):
            result.update(source)
            result.origins.update(source.origins)
        return result


def _is_merge(event: Event) -> bool:
    return isinstance(event, ScalarEvent) and event.value == "<<" and event.tag is None and bool(event.implicit[0])


def _line(event: Event) -> int:
    return int(event.start_mark.line) + 1
