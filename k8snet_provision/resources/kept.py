"""The line by which a file that is ours alone keeps something of the kernel over a reboot."""

from __future__ import annotations

from k8snet_provision.resources import file
from k8snet_provision.resources.probe import HostSeen


def sides(seen: HostSeen, path: str, key: str, line: str) -> dict[str, str]:
    """Details of a change: the line of `key` in the file `path` as it was seen, empty for none, and `line` after it.

    Raises Unknown.
    """
    found = file.read(seen, path)
    text = found.content.decode("utf-8", "surrogateescape") if found else ""
    before = [kept for kept in text.splitlines() if kept.partition("=")[0].rstrip(" \t") == key]
    return {"before_kept": before[0] if before else "", "after_kept": line}
