"""What a host runs by itself when nobody confirmed: POSIX sh, and the systemd units that start it.

    /var/lib/k8snet-provision/runs/ID/undo/     root only, for files hold what was there before
      armed/PASS-PHASE-TARGET/NN.{sh,in,step}   one directory for each batch, in the order of going back
      going-back/                               what `armed` is called from the moment it is too late to confirm
      deadline                                  boot id, seconds of uptime, seconds of the epoch
      hosts                                     the hosts of the run: name, seconds after the first one's deadline
      go-back                                   this program
      log, went-back, failed                    what it did, and how it ended

Whoever renames `armed` first decides: the confirmation to `confirmed`, the host to `going-back`.
"""

from __future__ import annotations

from k8snet_provision.engine.shell import assign
from k8snet_provision.run_lock.file import HOLD, READ, RELEASE

UNITS = "/etc/systemd/system"
"""Not /run, where transient units live: a host that starts anew within the window must still go back."""

ATTEMPTS = 3
PAUSE = 15
"""Seconds between two attempts at what failed; an API server that restarts takes no longer."""

HOLDER = "going back of run {run} on this host"
"""How the lock's file names who holds it meanwhile."""

LOCKED_FOR = 60
"""Seconds, as a run's own lock."""

CLEAN_UP = """
clean_up() {
  rm -f -- "$units/$name.service" "$units/$name.timer" \\
    "$units/timers.target.wants/$name.timer" "$units/multi-user.target.wants/$name.service"
  timeout 60 systemctl stop "$name.timer" 2>/dev/null
  timeout 60 systemctl daemon-reload
}
"""

# The same boot: only the host's uptime counts, whatever happens to its clock. Another boot: its clock.
LEFT = """
left() {
  read -r boot up wall <"$undo/deadline" || { echo 0; return; }
  read -r now rest </proc/uptime
  read -r this </proc/sys/kernel/random/boot_id
  if [ "$boot" = "$this" ]; then echo $((up - ${now%.*})); else echo $((wall - $(date +%s))); fi
}
"""

GO_BACK = """
PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root
export PATH LC_ALL HOME
say() { printf '%s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" | tee -a "$undo/log"; }

if [ ! -d "$undo/going-back" ]; then
  [ -d "$undo/armed" ] || { clean_up; exit 0; }
  # The timer knows the clock and the time since it was started, and one of the two may be early.
  while rest=$(left); [ "$rest" -gt 0 ]; do
    [ "$rest" -le 60 ] || exit 0
    sleep "$rest"
  done
  mv -T -- "$undo/armed" "$undo/going-back" 2>/dev/null || exit 0
  umask 077
  say "nobody confirmed run $id: going back"
fi
umask 022
exec 9>"$undo/going-back/.alone"
flock -n 9 2>/dev/null || [ $? -ne 1 ] || exit 0
rm -f -- "$undo/failed"

renewal=
if [ "$lock" ]; then
  if held=$(hold 2>&1); then
    (exec 9>&- >/dev/null 2>&1; while sleep 15; do hold; done) &
    renewal=$!
  else
    say "the lock of the runs is not free, going back all the same: $(printf '%s' "$held" | tr '\\n' ' ')"
  fi
fi

# A step that fails ends its batch: programs are not started on half of their files.
undo_batch() {
  for script in "$1"/*.sh; do
    step=${script%.sh}
    { read -r seconds; read -r what; } <"$step.step"
    timeout -k 5 "$seconds" sh "$script" <"$step.in" >"$undo/said" 2>&1 9>&-
    code=$?
    if [ "$code" -eq 0 ]; then say "done: $what"; continue; fi
    [ "$code" -ne 124 ] || echo "it did not finish within $seconds s" >>"$undo/said"
    say "failed: $what: exit code $code: $(tail -n 3 "$undo/said" | tr '\\n' ' ')"
    return "$code"
  done
}

try=1
while :; do
  again= failed=
  for batch in "$undo"/going-back/*/; do
    batch=${batch%/}
    [ -d "$batch" ] || continue
    if undo_batch "$batch"; then rm -rf -- "$batch"; continue; fi
    failed="$failed ${batch##*/}"
    [ "$code" -eq 75 ] || again=1
  done
  [ "$again" ] && [ "$try" -lt "$attempts" ] || break
  try=$((try + 1))
  sleep "$pause"
done

ended=went-back
[ -z "$failed" ] || ended=failed
say "$ended"
(umask 077; date -u +%Y-%m-%dT%H:%M:%SZ >"$undo/$ended")
rm -f -- "$undo/said"
[ "$failed" ] || rm -rf -- "$undo/going-back"
[ -z "$renewal" ] || { kill "$renewal" 2>/dev/null; release; }
sync -f -- "$undo" 2>/dev/null || sync
clean_up
[ -z "$failed" ]
"""

SERVICE = """[Unit]
Description=k8snet-provision: puts back what run {run} changed, which nobody confirmed
After=multi-user.target

[Service]
Type=oneshot
ExecStart=/bin/sh {undo}/go-back
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
"""
"""At every boot it looks whether the time has come, or a putting back was cut off; both are decided by the program."""

TIMER = """[Unit]
Description=k8snet-provision: run {run} waits to be confirmed

[Timer]
OnActiveSec=$seconds
OnCalendar=$(date -u -d "@$wall" '+%Y-%m-%d %H:%M:%S UTC')
AccuracySec=1s

[Install]
WantedBy=timers.target
"""
"""sh text: the seconds since it was started, for hosts that stay up, and the clock, for a host that starts anew."""


def unit_name(run: str) -> str:
    return f"k8snet-provision-undo-{run}"


def program(run: str, undo: str, *, lock: str, units: str = UNITS, pause: int = PAUSE) -> str:
    """The program of one host. `lock` is the path of the runs' lock on a control-plane host, else empty."""
    values = assign(
        id=run,
        undo=undo,
        units=units,
        name=unit_name(run),
        lock=lock,
        attempts=str(ATTEMPTS),
        pause=str(pause),
        mine=f"undo-{run}",
        me=HOLDER.format(run=run),
        seconds_locked=str(LOCKED_FOR),
    )
    hold = f"hold() (\nseconds=$seconds_locked\n{READ}\n{HOLD}\n)\n"
    release = f"release() (\nseconds=$seconds_locked\n{READ}\n{RELEASE}\n)\n"
    return f"#!/bin/sh\n# Puts back what run {run} changed.\n{values}{hold}{release}{CLEAN_UP}{LEFT}{GO_BACK}"
