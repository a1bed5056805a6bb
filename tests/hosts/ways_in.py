"""The three ways in on a lab: what is asked for, and clients that go where a name leads them."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.hosts.labs import LabCluster
from tests.hosts.load import Answers, Load
from tests.program import Ran

TOPOLOGY = """\
service_cidr: 10.96.0.0/16
metallb:
  manifest: .lab/metallb-native.yaml
  sha256: @SHA256@
  pools: [{addresses: [@NETWORK@.200-@NETWORK@.220]}]
edge:
  vip: @NETWORK@.101
  virtual_router_id: 144
ingress:
  pattern: @PATTERN@
  image: registry.k8s.io/ingress-nginx/controller:v1.11.0
  switch: {quiet: 7, deadline: 120}
  @MORE@
services:
  - {name: app, namespace: demo, selector: {app: app}, ports: [{port: 80}]}
ingresses:
  - {name: app, namespace: demo, rules: [{host: load.test, paths: [{service: app}]}]}
"""


def network(lab: LabCluster) -> str:
    """The first three numbers of the lab's addresses."""
    return lab.on("cp1", "ip -o -4 addr show dev eth0").split()[3].rpartition(".")[0]


def want(lab: LabCluster, pattern: str, more: str = "") -> None:
    """Writes the topology; `more` is one line below `ingress`."""
    manifest = (lab.inventory / ".lab" / "metallb-native.yaml").read_bytes()
    text = TOPOLOGY.replace("@SHA256@", hashlib.sha256(manifest).hexdigest()).replace("@NETWORK@", network(lab))
    lab.topology(text.replace("@PATTERN@", pattern).replace("@MORE@", more))


def apply(lab: LabCluster) -> Ran:
    return lab.tool("apply", "--yes", timeout=900)


STATUS = "{.status.loadBalancer.ingress[*].ip}"
NEWLINE = r'{"\n"}'


def addresses(lab: LabCluster) -> list[str]:
    """Where the Ingress says that it is reached: what names are made from."""
    return lab.kubectl(f"-n demo get ingress app -o 'jsonpath={STATUS}'").split()


class Name:
    """A name that follows the Ingress status, as DNS made from it would."""

    def __init__(self, lab: LabCluster) -> None:
        self._lab, self._ended = lab, threading.Event()
        self.addresses = addresses(lab)
        self._watch = self._started()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Name:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        while self._thread.is_alive():
            with suppress(ProcessLookupError):
                os.killpg(self._watch.pid, signal.SIGKILL)
            self._thread.join(0.2)
        self._watch.wait()

    def _started(self) -> subprocess.Popen[str]:
        """One kubectl that is told of each change: to ask again and again takes half a core from the cluster."""
        return self._lab.start("cp1", f"kubectl -n demo get ingress app -w -o 'jsonpath={STATUS}{NEWLINE}'")

    def _follow(self) -> None:
        assert self._watch.stdout
        while True:
            for line in self._watch.stdout:
                self.addresses = line.split() or self.addresses
            if self._ended.wait(0.3):
                return
            self._watch.wait()
            self._watch = self._started()


class Client(Load):
    """Asks for a name's address before each request, or once in `ttl` seconds."""

    def __init__(self, name: Name, ttl: float, rate: float = 20) -> None:
        self._name, self._ttl = name, ttl
        self._known: tuple[float, list[str]] = (-ttl, [])
        super().__init__("", rate=rate, timeout=10)

    @property
    def _place(self) -> tuple[str, int]:  # type: ignore[override]
        if not self._known[1] or time.monotonic() - self._known[0] >= self._ttl:
            self._known = (time.monotonic(), self._name.addresses)
        return random.choice(self._known[1]), 80

    @_place.setter
    def _place(self, _: tuple[str, int]) -> None:
        """The name says where."""


@contextmanager
def clients(lab: LabCluster) -> Iterator[tuple[Answers, Answers]]:
    """One that resolves the name for each request, and one that keeps it for 5 s."""
    with Name(lab) as name, Client(name, 0) as fresh, Client(name, 5) as cached:
        time.sleep(1)
        yield fresh, cached
        time.sleep(6)
