"""Running processes by executable name, with the command line they were started with."""

from __future__ import annotations

from shlex import quote

from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe


def probe(executable: str) -> Probe:
    """Looks at argv[0] and not at the kernel's comm, which is cut at 15 characters."""
    return Probe(
        f"process:{executable}",
        f"""
found={ABSENT_CODE}
for p in /proc/[0-9]*/cmdline; do
  IFS= read -r line <"$p" 2>/dev/null
  case $line in *{quote(executable)}*) ;; *) continue ;; esac
  argv=$(tr '\\0' '\\037' <"$p") || continue
  first=${{argv%%"$(printf '\\037')"*}}
  [ "${{first##*/}}" = {quote(executable)} ] || continue
  pid=${{p#/proc/}}; printf '%s\\037%s\\n' "${{pid%/cmdline}}" "$argv"; found=0
done
exit $found
""",
    )


def read(seen: HostSeen, executable: str) -> dict[int, tuple[str, ...]]:
    """pid -> argv of every process of that name; empty when none runs; raises Unknown."""
    lines = (seen.text(f"process:{executable}") or "").split("\n")
    words = [[word for word in line.split("\x1f") if word] for line in lines if line]
    return {int(pid): tuple(argv) for pid, *argv in words}
