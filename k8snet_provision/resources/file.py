"""Files: content, mode and owner; and the frame in which probes send several files at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote

from k8snet_provision.change import Change, Kind
from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe, Unknown

LARGEST = 1024 * 1024
"""Bytes. No file this tool edits comes near it; what is larger is not a configuration and is not fetched."""

SEND_FILE = f"""
send_file() {{
  if [ ! -e "$1" ]; then
    [ -d "${{1%/*}}" ] || [ ! -e "${{1%/*}}" ] && return {ABSENT_CODE}
    echo "$1: its directory cannot be read"; return 1
  fi
  [ -f "$1" ] || {{ echo "$1: not a regular file"; return 1; }}
  set -- "$1" "$(stat -L -c '%a %U %G %s' -- "$1")" || {{ echo "$1: stat failed"; return 1; }}
  [ "${{2##* }}" -le {LARGEST} ] || {{ echo "$1: larger than {LARGEST} bytes: ${{2##* }}"; return 1; }}
  printf '%s %s\\n%s' "$2" "${{#1}}" "$1"
  cat -- "$1" || return 1
  echo
}}
"""
"""sh function `send_file PATH`: prints "MODE OWNER GROUP SIZE LENGTH" and a newline, LENGTH bytes of path, SIZE
bytes of content, a newline. Lengths, because a path may hold any character."""


@dataclass(frozen=True)
class File:
    """What a file is: `mode` in octal digits without a leading zero, as stat's %a prints it."""

    path: str
    content: bytes
    mode: str = "644"
    owner: str = "root"
    group: str = "root"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def probe(path: str) -> Probe:
    return Probe(f"file:{path}", f"{SEND_FILE}\nsend_file {quote(path)}", path)


def read(seen: HostSeen, path: str) -> File | None:
    """The file as the host has it, None when it is not there; raises Unknown."""
    data = seen.data(f"file:{path}")
    return None if data is None else unpack(seen.host, data)[0]


def unpack(host: str, data: bytes) -> list[File]:
    """The files of one answer, in the order in which `send_file` printed them."""
    files = []
    while data.strip(b"\n"):
        header, _, rest = data.partition(b"\n")
        words = header.decode("utf-8", "replace").split(" ")
        if len(words) != 5 or not all(word.isdigit() for word in words[3:]):
            raise Unknown(host, "file", "its answer cannot be read")
        size, length = int(words[3]), int(words[4])
        path, content = rest[:length], rest[length : length + size]
        if len(content) < size:
            raise Unknown(host, "file", "its answer was cut short")
        files.append(File(path.decode("utf-8", "surrogateescape"), content, *words[:3]))
        data = rest[length + size + 1 :]
    return files


def change(
    phase: str,
    host: str,
    before: File | None,
    after: File | None,
    *,
    restarts: tuple[str, ...] = (),
    reloads: tuple[str, ...] = (),
    because: str = "",
    validate: str = "",
    stage: str = "",
    secret: bool = False,
) -> Iterator[Change]:
    """The change between two states of one path, if there is one.

    `validate`: sh run with the staged file as $1 before it replaces anything. `stage`: the directory in which
    the new file is prepared (the file's own by default); for directories whose reader takes every file it
    finds, such as the kubelet's manifests, it must be another one of the same file system.
    """
    if before == after:
        return
    details = {"validate": validate, "stage": stage} | _side("before", before) | _side("after", after)
    path = (after or before or File("", b"")).path
    yield Change(
        phase,
        host,
        Kind.FILE,
        path,
        _text(before),
        _text(after),
        details,
        restarts,
        because=because,
        secret=secret,
        reloads=reloads,
    )


def _text(file: File | None) -> str | None:
    return None if file is None else file.content.decode("utf-8", "surrogateescape")


def _side(side: str, file: File | None) -> dict[str, str]:
    if file is None:
        return {}
    return {
        f"{side}_mode": file.mode,
        f"{side}_owner": file.owner,
        f"{side}_group": file.group,
        f"{side}_sha256": file.sha256,
    }
