"""systemd units: their files, whether they run, and the command line of the process that runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote

from k8snet_provision.change import Change, Kind
from k8snet_provision.resources.file import SEND_FILE, File, unpack
from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe

PROPERTIES = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "MainPID",
    "FragmentPath",
    "DropInPaths",
    "NeedDaemonReload",
)


@dataclass(frozen=True)
class Unit:
    """`files`: fragment, drop-ins in systemd's order, then environment files. `argv`: of the running main process."""

    name: str
    active: str
    enabled: str
    files: tuple[File, ...]
    argv: tuple[str, ...] = ()
    stale: bool = False
    """systemd has not re-read the files since they changed."""


def probe(name: str) -> Probe:
    """The environment files are looked up in the unit's own text, because `systemctl show` resolves no glob."""
    unit = quote(f"{name}.service")
    return Probe(
        f"unit:{name}",
        f"""{SEND_FILE}
show=$(systemctl show -p {",".join(PROPERTIES)} -- {unit}) || {{ echo "systemctl failed"; exit 1; }}
value() {{ printf '%s\\n' "$show" | sed -n "s/^$1=//p"; }}
[ "$(value LoadState)" = not-found ] && exit {ABSENT_CODE}
printf '%s\\n' "$show"
pid=$(value MainPID)
printf 'Argv='; [ "$pid" -gt 0 ] && tr '\\0' '\\037' <"/proc/$pid/cmdline"; printf '\\n\\n'
files="$(value FragmentPath) $(value DropInPaths)"
for f in $files; do send_file "$f" || exit 1; done
for f in $(sed -n 's/^EnvironmentFile=-\\{{0,1\\}}//p' $files); do
  send_file "$f" || [ $? = {ABSENT_CODE} ] || exit 1
done
""",
    )


def read(seen: HostSeen, name: str) -> Unit | None:
    """The unit as the host has it, None when systemd knows none of that name; raises Unknown."""
    data = seen.data(f"unit:{name}")
    if data is None:
        return None
    head, _, rest = data.partition(b"\n\n")
    values = dict(line.split("=", 1) for line in head.decode("utf-8", "replace").splitlines() if "=" in line)
    return Unit(
        name=name,
        active=values.get("ActiveState", ""),
        enabled=values.get("UnitFileState", ""),
        files=tuple(unpack(seen.host, rest)),
        argv=tuple(word for word in values.get("Argv", "").split("\x1f") if word),
        stale=values.get("NeedDaemonReload") == "yes",
    )


def running(phase: str, host: str, name: str, found: Unit | None, because: str = "") -> Iterator[Change]:
    """The change to a unit that runs, now and after the next boot, if it does not; None: there is no such unit yet."""
    before = (found.enabled == "enabled", found.active in ("active", "reloading")) if found else (False, False)
    if all(before):
        return
    words = {True: "yes", False: ""}
    details = {"before_enabled": words[before[0]], "before_active": words[before[1]]}
    details |= {"after_enabled": "yes", "after_active": "yes"}
    text = f"{found.enabled}, {found.active}" if found else None
    yield Change(phase, host, Kind.UNIT, name, text, "enabled, active", details, because=because)
