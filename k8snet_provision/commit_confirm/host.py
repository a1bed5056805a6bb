"""What a host is sent: batches to undo by itself, until when it waits, the confirmation, and who waits there.

Each is one sh script. What undoes a batch holds what was there before, secrets too: it travels as standard input and
is kept for root alone.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from k8snet_provision.commit_confirm.going_back import CLEAN_UP, LEFT, SERVICE, TIMER, UNITS, program, unit_name
from k8snet_provision.engine.recording import Step
from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import DIE, assign

RUNS = "/var/lib/k8snet-provision/runs"

TIMEOUT = 120.0
"""Seconds for one script; systemd reads its units anew, and a disk is synced."""

TOO_LATE = 4
"""Exit status by which a script says that the host goes back, or went back, by itself; stdout says which."""

NOT_HERE = 5
"""Exit status by which a script says that nothing waits on this host."""

NOTHING = b"nothing\n"


@dataclass(frozen=True)
class Place:
    """Where a host keeps such things. Another one is for tests alone."""

    runs: str = RUNS
    units: str = UNITS
    pause: int = 15

    def undo(self, run: str) -> str:
        return f"{self.runs}/{run}/undo"


PLACE = Place()

STATE = """
too_late() {
  for s in failed went-back going-back; do [ ! -e "$undo/$s" ] || { echo "$s"; exit 4; }; done
}
too_late
"""

# What is named once stays as it is: the first undo of a batch knows what was there before the run.
TAKE = """
umask 077
mkdir -p -- "$undo/armed" && chmod 700 -- "$undo" "${undo%/*}" || die 1 "$undo cannot be made"
work=$(mktemp -d -- "$undo/.new.XXXXXXXXXX") || die 1 "nothing can be kept in $undo"
trap 'rm -rf -- "$work"' EXIT
cat >"$work/unpack" && (cd -- "$work" && sh ./unpack) || die 1 "$undo: what undoes this batch cannot be kept there"
printf '%s' "$program" >"$work/go-back" && mv -T -- "$work/go-back" "$undo/go-back" || die 1 "$undo cannot be written"
for batch in "$work"/*/; do
  batch=${batch%/}
  [ ! -d "$batch" ] || [ -e "$undo/armed/${batch##*/}" ] || mv -T -- "$batch" "$undo/armed/${batch##*/}" ||
    die 1 "$undo/armed is gone"
done
"""

# The deadline first: a host that loses power in between goes back by it at its next boot.
WAIT = """
umask 077
[ -d "$undo/armed" ] || exit 5
read -r now rest </proc/uptime
read -r boot </proc/sys/kernel/random/boot_id
wall=$(($(date +%s) + seconds))
put() { cat >"$1.new" && sync -- "$1.new" && mv -T -- "$1.new" "$1" || die 1 "$1 cannot be written"; }
printf '%s %s %s\\n' "$boot" "$((${now%.*} + seconds))" "$wall" | put "$undo/deadline" || exit 1
printf '%s' "$hosts" | put "$undo/hosts" || exit 1
umask 022
printf '%s' "$service" | put "$units/$name.service" || exit 1
put "$units/$name.timer" <<END
$TIMER
END
sync -f -- "$undo" 2>/dev/null || sync
timeout 60 systemctl daemon-reload && timeout 60 systemctl enable --quiet -- "$name.service" "$name.timer" &&
  timeout 60 systemctl restart -- "$name.timer" || die 1 "systemd does not take $name.timer"
"""

DROP = """
for batch in "$undo"/armed/*; do
  for label in $labels; do
    case ${batch##*/} in *-"$label") rm -rf -- "$batch" ;; esac
  done
done
[ ! -d "$undo/armed" ] || rmdir -- "$undo/armed" 2>/dev/null || exit 0
clean_up
rm -rf -- "$undo"
echo nothing
"""

CONFIRM = """
[ -d "$undo" ] || exit 5
mv -T -- "$undo/armed" "$undo/confirmed" 2>/dev/null || [ -d "$undo/confirmed" ] || { too_late; exit 5; }
timeout 60 systemctl stop "$name.service" 2>/dev/null
clean_up
rm -rf -- "$undo" || die 1 "$undo cannot be removed"
"""

TELL = """
for undo in "$runs"/*/undo; do
  [ -d "$undo" ] || continue
  for s in failed went-back going-back armed; do [ ! -e "$undo/$s" ] || break; s=; done
  [ "$s" ] || continue
  id=${undo%/undo}
  read -r boot up wall <"$undo/deadline" || wall=0
  printf 'run %s %s %s %s\\n' "${id##*/}" "$s" "$(left)" "$wall"
  [ ! -e "$undo/hosts" ] || sed 's/^/host /' "$undo/hosts"
  case $s in failed | went-back) sed 's/^/at /' "$undo/$s" ;; esac
