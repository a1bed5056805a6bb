"""Templates in variables: Jinja2 in its sandbox with native types; an undefined variable is a problem with a line."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.sandbox import ImmutableSandboxedEnvironment

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.filters import FILTERS
from k8snet_provision.inventory.values import Map, Opened, Secret, Seq, Unsafe, opened, secrets_in, with_secrets
from k8snet_provision.problems import Origin, Problem, ProblemsFound

if TYPE_CHECKING:
    from k8snet_provision.inventory.model import Host, Inventory

MAX_NESTING = 40
_MARKS = ("{{", "{%", "{#")


def is_template(value: Any) -> bool:
    """Whether a value is a string to be rendered: it holds a Jinja2 mark and was not written with !unsafe."""
    return isinstance(value, str) and not isinstance(value, Unsafe) and any(mark in value for mark in _MARKS)


class _Unfinished:
    """A container whose own rendering is under way: its items are rendered one by one as they are asked for."""

    def __init__(self, value: Map | Seq, renderer: Renderer, where: Origin) -> None:
        self.value, self.renderer, self.where = value, renderer, where

    def item(self, key: Any) -> Any:
        value, where = self.value[key], self.value.origins[key]
        if isinstance(value, Map | Seq):
            return _Unfinished(value, self.renderer, where)
        return self.renderer.value(value, where)


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
class _Trace:
    """What one template has touched: a secret by itself, and secrets inside of containers."""

    secret: bool = False
    inside: set[str] = field(default_factory=set)


class Templates(ImmutableSandboxedEnvironment):
    """The Jinja2 environment of one inventory, and the renderer of each of its hosts.

    `trace` is that of the template being rendered, so two threads cannot share one.
    """

    code_generator_class = _CodeGenerator
    concat = staticmethod(_joined)

    def __init__(self, inventory: Inventory) -> None:
        super().__init__(undefined=StrictUndefined, keep_trailing_newline=True)
        self.filters.update(FILTERS)
        self.inventory = inventory
        self.trace = _Trace()
        self.groups = {name: list(inventory.members(name)) for name in inventory.groups}
        self._renderers: dict[str, Renderer] = {}
        self._compiled: dict[str, Template] = {}

    def renderer(self, host: str) -> Renderer:
        """What renders this host's variables; raises KeyError for an unknown host."""
        if host not in self._renderers:
            self._renderers[host] = Renderer(self, self.inventory.hosts[host])
        return self._renderers[host]

    def compiled(self, source: str) -> Template:
        """The template, compiled once however many hosts share it; raises TemplateSyntaxError."""
        if source not in self._compiled:
            self._compiled[source] = self.from_string(source)
        return self._compiled[source]

    def getitem(self, obj: Any, argument: Any) -> Any:
        value = obj.item(argument) if isinstance(obj, _Unfinished) else super().getitem(obj, argument)
        return self.traced(value)

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, _Unfinished):
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


class _Scope(Mapping[str, Any]):
    """The names a template of one host can use; a variable is rendered when it is asked for."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer = renderer

    def __getitem__(self, name: str) -> Any:
        return self._renderer.lookup(name)

    def __contains__(self, name: object) -> bool:
        return name in self._renderer.host.vars or name in self._renderer.magic

    def __iter__(self) -> Iterator[str]:
        return iter(self._renderer.host.vars.keys() | self._renderer.magic.keys())

    def __len__(self) -> int:
        return len(set(self))


class _HostVars(Mapping[str, Mapping[str, Any]]):
    """`hostvars`: the variables of every host, each rendered for that host when it is asked for."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates

    def __getitem__(self, host: str) -> Mapping[str, Any]:
        return _Scope(self._templates.renderer(host))

    def __iter__(self) -> Iterator[str]:
        return iter(self._templates.inventory.hosts)

    def __len__(self) -> int:
        return len(self._templates.inventory.hosts)


