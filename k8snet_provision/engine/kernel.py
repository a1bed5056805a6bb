"""Kernel parameters and modules: now, and after the next boot.

Each is kept as one line of a file that is ours alone; the line is replaced, the others stay.
"""

from __future__ import annotations

from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import CONFLICT, DIE, assign, bounded

# $kept_in gets $line in place of the line whose first word, before any "=", is $key.
KEEP = (
    DIE
    + """
keep() {
  new="$kept_in.k8snet-provision"
  mkdir -p -- "${kept_in%/*}" && {
    [ ! -e "$kept_in" ] || awk -v key="$key" '{ word = $0; sub(/[ \\t]*=.*/, "", word) } word != key' "$kept_in"
    printf '%s\\n' "$line"
  } >"$new" && chmod 644 -- "$new" && sync -- "$new" && mv -fT -- "$new" "$kept_in" ||
    die 1 "$kept_in: cannot be written"
}
"""
)

SYSCTL = f"""
file=/proc/sys/$(printf '%s\\n' "$key" | tr ./ /.)
[ -e "$file" ] || die 1 "$key: this kernel has no such parameter"
live() {{ tr -s '\\t ' '  ' <"$file"; }}
now=$(live)
[ -z "$before" ] || [ "$now" = "$before" ] || [ "$now" = "$value" ] ||
  die {CONFLICT} "$key: changed since it was observed: it is $now"
printf '%s\\n' "$value" >"$file" || die 1 "$key: the kernel refuses the value $value"
[ "$(live)" = "$value" ] || die 1 "$key: the kernel made $(live) of $value"
keep
"""


def set_sysctl(key: str, value: str, *, kept_in: str, expected: str | None = None) -> Script:
    """Sets a parameter and keeps it in the file `kept_in` under /etc/sysctl.d.

    `expected` is the value the plan saw; ends with shell.CONFLICT when it is another by now. Values with
    single spaces between words, as sysctl(8) prints them.
    """
    values = assign(key=key, value=value, before=expected or "", kept_in=kept_in, line=f"{key} = {value}")
    return Script(values + KEEP + SYSCTL)


def load_module(name: str, *, kept_in: str) -> Script:
    """Loads a module, and keeps it in the file `kept_in` under /etc/modules-load.d."""
    values = assign(key=name, line=name, kept_in=kept_in)
    return Script(values + KEEP + bounded(20, f"modprobe {name}", 'modprobe -- "$key"') + "keep\n")
