"""systemd units: started, stopped and enabled, bounded in time, with the journal's last words on failure."""

from __future__ import annotations

from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import assign, bounded

GRACE = 15.0  # seconds beyond the host's own bound, for the answer to arrive
VERBS = ("start", "stop", "restart", "reload", "try-reload-or-restart", "enable", "disable", "reset-failed")

JOURNAL = """
trap 'code=$?; [ $code -eq 0 ] || journalctl -u "$unit" -n 15 --no-pager -o cat >&2' EXIT
"""


def systemctl(verb: str, name: str, seconds: float = 90.0) -> Script:
    """`systemctl verb name`, `name` without .service or with any suffix. systemd's own time-out is 90 s."""
    if verb not in VERBS:
        raise ValueError(f"systemctl {verb}: not one of {', '.join(VERBS)}")
    line = f'systemctl {verb} -- "$unit"'
    text = assign(unit=name) + JOURNAL + bounded(seconds, f"systemctl {verb} {name}", line)
    return Script(text, timeout=seconds + GRACE)


def daemon_reload(seconds: float = 60.0) -> Script:
    """Makes systemd read changed unit files."""
    return Script(bounded(seconds, "systemctl daemon-reload", "systemctl daemon-reload"), timeout=seconds + GRACE)


def restart_units(names: tuple[str, ...], seconds: float = 90.0) -> Script:
    """Makes systemd read changed unit files, then restarts one unit after another, `seconds` for each."""
    restarts = [systemctl("restart", name, seconds) for name in names]
    return _in_turn([daemon_reload(), *restarts])


def reload_units(names: tuple[str, ...], seconds: float = 90.0) -> Script:
    """Makes running units read their configuration again, `seconds` for each; others stay as they are."""
    return _in_turn([systemctl("try-reload-or-restart", name, seconds) for name in names])


def set_unit(name: str, *, enabled: bool, active: bool, seconds: float = 90.0) -> Script:
    """Makes a unit run or not, now and after the next boot."""
    return _in_turn(
        [
            daemon_reload(),
            systemctl("enable" if enabled else "disable", name, seconds),
            *([systemctl("reset-failed", name, seconds)] if active else []),
            systemctl("start" if active else "stop", name, seconds),
        ]
    )


def _in_turn(scripts: list[Script]) -> Script:
    text = "".join(f"(\n{script.text}) || exit $?\n" for script in scripts)
    return Script(text, timeout=sum(script.timeout for script in scripts))
