"""The sh scripts: take a snapshot of etcd on a host, verify it, keep the newest ones.

etcdctl comes from etcd's own static pod or from the host's PATH. A process is taken for etcd's static pod only by its
cgroup: the kubelet names a static pod by a digest of its manifest, which is root's; pods that come through the API
have a UUID, and whatever they call their processes, nothing of theirs is run.
"""

from __future__ import annotations

from dataclasses import dataclass

from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import assign

KEPT = 5
DAYS = 30
"""How many snapshots a host keeps, and for how many days."""

MARGIN = 2
RESERVE = 64 * 1024 * 1024
"""Room wanted: MARGIN times the database, and so many bytes more; etcd's own data mostly lies on the same disk."""

ASK = 5
SAVE = 180
VERIFY = 120
"""Seconds for a question to etcd, for the snapshot, for each way of verifying it. etcd recommends at most 8 GB."""

ENDPOINTS = 5
"""At most so many endpoints are tried; a host's own etcd is one of them, or two."""

TIMEOUT = (ASK + 10.0) * (ENDPOINTS + 1) + SAVE + 2 * VERIFY + 30
"""Seconds for the whole script; mostly it takes less than two."""

EXITS = {
    10: "K8N451",
    11: "K8N452",
    12: "K8N453",
    13: "K8N454",
    14: "K8N455",
    15: "K8N456",
}
"""The script's exit codes."""


@dataclass(frozen=True)
class Access:
    """How kube-apiserver reaches etcd: its --etcd-servers, and the files of its client certificate (empty: none).

    `apiserver` is its unit, or its manifest's path.
    """

    endpoints: tuple[str, ...]
    ca: str = ""
    certificate: str = ""
    key: str = ""
    apiserver: str = ""


PRUNE = """
# Removes what is older than $days, and of the rest all but the newest $kept; $file stays.
prune() {
  find "$runs" -mindepth 2 -maxdepth 2 -name etcd.db -type f -mmin "+$((days * 1440))" ! -path "$file" 2>/dev/null |
    while IFS= read -r old; do drop "$old"; done
  others=$kept; [ -z "$file" ] || others=$((kept - 1))
  ls -1d "$runs"/*/etcd.db 2>/dev/null | grep -vxF -- "$file" | sort -r | tail -n "+$((others + 1))" |
    while IFS= read -r old; do drop "$old"; done
}
drop() { rm -f -- "$1" "${1%/*}/etcdutl"; rmdir -- "${1%/*}" 2>/dev/null || :; }
"""

IS_STATIC_POD = """
# A cgroup (its file is $1) of a static pod, and nothing that a pod with a UUID made below its own.
is_static_pod() { grep -Eq '/kubepods.*pod[0-9a-f]{32}([/.]|$)' "$1" && ! grep -Eq 'pod[0-9a-f]{8}[-_]' "$1"; }
"""

FIND = """
PATH=$PATH:/usr/local/bin:/opt/bin
export NO_PROXY='*' no_proxy='*'
for name in $(env | sed -n 's/^\\(ETCDCTL_[A-Z_]*\\)=.*/\\1/p'); do unset "$name"; done

# What runs as etcd in the host's own network; of clusters that are hosted in this one there may be others.
running= inside=
for proc in /proc/[0-9]*; do
  { read -r comm <"$proc/comm"; } 2>/dev/null && [ "$comm" = etcd ] || continue
  [ "$(readlink "$proc/ns/net")" = "$(readlink /proc/self/ns/net)" ] || continue
  running="$running ${proc#/proc/}"
  [ -z "$inside" ] && is_static_pod "$proc/cgroup" && exe=$(readlink "$proc/exe") && inside=$proc/root${exe%/*}
done
tool() { if [ -n "$inside" ] && [ -x "$inside/$1" ]; then printf '%s' "$inside/$1"; else command -v "$1"; fi; }
ctl=$(tool etcdctl) || die 10 "no etcdctl in $PATH, nor in a static pod of etcd"
util=$(tool etcdutl)

# What the etcd of process $1 was told on its command line or by its environment: --$2 or ETCD_$3.
told() {
  said=$(tr '\\0' '\\n' <"/proc/$1/cmdline" |
    sed -n -e "s/^--\\{0,1\\}$2=//p" -e "/^--\\{0,1\\}$2\\$/{n;p;}" | tail -n 1)
  [ -n "$said" ] || said=$(tr '\\0' '\\n' <"/proc/$1/environ" | sed -n "s/^ETCD_$3=//p" | tail -n 1)
  printf '%s' "$said"
}
"""

