"""Jinja2 for variables: sandboxed, native types, strict about what is undefined, watchful of secrets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import StrictUndefined, Template, Undefined, nodes
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.sandbox import ImmutableSandboxedEnvironment

from k8snet_provision.inventory.filters import FILTERS
from k8snet_provision.inventory.values import Map, Opened, Seq, opened, secrets_in, with_secrets


class Unfinished:
    """A container whose own rendering is under way: its items are rendered one by one as they are asked for."""

    def item(self, key: Any) -> Any:
        """The rendered item; raises LookupError when it is not there."""
        raise NotImplementedError


def _joined(pieces: Iterable[Any]) -> Any:
    """One expression keeps its type; several pieces become a string."""
    parts = list(pieces)
    if len(parts) == 1:
        return parts[0]
    text = "".join(map(str, parts))
    return Opened(text) if any(isinstance(part, Opened) for part in parts) else text


class _CodeGenerator(NativeCodeGenerator):
    """Leaves constants alone: Jinja2 would turn `{{ 'on' | bool }}` into the text True when it compiles."""

    def _output_child_to_const(self, node: nodes.Expr, *more: Any) -> Any:
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, *more)


@dataclass
class Trace:
    """What one template has touched: a secret by itself, and secrets inside of containers."""

    secret: bool = False
    inside: set[str] = field(default_factory=set)


class Sandbox(ImmutableSandboxedEnvironment):
    """The Jinja2 environment of one inventory; `trace` is that of the template being rendered, so it is not for
    two threads at once."""

    code_generator_class = _CodeGenerator
    concat = staticmethod(_joined)

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, keep_trailing_newline=True)
        self.filters.update(FILTERS)
        self.trace = Trace()
        self._compiled: dict[str, Template] = {}

    def render(self, source: str, names: Mapping[str, Any], secret: bool) -> Any:
        """The value of a template; strings in it are secret when the template is or when it touched a secret.

        Raises UndefinedError, another TemplateError, or what the operators and filters in it raise.
        """
        outer, self.trace = self.trace, Trace(secret)
        try:
            template = self.compiled(source)
            scope: Any = _Names(self.globals, names)
            context = template.new_context(scope, shared=True)
            result = _checked(_joined(template.root_render_func(context)))
            return with_secrets(result, self.trace.secret, self.trace.inside)
        finally:
            self.trace = outer

    def compiled(self, source: str) -> Template:
        """The template, compiled once however many hosts share it; raises TemplateSyntaxError."""
        if source not in self._compiled:
            self._compiled[source] = self.from_string(source)
        return self._compiled[source]

    def getitem(self, obj: Any, argument: Any) -> Any:
        if not isinstance(obj, Unfinished):
            return self.traced(super().getitem(obj, argument))
        try:
            return self.traced(obj.item(argument))
        except LookupError:
            return self.undefined(obj=obj, name=argument)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Unfinished):
            return self.getitem(obj, attribute)
        return self.traced(super().getattr(obj, attribute))

    def traced(self, value: Any) -> Any:
        """The value as templates may have it: opened, and remembered if it is a secret."""
        if isinstance(value, str | dict | list):
            inside = secrets_in(value)
            value = opened(value) if inside else value
            self.trace.inside.update(inside)
            self.trace.secret = self.trace.secret or isinstance(value, Opened)
        return value


class _Names(Mapping[str, Any]):
    """Jinja2's own functions below the host's names."""

    def __init__(self, functions: Mapping[str, Any], scope: Mapping[str, Any]) -> None:
        self._functions, self._scope = functions, scope

    def __getitem__(self, name: str) -> Any:
        return self._scope[name] if name in self._scope else self._functions[name]

    def __contains__(self, name: object) -> bool:
        return name in self._scope or name in self._functions

    def __iter__(self) -> Iterator[str]:
        return iter({*self._functions, *self._scope})

    def __len__(self) -> int:
        return len(set(self))


def _checked(result: Any) -> Any:
    """The result in containers of this package; an undefined value anywhere in it raises UndefinedError."""
    if isinstance(result, Undefined):
        str(result)
    if isinstance(result, Map | Seq):
        return result
    if isinstance(result, Mapping):
        return Map((key, _checked(value)) for key, value in result.items())
    if isinstance(result, list | tuple | set | frozenset | Iterator):
        return Seq(map(_checked, result))
    if isinstance(result, Unfinished):
        raise ValueError("a container cannot hold itself")
    return result
