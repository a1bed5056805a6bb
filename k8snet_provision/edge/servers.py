"""The servers behind the edge as a running HAProxy has them: its statistics as CSV (management guide, section 9.1)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from k8snet_provision.edge import haproxy
from k8snet_provision.kube_proxy.http import HTTP_GET
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "edge:servers"

NO_SERVERS = ("FRONTEND", "BACKEND")
"""What stands in a server's place in the rows about the others."""


@dataclass(frozen=True)
class ServerSeen:
    """`status` as HAProxy writes it: "UP", "UP 1/2", "DOWN", "DRAIN", "MAINT (via x/y)", "no check".

    `why` is its last check, `tracks` the server whose checks count for it.
    """

    backend: str
    name: str
    status: str
    weight: int
    why: str
    tracks: str = ""

    @property
    def by_another(self) -> bool:
        """It is down because the one whose checks it goes by is."""
        return bool(self.tracks) and (self.status.startswith("DOWN") or "(via " in self.status)

    @property
    def serves(self) -> bool:
        """Whether new requests are sent to it; one that is not checked is believed to be up. Weight 0 is a drain."""
        return self.status.startswith(("UP", "no check")) and self.weight > 0


def probe() -> Probe:
    """Nothing where HAProxy does not run: the plan tells that."""
    return Probe(
        KEY,
        f"""{HTTP_GET}
[ "$(systemctl is-active -- {haproxy.UNIT} 2>/dev/null)" = active ] || exit 4
http_get {haproxy.STATUS} '/;csv' || {{ echo "HAProxy gives no statistics at {haproxy.STATUS}"; exit 1; }}""",
    )


def read(seen: HostSeen) -> list[ServerSeen]:
    """Raises Unknown."""
    text = seen.text(KEY)
    if text is None:
        return []
    try:
        return list(_rows(text))
    except (KeyError, ValueError):
        raise Unknown(seen.host, KEY, "HAProxy's statistics cannot be read") from None


def _rows(text: str) -> Iterator[ServerSeen]:
    if not text.startswith("# pxname,"):
        raise ValueError("no statistics")
    for row in csv.DictReader(text.removeprefix("# ").splitlines(), strict=True):
        if row["svname"] not in NO_SERVERS:
            why = " ".join(filter(None, (row["check_status"], row.get("last_chk"))))
            yield ServerSeen(row["pxname"], row["svname"], row["status"], int(row["weight"] or 0), why, row["tracked"])
