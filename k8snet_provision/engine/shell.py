"""Values on their way into sh text: the one place that quotes them."""

from __future__ import annotations

import shlex

CONFLICT = 75
"""Exit code of a step that found something else than the plan saw (sysexits' EX_TEMPFAIL: plan again)."""

DIE = """
die() { code=$1; shift; printf '%s\\n' "$*" >&2; exit "$code"; }
"""

STAGE = """
# Names a new directory in $1 after this process. What processes that are gone left there (the power failed) goes first.
stage_in() {
  for left in "$1"/.k8snet-provision.*.??????; do
    pid=${left%.*}; pid=${pid##*.}
    [ ! -d "$left" ] || kill -0 "$pid" 2>/dev/null || rm -rf -- "$left"
  done
  mktemp -d -- "$1/.k8snet-provision.$$.XXXXXX"
}
"""


def assign(**values: str) -> str:
    """Lines that set sh variables. Whatever a value holds, it is a value: quotes, `$()`, newlines."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())


def command(*words: str) -> str:
    """One command line of literal words."""
    return shlex.join(words)


def bounded(seconds: float, what: str, line: str) -> str:
    """Runs a command line for at most `seconds` on the host itself, where a closed connection ends nothing.

    Ends the script with the command's own exit code; a time-out says what was waited for.
    """
    return (
        f"timeout -k 5 {seconds:g} {line} || {{ code=$?; [ $code -ne 124 ] || "
        f"printf '%s\\n' {shlex.quote(f'{what} did not finish within {seconds:g} s')} >&2; exit $code; }}\n"
    )
