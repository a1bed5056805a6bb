"""Templates in variables: Jinja2 in its sandbox with native types; an undefined variable is a problem with a line."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.sandbox import Sandbox, Unfinished
from k8snet_provision.inventory.values import Map, Secret, Seq, Unsafe
from k8snet_provision.problems import Origin, Problem, ProblemsFound

if TYPE_CHECKING:
    from k8snet_provision.inventory.model import Host, Inventory

MAX_NESTING = 40
_MARKS = ("{{", "{%", "{#")


def is_template(value: Any) -> bool:
    """Whether a value is a string to be rendered: it holds a Jinja2 mark and was not written with !unsafe."""
    return isinstance(value, str) and not isinstance(value, Unsafe) and any(mark in value for mark in _MARKS)


class Templates:
    """The renderer of each host of one inventory; they share a sandbox and so its compiled templates."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.sandbox = Sandbox()
        self.groups = {name: list(inventory.members(name)) for name in inventory.groups}
        self._renderers: dict[str, Renderer] = {}

    def renderer(self, host: str) -> Renderer:
        """What renders this host's variables; raises KeyError for an unknown host."""
        if host not in self._renderers:
            self._renderers[host] = Renderer(self, self.inventory.hosts[host])
        return self._renderers[host]


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


class _OwnItems(Unfinished):
    """The items of a variable that its own templates use."""

    def __init__(self, value: Map | Seq, renderer: Renderer, where: Origin) -> None:
        self.value, self.renderer, self.where = value, renderer, where

    def item(self, key: Any) -> Any:
        value, where = self.value[key], self.value.origins[key]
        if isinstance(value, Map | Seq):
            return _OwnItems(value, self.renderer, where)
        return self.renderer.value(value, where)


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
                return _OwnItems(raw, self, where)
            self._done[name] = self._guarded(name, raw, where)
        return self._done[name]

    def lookup(self, name: str) -> Any:
        """A variable for use in a template: one that needs an undefined variable is itself undefined."""
        try:
            value = self.variable(name)
        except _UndefinedFound as found:
            problem = found.problems[0]
            return StrictUndefined(hint=f"{problem.text} (written at {problem.where})", name=name)
        return self.templates.sandbox.traced(value)

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
        try:
            return self.templates.sandbox.render(source, _Scope(self), isinstance(text, Secret))
        except UndefinedError as error:
            problem = Problem(Code.UNDEFINED, f"needs what is not defined: {error.message}", where)
            raise _UndefinedFound([problem]) from None
        except TemplateSyntaxError as error:
            raise _problem(Code.TEMPLATE, f"is no valid template: {error.message}", where) from None
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, OSError, RecursionError) as error:
            reason = str(error) or type(error).__name__
            raise _problem(Code.TEMPLATE, f"cannot be rendered: {reason}", where) from None


class _UndefinedFound(ProblemsFound):
    """A template that needs an undefined variable; `default()` and `is defined` can still save the template above."""


def _problem(code: Code, text: str, where: Origin) -> ProblemsFound:
    return ProblemsFound([Problem(code, text, where)])


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
