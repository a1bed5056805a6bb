"""The service and the timer as text. What is written into a unit file is written as systemd reads it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision import templates

USER = "k8snet-drift"
STATE = "k8snet-drift"
STATE_DIRECTORY = Path("/var/lib") / STATE
PREFIX = "k8snet-drift-"

LONGEST = 900
"""Seconds for one look, after which the unit has failed; hosts have time-outs of their own within it."""

HOMES = ("/home", "/root", "/run/user")


@dataclass(frozen=True)
class Schedule:
    """One inventory's: `every` as it was asked for, `interval` the most seconds between two looks.

    `calendar` is systemd's OnCalendar=, empty for one that counts seconds. `reads` decides whether homes are seen at
    all, `writes` are the directories of its reports.
    """

    name: str
    inventory: Path
    interval: int
    calendar: str
    command: tuple[str, ...]
    user: str = USER
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()

    @property
    def service(self) -> str:
        return f"{PREFIX}{self.name}.service"

    @property
    def timer(self) -> str:
        return f"{PREFIX}{self.name}.timer"


def texts(schedule: Schedule) -> dict[str, str]:
    """The unit files by their names."""
    service = templates.render(
        "drift/service.j2",
        inventory=specifier(str(schedule.inventory)),
        interval=schedule.interval,
        user=schedule.user,
        command=" ".join(map(word, schedule.command)),
        longest=LONGEST,
        state=STATE,
        home="read-only" if any(_in_a_home(path) for path in (*schedule.reads, *schedule.writes)) else "yes",
        writes=[path_word(path) for path in schedule.writes],
    )
    timer = templates.render(
        "drift/timer.j2",
        inventory=specifier(str(schedule.inventory)),
        calendar=specifier(schedule.calendar),
        interval=schedule.interval,
    )
    return {schedule.service: service, schedule.timer: timer}


def name_of(inventory: Path) -> str:
    """As part of a unit's name: letters, digits and a few signs that need no escape."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", inventory.name)[:60] or "inventory"


def word(text: str) -> str:
    """One word of ExecStart=: in quotes, without specifiers, variables or escapes (systemd.service, Command Lines)."""
    if re.fullmatch(r"[A-Za-z0-9_./=@:,+-]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    escaped = "".join(char if char >= " " else f"\\x{ord(char):02x}" for char in escaped)
    return '"' + specifier(escaped) + '"'


def path_word(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + specifier(escaped) + '"' if re.search(r"[^A-Za-z0-9_./=@:,+-]", str(path)) else str(path)


def specifier(text: str) -> str:
    return text.replace("%", "%%")


def _in_a_home(path: Path) -> bool:
    return any(path.is_relative_to(home) for home in HOMES)


def installed(text: str) -> tuple[Path, int] | None:
    """The inventory and the interval of a service file that was written here; None for any other."""
    values = dict(re.findall(r"^X-(Inventory|Interval)=(.*)$", text, re.MULTILINE))
    if set(values) != {"Inventory", "Interval"} or not values["Interval"].isdigit():
        return None
    return Path(values["Inventory"].replace("%%", "%")), int(values["Interval"])


def same(texts: dict[str, str], there: dict[str, str | None]) -> bool:
    return all(there.get(name) == text for name, text in texts.items())


def command(program: Sequence[str], inventory: Path, options: Sequence[str]) -> tuple[str, ...]:
    return (*program, "drift", "look", str(inventory), *options)