done
"""


@dataclass(frozen=True)
class Batch:
    """What undoes one batch on one host. Names sort in the order of going back."""

    name: str
    steps: tuple[Step, ...]


def arm(place: Place, run: str, batches: Sequence[Batch], *, seconds: int, hosts: str, lock: str = "") -> Script:
    """Keeps what undoes these batches, and lets the host wait `seconds` from now. TOO_LATE: it is going back."""
    text = _values(place, run, seconds=seconds, hosts=hosts)
    text += assign(program=program(run, place.undo(run), lock=lock, units=place.units, pause=place.pause))
    return Script(text + DIE + STATE + TAKE + _wait(run), packed(batches), timeout=TIMEOUT)


def wait(place: Place, run: str, *, seconds: int, hosts: str) -> Script:
    """Lets a host that has something to undo wait `seconds` from now, no longer and no shorter."""
    return Script(_values(place, run, seconds=seconds, hosts=hosts) + DIE + STATE + _wait(run), timeout=TIMEOUT)


def drop(place: Place, run: str, labels: Iterable[str]) -> Script:
    """Forgets what undoes these batches: there is nothing of them to undo. Says NOTHING where there is nothing else."""
    return Script(_values(place, run, labels=" ".join(labels)) + DIE + CLEAN_UP + STATE + DROP, timeout=TIMEOUT)


def confirm(place: Place, run: str) -> Script:
    """What changed stays. TOO_LATE: the host went back; NOT_HERE: it does not wait for this run."""
    return Script(_values(place, run) + DIE + CLEAN_UP + STATE + CONFIRM, timeout=TIMEOUT)


def tell(place: Place) -> Script:
    """Which runs wait on this host, or went back by themselves."""
    return Script(assign(runs=place.runs) + LEFT + TELL, timeout=30)


def packed(batches: Iterable[Batch]) -> bytes:
    """sh that makes the directories of the batches where it runs."""
    return "".join(_unpack(batch) for batch in batches).encode()


def _unpack(batch: Batch) -> str:
    lines = [f"mkdir {quote(batch.name)} && cd {quote(batch.name)} || exit 1\n"]
    for number, (name, script) in enumerate(batch.steps):
        text = script.text.encode("utf-8", "surrogateescape")
        step = f"{script.timeout:.0f}\n{' '.join(name.split())}\n".encode("utf-8", "surrogateescape")
        for suffix, content in (("sh", text), ("in", script.stdin), ("step", step)):
            lines.append(f"base64 -d >{number:02d}.{suffix} <<'END' || exit 1\n{_base64(content)}END\n")
    return "".join(lines) + "cd .. || exit 1\n"


def _base64(content: bytes) -> str:
    return base64.encodebytes(content).decode()


def _wait(run: str) -> str:
    """The timer's text stands in a here-document, where the host puts its own times in."""
    return WAIT.replace("$TIMER", TIMER.format(run=run).rstrip("\n"))


def _values(place: Place, run: str, **more: object) -> str:
    undo = place.undo(run)
    given = {key: str(value) for key, value in more.items()}
    service = SERVICE.format(run=run, undo=undo)
    return assign(undo=undo, units=place.units, name=unit_name(run), service=service, **given)


@dataclass(frozen=True)
class Waiting:
    """A run on one host: `state` is armed, going-back, went-back or failed.

    `left` are the seconds until it goes back, `until` the time of that by the host's clock (seconds of the epoch), `at`
    when it ended (UTC). `hosts` are those of the run, with the seconds after the first one's deadline.
    """

    run: str
    state: str
    left: int
    until: int
    hosts: Mapping[str, int]
    at: str = ""


def told(said: str) -> list[Waiting]:
    """What `tell` said."""
    runs: list[Waiting] = []
    hosts: dict[str, int] = {}
    for line in said.splitlines():
        kind, *words = line.split(" ")
        if kind == "run" and len(words) == 4:
            hosts = {}
            runs.append(Waiting(words[0], words[1], int(words[2]), int(words[3]), hosts))
        elif kind == "host" and len(words) == 2 and runs:
            hosts[words[0]] = int(words[1])
        elif kind == "at" and words and runs:
            runs[-1] = Waiting(**{**vars(runs[-1]), "at": words[0]})
    return runs
