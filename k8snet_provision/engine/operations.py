"""pyinfra operations that carry out changes, for use inside a deploy.

Each is one script on the host, described in `files`, `units` and `kernel`. `name` is what progress and
failures call the step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from pyinfra import context
from pyinfra.api.command import StringCommand
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.connectors.util import CommandOutput

from k8snet_provision.engine import files, kernel, packages, recording, steps, units
from k8snet_provision.engine.connector import LinkConnector, lines
from k8snet_provision.engine.script import Script


class ScriptCommand(StringCommand):
    """A script as pyinfra's executor takes it; its input is in no representation of it."""

    def __init__(self, script: Script) -> None:
        super().__init__(script.text)
        self.script = script

    def execute(self, state: Any, host: Host, connector_arguments: Any) -> tuple[bool, CommandOutput]:
        """Runs it on the host's link; OSError, when the host is lost, fails this host alone."""
        connector = host.connector
        assert isinstance(connector, LinkConnector)
        answer = connector.run_script(self.script)
        return answer.code == 0, lines(answer)


def _commands(script: Script) -> Iterator[ScriptCommand]:
    yield ScriptCommand(script)


_script = cast(Callable[..., Any], operation(is_idempotent=False)(cast(Any, _commands)))


def add(name: str, script: Script) -> None:
    """Adds a script as an operation of the current host, or to what is written down (see `recording`)."""
    if recording.written(name, script):
        return
    state = cast(Any, context.state)
    added = _script(steps.kept(script, name, state.mirror) if state.mirror else script, name=name)
    state.steps[context.host.name, added._hash] = name


def run_script(text: str, stdin: bytes = b"", *, name: str = "script", timeout: float = 60.0) -> None:
    """Runs sh text as root. `timeout` is in seconds."""
    add(name, Script(text, stdin, timeout=timeout))


def write_file(path: str, content: bytes, *, name: str = "", **how: Any) -> None:
    """Replaces or creates a file; the arguments are those of `files.write_file`."""
    add(name or f"write {path}", files.write_file(path, content, **how))


def remove_file(path: str, *, expected_sha256: str | None, backup_dir: str, name: str = "") -> None:
    """Removes a file that still is what the plan saw."""
    script = files.remove_file(path, expected_sha256=expected_sha256, backup_dir=backup_dir)
    add(name or f"remove {path}", script)


def systemctl(verb: str, unit: str, *, seconds: float = 90.0, name: str = "") -> None:
    """start, stop, restart, reload, enable or disable a unit, in at most `seconds`."""
    add(name or f"{verb} {unit}", units.systemctl(verb, unit, seconds))


def daemon_reload(*, name: str = "systemctl daemon-reload") -> None:
    """Makes systemd read changed unit files."""
    add(name, units.daemon_reload())


def restart_units(names: tuple[str, ...], *, seconds: float = 90.0, name: str = "") -> None:
    """Makes systemd read changed unit files, then restarts one unit after another."""
    add(name or f"restart {', '.join(names)}", units.restart_units(names, seconds))


def reload_units(names: tuple[str, ...], *, seconds: float = 90.0, name: str = "") -> None:
    """Makes running units read their configuration again."""
    add(name or f"reload {', '.join(names)}", units.reload_units(names, seconds))


def set_unit(unit: str, *, enabled: bool, active: bool, name: str = "") -> None:
    """Makes a unit run or not, now and after the next boot."""
    add(name or f"{'start' if active else 'stop'} {unit}", units.set_unit(unit, enabled=enabled, active=active))


def install_package(package: str, *, manager: str, unit: str, config: str, name: str = "") -> None:
    """Installs a package of the host's distribution; see `packages.install`."""
    add(name or f"install {package}", packages.install(package, manager=manager, unit=unit, config=config))


def set_sysctl(
    key: str, value: str, *, kept_in: str, expected: str | None = None, line: str | None = None, name: str = ""
) -> None:
    """Sets a kernel parameter, now and for the next boot; see `kernel.set_sysctl`."""
    script = kernel.set_sysctl(key, value, kept_in=kept_in, expected=expected, line=line)
    add(name or f"sysctl {key} = {value}", script)


def load_module(module: str, *, kept_in: str, name: str = "") -> None:
    """Loads a kernel module, now and at the next boot."""
    add(name or f"load module {module}", kernel.load_module(module, kept_in=kept_in))


def unload_module(module: str, *, kept_in: str, line: str = "", name: str = "") -> None:
    """Unloads a kernel module unless it is in use; see `kernel.unload_module`."""
    script = kernel.unload_module(module, kept_in=kept_in, line=line)
    add(name or f"unload module {module}, unless it is in use", script)
