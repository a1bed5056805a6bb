"""sh that finds a host's Kubernetes programs, their flags, and their files as they see them."""

from __future__ import annotations

PROGRAMS = ("kube-apiserver", "etcd", "kubelet", "kube-controller-manager", "kube-scheduler", "kube-proxy")

FUNCTIONS = (
    r"""
running=
for p in /proc/[0-9]*; do
  line=; { IFS= read -r line <"$p/cmdline"; } 2>/dev/null
  case $line in *kube-* | *etcd* | *kubelet*) ;; *) continue ;; esac
  { words=$(tr '\0' '\n' <"$p/cmdline"); } 2>/dev/null || continue
  first=${words%%
*}
  case ${first##*/} in """
    + " | ".join(PROGRAMS)
    + r""") ;; *) continue ;; esac
  running="$running${first##*/} ${p#/proc/}
"
  eval "argv_${p#/proc/}=\$words"
done
pids() {
  while read -r name pid; do [ "$name" != "$1" ] || echo "$pid"; done <<END
$running
END
}
# Flags are given as --flag=value or in two words; etcd takes one dash too. The last one counts.
flag() {
  eval "words=\$argv_$1"; value= next=
  while IFS= read -r word; do
    if [ "$next" ]; then value=$word next=; continue; fi
    case $word in "--$2="* | "-$2="*) value=${word#*=} ;; "--$2" | "-$2") next=1 ;; esac
  done <<END
$words
END
  printf '%s' "$value"
}
variable() { { tr '\0' '\n' <"/proc/$1/environ"; } 2>/dev/null | sed -n "s/^$2=//p" | tail -n 1; }
yaml() { sed -n "s/^ *$2: *[\"']\{0,1\}\([^\"'# ]*\).*/\1/p" "$1" 2>/dev/null; }
# A setting of etcd: by flag, by variable of its environment, by its configuration file.
etcd_setting() {
  given=$(flag "$1" "$2")
  [ "$given" ] || given=$(variable "$1" "ETCD_$(printf %s "$2" | tr 'a-z-' 'A-Z_')")
  [ "$given" ] || { file=$(flag "$1" config-file); [ -z "$file" ] || given=$(yaml "$file" "$2" | head -n 1); }
  printf '%s' "$given"
}
# A program of another cluster, whose control plane runs in pods of this one, has files of its own.
foreign() { [ -e "/proc/$1/root$2" ] && ! [ "$2" -ef "/proc/$1/root$2" ]; }
"""
)
"""`running` and what asks it are shared by all probes of a script; paths in a pod's argv are mounted from the host."""