REACH = """
for path in "$ca" "$certificate" "$key"; do
  [ -z "$path" ] || [ -r "$path" ] || die 11 "$path is not there"
done
ask() { timeout -k 5 "$((ask + 5))" "$ctl" "--endpoints=$endpoint" "--command-timeout=${ask}s" "$@"; }
c() { ask ${ca:+"--cacert=$ca"} ${certificate:+"--cert=$certificate"} ${key:+"--key=$key"} "$@"; }

addresses=$(
  ip -o addr show 2>/dev/null | sed -n 's/.* inet6\\{0,1\\} \\([^/ ]*\\).*/\\1/p'
  hostname -I 2>/dev/null | tr ' ' '\\n'
)
is_own() {
  host=${1#*://}; host=${host%%/*}
  case $host in \\[*) host=${host#?}; host=${host%%]*} ;; *) host=${host%:*} ;; esac
  for address in "$host" $(getent ahosts "$host" 2>/dev/null | sed 's/ .*//' | sort -u); do
    case $address in 127.* | ::1) return 0 ;; esac
    printf '%s\\n' "$addresses" | grep -qxF -- "$address" && return 0
  done
  return 1
}
own= other= where=host
set -f
for one in $endpoints; do if is_own "$one"; then own="$own $one"; else other="$other $one"; fi; done
[ -n "$own" ] || { own=$other; where=elsewhere; }
said="kube-apiserver names no endpoint"; status=
for endpoint in $(printf '%s\\n' $own | head -n "$most"); do
  said=$(c endpoint status -w json 2>&1 >"$work/status") && status=$(cat "$work/status") && break
  said="$endpoint: $said"
done
set +f
[ -n "$status" ] || die 12 "$said"
members=$(c member list -w json 2>"$work/said") || die 12 "$endpoint: $(cat "$work/said")"
size=$(printf '%s' "$status" | sed -n 's/.*"dbSize":\\([0-9][0-9]*\\).*/\\1/p')
[ -n "$size" ] || die 12 "$endpoint: it does not tell the size of its database"
"""

