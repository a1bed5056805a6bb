"""All kernel parameters of a host in one go: one grep, because the shell's own `read` cannot read /proc/sys.

(It asks for one byte at a time, and /proc/sys answers the first byte only.)
"""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote

from k8snet_provision.resources.files_at_once import Numbered
from k8snet_provision.resources.probe import Seen, State


def compose(probes: Numbered, boundary: str, otherwise: Mapping[int, str]) -> str:
    """sh that prints `PATH:line` of every parameter; for what cannot be read it runs its part of `otherwise`."""
    chosen = "".join(
        f'p={quote(probe.parameter)}; if [ -r "$p" ]; then set -- "$@" "$p"\nelse {otherwise[number]}\nfi\n'
        for number, probe in probes.items()
    )
    return f"""set --
{chosen}printf '\\n{boundary} values\\n'
grep -H '' -- /dev/null "$@" 2>/dev/null
printf '{boundary} end values\\n'
"""


def decode(probes: Numbered, boundary: str, output: bytes) -> dict[int, Seen]:
    """The parameters that were printed, by number; `output` is what follows the line "values"."""
    block, found, _ = output.partition(f"{boundary} end values\n".encode())
    answers = {}
    for number, probe in probes.items():
        name = probe.parameter.encode("utf-8", "surrogateescape") + b":"
        lines = [line[len(name) :] for line in block.splitlines(keepends=True) if line.startswith(name)]
        if found and lines:
            answers[number] = Seen(State.PRESENT, b"".join(lines))
    return answers
