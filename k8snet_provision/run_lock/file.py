"""The lock as a file of a control-plane host, taken, renewed, taken over and released by one sh script each.

No clock is compared with another one: the file says how long the host had been up when it was renewed last.
"""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from k8snet_provision.engine.script import Output, Script

PATH = "/var/lib/k8snet-provision/lock"

HELD = 3
"""Exit status by which the scripts say that somebody else holds the lock; stdout says who."""

TIMEOUT = 20.0
"""Seconds for one script; it takes some milliseconds."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock: user@host and process, since when (UTC), and the seconds since the last sign of life."""

    who: str
    since: str
    age: int

    def __str__(self) -> str:
        return f"{self.who} since {self.since}, last sign of life {self.age} s ago"


READ = """
read -r up rest </proc/uptime; up=${up%.*}
read -r boot </proc/sys/kernel/random/boot_id
# Sets id, who, since and age of a lock's file; of one from before the last boot, the host's uptime is the age.
look() {
  id= who= since= then_boot= then_up=
  { read -r id; read -r who; read -r since; read -r then_boot; read -r then_up; } 2>/dev/null <"$1"
  [ -e "$1" ] || return 1
  case $then_up in '' | *[!0-9]*) then_boot= ;; esac
  if [ "$then_boot" = "$boot" ]; then age=$((up - then_up)); else age=$up; fi
}
tell() { printf '%s\\n' "$who" "$since" "$age"; }
"""

HOLD = """
umask 077
mkdir -p -- "${lock%/*}" || exit 1
new=$lock.$mine
trap 'rm -f -- "$new"' EXIT
begun=$(date -u +%Y-%m-%dT%H:%M:%SZ)
for try in 1 2 3 4 5; do
  if look "$lock"; then
    [ "$id" = "$mine" ] && begun=$since
    ours=; [ "$id" = "$mine" ] && [ "$age" -lt "$seconds" ] && ours=1
    [ "$ours" ] || [ "$age" -ge "$seconds" ] || { tell; exit 3; }
  else
    id= ours=
  fi
  printf '%s\\n' "$mine" "$me" "$begun" "$boot" "$up" >"$new" || exit 1
  if [ "$ours" ]; then mv -f -- "$new" "$lock"; exit; fi
  if [ -e "$lock" ]; then
    # One successor only: who links this name, and sees that nothing has changed since, replaces the dead holder.
    claim=$lock.after.$id
    if ! ln -- "$new" "$claim" 2>/dev/null; then
      look "$claim" && [ "$age" -ge "$seconds" ] && rm -f -- "$claim"
      continue
    fi
    dead=$id
    look "$lock"
    if [ "$id" = "$dead" ] && [ "$age" -ge "$seconds" ]; then mv -f -- "$new" "$lock"; rm -f -- "$claim"; exit; fi
    rm -f -- "$claim"
  else
    ln -- "$new" "$lock" 2>/dev/null && exit
  fi
done
look "$lock" && { tell; exit 3; }
echo "$lock cannot be made"; exit 1
"""
"""Takes the lock or renews it. A file appears and is replaced as a whole: `ln` fails where there is one, `mv` is
atomic."""

RELEASE = """look "$lock" || exit 0; [ "$id" != "$mine" ] || rm -f -- "$lock" """

TELL = """look "$lock" || exit 0; [ "$age" -ge "$seconds" ] || { tell; exit 3; }"""


def hold(path: str, identity: str, who: str, seconds: float) -> Script:
    """Exit 0: held by `identity` for `seconds` from now; HELD: by somebody else; anything else: cannot be said."""
    return _script(HOLD, path, seconds, mine=identity, me=who)


def release(path: str, identity: str, seconds: float) -> Script:
    return _script(RELEASE, path, seconds, mine=identity)


def tell(path: str, seconds: float) -> Script:
    """HELD where a living holder has it, exit 0 where nobody does."""
    return _script(TELL, path, seconds)


def _script(text: str, path: str, seconds: float, **values: str) -> Script:
    assigned = {"lock": path, "seconds": str(round(seconds)), **values}
    lines = "\n".join(f"{name}={quote(value)}" for name, value in assigned.items())
    return Script(f"LC_ALL=C\n{lines}\n{READ}\n{text}", timeout=TIMEOUT)


def holder(answer: Output) -> Holder | None:
    """Whom a script found; None where it found nobody, or could not look."""
    lines = answer.stdout.decode("utf-8", "replace").splitlines()
    if answer.code != HELD or len(lines) != 3:
        return None
    return Holder(lines[0] or "somebody unknown", lines[1] or "an unknown time", int(lines[2]))