SAVE_AND_VERIFY = """
mkdir -p -- "$runs" || die 13 "$runs cannot be made"
free=$(df -Pk -- "$runs" | tail -n 1 | { read -r _ _ _ free _; printf '%s' "$free"; })
need=$(((size * margin + reserve) / 1024))
[ "${free:-0}" -ge "$need" ] || die 13 "$runs: $free KiB are free, a database of $((size / 1024)) KiB needs $need KiB"
[ -d "$dir" ] || { mkdir -- "$dir" && made=$dir; } || die 13 "$dir cannot be made"
rm -f -- "$new" "$new.part"

timeout -k 5 "$save" "$ctl" "--endpoints=$endpoint" ${ca:+"--cacert=$ca"} ${certificate:+"--cert=$certificate"} \\
  ${key:+"--key=$key"} snapshot save "$new" >/dev/null 2>"$work/said" || {
  code=$?; [ $code -ne 124 ] || echo "it did not finish within $save s" >>"$work/said"
  die 14 "$endpoint: $(tail -n 1 "$work/said")"
}
# The database is followed by its SHA-256, as etcd sent it. `snapshot status` does not look at it, a restore does.
sent=$(tail -c 32 -- "$new" | od -An -v -tx1 | tr -d ' \\n')
found=$(head -c -32 -- "$new" | timeout -k 5 "$verify" sha256sum); found=${found%% *}
[ "$found" = "$sent" ] || die 15 "SHA-256 $found, etcd sent $sent"
if [ -n "$util" ]; then set -- "$util"; else set -- "$ctl"; fi
snapshot=$(timeout -k 5 "$verify" "$@" snapshot status "$new" -w json 2>"$work/said") ||
  die 15 "$(tail -n 1 "$work/said")"
keys=$(printf '%s' "$snapshot" | sed -n 's/.*"totalKey":\\([0-9][0-9]*\\).*/\\1/p')
[ "${keys:-0}" -gt 0 ] || die 15 "it holds no key: ${snapshot:-nothing was said of it}"
# A restore mostly comes when etcd no longer runs, and no container has its tools then.
if [ -n "$inside" ] && [ "$util" = "$inside/etcdutl" ]; then
  cp -- "$util" "$dir/etcdutl" && chmod 700 "$dir/etcdutl" || die 13 "$dir/etcdutl cannot be written"
  util=$dir/etcdutl
fi
sync -- "$new" && mv -f -- "$new" "$file" && sync -- "$dir" || die 13 "$file cannot be written"
prune
say() { printf '%s %s\\n' "$1" "$2"; }
data= unit= pod= port=${endpoint##*:}
[ "$where" = host ] || running=
for pid in $running; do
  case "$(told "$pid" listen-client-urls LISTEN_CLIENT_URLS)," in *":${port%/},"*) ;; *) continue ;; esac
  data=$(told "$pid" data-dir DATA_DIR)
  if is_static_pod "/proc/$pid/cgroup"; then pod=$pid; fi
  unit=$(sed -n 's/.*\\/\\([^/]*\\)\\.service$/\\1/p' "/proc/$pid/cgroup" | head -n 1)
  break
done
say status "$status"; say members "$members"; say snapshot "$snapshot"; say endpoint "$endpoint"
say size "$(stat -c %s -- "$file")"; say digest "$sent"; say data_dir "$data"
say static_pod "$pod"; say unit "$unit"; say etcdutl "$util"
"""

BEGIN = """
LC_ALL=C; export LC_ALL
umask 077
die() { code=$1; shift; printf '%s\\n' "$*" >&2; exit "$code"; }
dir=$runs/$run; file=$dir/etcd.db; new=$dir/etcd.db.new
made=
work=$(mktemp -d) || die 13 "no temporary file can be made"
end() {
  rm -rf -- "$work"; rm -f -- "$new" "$new.part"
  [ -e "$file" ] || rm -f -- "$dir/etcdutl"
  [ -e "$file" ] || [ -z "$made" ] || rmdir -- "$made" 2>/dev/null || :
}
trap end EXIT
trap 'exit 14' HUP INT TERM
"""


def taken(access: Access, runs: str, run_id: str) -> Script:
    """Takes, verifies and keeps RUNS/RUN_ID/etcd.db; its exit code is 0 or one of EXITS."""
    values = {"endpoints": " ".join(access.endpoints), "ca": access.ca, "certificate": access.certificate}
    values |= {"key": access.key, "runs": runs, "run": run_id, "kept": str(KEPT), "days": str(DAYS)}
    values |= {"margin": str(MARGIN), "reserve": str(RESERVE), "ask": str(ASK), "save": str(SAVE)}
    values |= {"verify": str(VERIFY), "most": str(ENDPOINTS)}
    text = f"{assign(**values)}{BEGIN}{PRUNE}{IS_STATIC_POD}{FIND}{REACH}{SAVE_AND_VERIFY}"
    return Script(text, timeout=TIMEOUT)


def pruned(runs: str) -> Script:
    """Removes what is too old or too many on a host where none was taken this time."""
    values = {"runs": runs, "file": "", "kept": str(KEPT), "days": str(DAYS)}
    return Script(f"LC_ALL=C; export LC_ALL\n{assign(**values)}{PRUNE}\nprune", timeout=30.0)
