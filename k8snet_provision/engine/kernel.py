"""Kernel parameters and modules: now, and after the next boot.

Each is kept as one line of a file that is ours alone; the line is replaced, the others stay.
"""

from __future__ import annotations

from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import CONFLICT, DIE, assign, bounded

# $kept_in gets $line in place of the line whose first word, before any "=", is $key, and loses that line where $line is
# empty. A file that nothing is left in goes: then nothing was ever kept in it.
KEEP = (
    DIE
    + """
kept() {
  [ ! -e "$kept_in" ] || key=$key line=$line awk '
    { word = $0; sub(/[ \\t]*=.*/, "", word) }
    word != ENVIRON["key"] { print; next }
    ENVIRON["line"] != "" && !said++ { print ENVIRON["line"] }' "$kept_in"
}
keep() {
  new="$kept_in.k8snet-provision"
  mkdir -p -- "${kept_in%/*}" && kept >"$new" || die 1 "$kept_in: cannot be written"
  [ -z "$line" ] || grep -qxF -- "$line" "$new" || printf '%s\\n' "$line" >>"$new"
  if [ -s "$new" ] && [ "$(cat -- "$new")" = "$(cat -- "$kept_in" 2>/dev/null)" ]; then rm -f -- "$new"
  elif [ -s "$new" ]; then
    chmod 644 -- "$new" && sync -- "$new" && mv -fT -- "$new" "$kept_in" || die 1 "$kept_in: cannot be written"
  else rm -f -- "$new" "$kept_in"; fi
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


UNLOAD = """
if [ -d "/sys/module/$(printf '%s\\n' "$key" | tr - _)" ]; then
  said=$(timeout -k 5 20 modprobe -r -- "$key" 2>&1) || echo "module $key stays loaded: $said"
fi
keep
"""


def set_sysctl(key: str, value: str, *, kept_in: str, expected: str | None = None, line: str | None = None) -> Script:
    """Sets a parameter and keeps it in the file `kept_in` under /etc/sysctl.d.

    `line` is what is kept there, empty for nothing; the value when it is None. `expected` is the value the plan saw;
    ends with shell.CONFLICT when it is another by now. Values with single spaces between words, as sysctl(8) prints
    them.
    """
    kept = f"{key} = {value}" if line is None else line
    values = assign(key=key, value=value, before=expected or "", kept_in=kept_in, line=kept)
    return Script(values + KEEP + SYSCTL)


def load_module(name: str, *, kept_in: str) -> Script:
    """Loads a module, and keeps it in the file `kept_in` under /etc/modules-load.d."""
    values = assign(key=name, line=name, kept_in=kept_in)
    return Script(values + KEEP + bounded(20, f"modprobe {name}", 'modprobe -- "$key"') + "keep\n")


def unload_module(name: str, *, kept_in: str, line: str = "") -> Script:
    """Unloads a module, with those that only it needed, and keeps `line` of it in `kept_in`, empty for none.

    One that is in use stays loaded until the next boot, which the script says: it harms nobody.
    """
    return Script(assign(key=name, line=line, kept_in=kept_in) + KEEP + UNLOAD)
