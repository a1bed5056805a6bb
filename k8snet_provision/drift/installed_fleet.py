"""Hosts that run nothing but the look that is installed there, spoken to as a Fleet is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from k8snet_provision.drift.installed_look import InstalledLook
from k8snet_provision.engine.fleet import Fleet, Installed, Output, Script, Unreachable
from k8snet_provision.observe import new_boundary

RENEW = (
    "install what `k8snet-provision drift permissions INVENTORY --to DIR` writes now, with this drift's --kubeconfig"
)


class InstalledFleet:
    """Scripts are not sent: the part of the host's program that is the same to the byte is named, or nothing is run."""

    def __init__(self, fleet: Fleet, looks: Mapping[str, InstalledLook]) -> None:
        self._fleet = fleet
        self._looks = looks

    def connect(self, names: Iterable[str]) -> dict[str, Unreachable | None]:
        return self._fleet.connect(names)

    def run(self, scripts: Mapping[str, Script]) -> dict[str, Output | Unreachable]:
        """A host whose program is another one, or has no such part, is not observed; it is never taken at its word."""
        named = {host: self._installed(host, script) for host, script in scripts.items()}
        asked = {host: program for host, program in named.items() if program}
        answers: dict[str, Output | Unreachable] = {
            host: self._checked(host, answer) for host, answer in self._fleet.run(asked).items()
        }
        unasked = Unreachable("it was to be asked what no installed look holds", RENEW)
        return {host: answers.get(host, unasked) for host in scripts}

    def _installed(self, host: str, script: Script) -> Installed | None:
        look = self._looks[host]
        part = look.part(script.text, script.boundary)
        mark = script.boundary or new_boundary()
        return Installed(look.path, f"{mark}\n{part}\n".encode() + script.stdin, mark, script.timeout) if part else None

    def _checked(self, host: str, answer: Output | Unreachable) -> Output | Unreachable:
        if isinstance(answer, Unreachable):
            return answer
        look = self._looks[host]
        line, _, rest = answer.stdout.partition(b"\n")
        digest = line.decode("ascii", "replace").split(" ")[0]
        if digest == look.sha256:
            return replace(answer, stdout=rest)
        what = f"{look.path} is not what this drift would ask (sha256 {digest[:16]}, {look.sha256[:16]} expected)"
        return Unreachable(f"{host}: {what}", RENEW)
