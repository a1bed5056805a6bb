"""All of a host's plain files in one go: one stat and one head, however many there are.

Starting a program costs a host about a millisecond of processor time, opening a file a few microseconds.
Two programs for each file are what an observation of many files would spend its time on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from shlex import quote

from k8snet_provision.resources.file import LARGEST
from k8snet_provision.resources.probe import Probe, Seen, State

Numbered = dict[int, Probe]
"""Probes by the number under which they answer."""


def compose(probes: Numbered, boundary: str, otherwise: Mapping[int, str]) -> str:
    """sh that sends every readable plain file; for what is none it runs the probe's own part of `otherwise`.

    One that is too large is told by its size alone.
    """
    chosen = "".join(
        f'p={quote(probe.path)}; if [ -f "$p" ] && [ -r "$p" ]; then set -- "$@" "$p"; n="$n {number}"\n'
        f"else {otherwise[number]}\nfi\n"
        for number, probe in probes.items()
    )
    return f"""set --; n=
{chosen}printf '\\n{boundary} files%s\\n' "$n"
if [ $# -gt 0 ]; then
  stats=$(stat -L -c '%a %U %G %s' -- "$@" 2>/dev/null) && printf '%s\\n{boundary}\\n' "$stats" && {{
    for size in $(printf '%s\\n' "$stats" | sed 's/.* //'); do
      p=$1; shift
      [ "$size" -gt {LARGEST} ] || set -- "$@" "$p"
    done
    [ $# -eq 0 ] || head -q -c {LARGEST + 1} -- "$@" 2>/dev/null
  }}
fi
printf '\\n{boundary} end %d\\n' "$?"
"""


def decode(probes: Numbered, boundary: str, output: bytes) -> dict[int, Seen]:
    """The answers of the files that were sent, by number; `output` is what follows the word "files"."""
    numbers, _, rest = output.partition(b"\n")
    sent = [int(number) for number in numbers.split()]
    if not sent:
        return {}
    stats, found, contents = rest.partition(f"{boundary}\n".encode())
    lines = stats.decode("utf-8", "replace").splitlines()
    sizes = [int(line.rpartition(" ")[2]) for line in lines]
    if not found or len(sizes) != len(sent):
        return _unknown(sent, "stat failed, or the answer was cut short")
    total = sum(size for size in sizes if size <= LARGEST)
    if not contents[total:].startswith(f"\n{boundary} end 0\n".encode()):
        return _unknown(sent, "a file changed while it was read, or the answer was cut short")
    answers = {}
    for number, line, size in zip(sent, lines, sizes, strict=True):
        if size > LARGEST:
            answers[number] = Seen(State.UNKNOWN, why=f"larger than {LARGEST} bytes: {size}")
            continue
        content, contents = contents[:size], contents[size:]
        path = probes[number].path.encode("utf-8", "surrogateescape")
        answers[number] = Seen(State.PRESENT, f"{line} {len(path)}\n".encode() + path + content + b"\n")
    return answers


def _unknown(numbers: Iterable[int], why: str) -> dict[int, Seen]:
    return {number: Seen(State.UNKNOWN, why=why) for number in numbers}
