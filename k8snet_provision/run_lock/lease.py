"""The lock as a Lease of the cluster. Times are the API server's: what a dry run says when an object would be made.

Nobody's clock matters, and what is written is checked by the server against what was read (resourceVersion).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.resources.kube_object import FIELD_MANAGER, Manifest
from k8snet_provision.run_lock.file import Holder

NAME = "k8snet-provision"
NAMESPACE = "kube-system"
TIMEOUT = 40.0
"""Seconds for one script: two kubectl calls of at most 15 s each, and their start."""

URL = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}"
READ = f"""now=$(K create --dry-run=server -o 'jsonpath={{.metadata.creationTimestamp}}' -f -) || exit 1
printf '%s\\n' "$now"
K -n {NAMESPACE} get lease {NAME} --ignore-not-found -o json
"""
DELETE = f"K delete --raw {URL} -f -"


class NoAnswer(Exception):
    """Raised where the API server cannot be asked through this host; says why."""


class TakenBy(Exception):
    """Raised where somebody else holds the Lease."""

    def __init__(self, holder: Holder) -> None:
        self.holder = holder
        super().__init__(str(holder))


@dataclass(frozen=True)
class Lease:
    """The Lease as one run asks for it. `identity` is of this run alone, `seconds` how long it lasts unrenewed."""

    prelude: str
    identity: str
    who: str
    seconds: float

    def hold(self, fleet: Fleet, host: str) -> None:
        """Takes or renews it through a control-plane host. Raises TakenBy and NoAnswer."""
        for _ in range(3):  # between reading and writing somebody else may write
            now, live = self._read(fleet, host)
            if (other := holder(live, now)) and not self._mine(live):
                raise TakenBy(other)
            verb = "replace" if live else "create"
            answer = self._ask(fleet, host, f"K {verb} --field-manager={FIELD_MANAGER} -f -", self._wanted(live, now))
            if answer.code == 0:
                return
            said = answer.stderr.decode("utf-8", "replace").strip()
            if "(AlreadyExists)" not in said and "(Conflict)" not in said:
                raise NoAnswer(said[-300:])
        raise NoAnswer("it is written by others all the time")

    def release(self, fleet: Fleet, host: str) -> None:
        """Deletes it, if it still is what was read as ours. Raises NoAnswer."""
        _, live = self._read(fleet, host)
        if live is not None and self._mine(live):
            version = live["metadata"]["resourceVersion"]
            options = {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"resourceVersion": version}}
            self._ask(fleet, host, DELETE, options)

    def _mine(self, live: Manifest | None) -> bool:
        return live is not None and live["spec"].get("holderIdentity") == self._identity()

    def _identity(self) -> str:
        return f"{self.who} {self.identity}"

    def _read(self, fleet: Fleet, host: str) -> tuple[datetime, Manifest | None]:
        probe = _manifest({"name": f"{NAME}-{self.identity}", "namespace": NAMESPACE}, {})
        answer = self._ask(fleet, host, READ, probe)
        if answer.code != 0:
            raise NoAnswer((answer.stdout + answer.stderr).decode("utf-8", "replace").strip()[-300:])
        now, _, live = answer.stdout.decode("utf-8").partition("\n")
        return datetime.fromisoformat(now), json.loads(live) if live.strip() else None

    def _ask(self, fleet: Fleet, host: str, script: str, stdin: Manifest) -> Output:
        asked = Script(f"{self.prelude}\n{script}", json.dumps(stdin).encode(), timeout=TIMEOUT)
        answer = fleet.run({host: asked})[host]
        if isinstance(answer, Unreachable):
            raise NoAnswer(str(answer))
        return answer

    def _wanted(self, live: Manifest | None, now: datetime) -> Manifest:
        meta: dict[str, Any] = {"name": NAME, "namespace": NAMESPACE}
        if live:
            meta["resourceVersion"] = live["metadata"]["resourceVersion"]
        spec = live["spec"] if live and self._mine(live) else {"acquireTime": _time(now)}
        new = {"holderIdentity": self._identity(), "leaseDurationSeconds": round(self.seconds), "renewTime": _time(now)}
        return _manifest(meta, {**spec, **new})


def _manifest(meta: dict[str, Any], spec: dict[str, Any]) -> Manifest:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def holder(live: Manifest | None, now: datetime) -> Holder | None:
    """Who holds the Lease at the server's time `now`; None where it ran out."""
    spec = live["spec"] if live else {}
    if not spec.get("holderIdentity") or not spec.get("renewTime"):
        return None
    age = now - datetime.fromisoformat(spec["renewTime"])
    if age >= timedelta(seconds=spec.get("leaseDurationSeconds", 0)):
        return None
    who = str(spec["holderIdentity"]).rpartition(" ")[0] or str(spec["holderIdentity"])
    return Holder(who, str(spec.get("acquireTime", ""))[:19] + "Z", max(0, int(age.total_seconds())))
