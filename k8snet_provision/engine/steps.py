"""Steps as the host itself keeps them: a line before and after each, whatever becomes of the operator."""

from __future__ import annotations

from dataclasses import replace

from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import assign

FILE = "steps"

SECONDS = 20.0
"""For two lines to reach a slow disk."""

KEPT = """
keep() {
  (umask 077 && printf '%s %s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$step" >>"$steps") && sync -- "$steps" ||
    { echo "$steps cannot be written, so the step was not begun" >&2; return 1; }
}
keep start || exit 1
"""

ENDED = """
code=$?
[ "$code" -eq 0 ] && keep done || keep failed
exit "$code"
"""


def kept(script: Script, name: str, directory: str) -> Script:
    """The script with a line `TIME start|done|failed NAME` in `directory` around it, synced; its exit code stays."""
    words = assign(step=" ".join(name.split()), steps=f"{directory}/{FILE}")
    text = f"{words}{KEPT}(\n{script.text}\n){ENDED}"
    return replace(script, text=text, timeout=script.timeout + SECONDS)