class Renderer:
    """Renders the variables of one host, each once."""

    def __init__(self, templates: Templates, host: Host) -> None:
        self.templates = templates
        self.host = host
        self.magic: dict[str, Any] = {
            "inventory_hostname": host.name,
            "inventory_hostname_short": host.name if _is_ip(host.name) else host.name.split(".")[0],
            "group_names": list(host.groups),
            "groups": templates.groups,
            "hostvars": _HostVars(templates),
        }
        self._done: dict[str, Any] = {}
        self._open: list[str] = []

    def variable(self, name: str) -> Any:
        """A variable, rendered; raises KeyError when it is not there and ProblemsFound when it cannot be rendered."""
        if name in self.magic:
            return self.magic[name]
        if name not in self._done:
            raw = self.host.vars[name]
            where = self.templates.inventory.origin(self.host.name, name)
            if name in self._open and isinstance(raw, Map | Seq):
                return _Unfinished(raw, self, where)
            self._done[name] = self._guarded(name, raw, where)
        return self._done[name]

    def lookup(self, name: str) -> Any:
        """A variable for use in a template: one that needs an undefined variable is itself undefined."""
        try:
            value = self.variable(name)
        except _UndefinedFound as found:
            problem = found.problems[0]
            return StrictUndefined(hint=f"{problem.text} (written at {problem.where})", name=name)
        return self.templates.traced(value)

    def value(self, value: Any, where: Origin) -> Any:
        """Any value with the templates in it rendered; `where` is where it was written."""
        if isinstance(value, Map):
            pairs = [(key, self.value(item, value.origins.get(key, where))) for key, item in value.items()]
            return Map(pairs, value.origins)
        if isinstance(value, Seq):
            return Seq([self.value(item, value.origins[i]) for i, item in enumerate(value)], value.origins)
        return self._guarded("", value, where, whole=False) if is_template(value) else value

    def _guarded(self, name: str, value: Any, where: Origin, whole: bool = True) -> Any:
        if len(self._open) > MAX_NESTING or (name and name in self._open):
            loop = " -> ".join(dict.fromkeys(filter(None, self._open)))
            raise _problem(Code.TEMPLATE, f"the variables {loop} need each other", where)
        self._open.append(name)
        try:
            return self.value(value, where) if whole else self._template(value, where)
        finally:
            self._open.pop()

    def _template(self, text: str, where: Origin) -> Any:
        source = text.reveal() if isinstance(text, Secret) else text
        outer, trace = self.templates.trace, _Trace(secret=isinstance(text, Secret))
        self.templates.trace = trace
        try:
            template = self.templates.compiled(source)
            scope: Any = _Names(self.templates.globals, _Scope(self))
            context = template.new_context(scope, shared=True)
            result = _checked(_joined(template.root_render_func(context)))
            return with_secrets(result, trace.secret, trace.inside)
        except UndefinedError as error:
            raise _UndefinedFound(
                [_found(Code.UNDEFINED, f"needs what is not defined: {error.message}", where)]
            ) from None
        except TemplateSyntaxError as error:
            line = Origin(where.file, where.line)
            raise _problem(Code.TEMPLATE, f"is no valid template: {error.message}", line) from None
        except ProblemsFound:
            raise
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, OSError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            raise _problem(Code.TEMPLATE, f"cannot be rendered: {reason}", where) from None
        finally:
            self.templates.trace = outer


class _UndefinedFound(ProblemsFound):
    """A template that needs an undefined variable; `default()` and `is defined` can still save the template above."""


class _Names(Mapping[str, Any]):
    """Jinja2's own functions below the host's names."""

    def __init__(self, functions: Mapping[str, Any], scope: _Scope) -> None:
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
    if isinstance(result, _Unfinished):
        raise ValueError("a container cannot hold itself")
    return result


def _found(code: Code, text: str, where: Origin) -> Problem:
    return Problem(code, text, where)


def _problem(code: Code, text: str, where: Origin) -> ProblemsFound:
    return ProblemsFound([_found(code, text, where)])


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
