"""A real etcd on loopback that wants client certificates, and the snapshot's script run beside it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from k8snet_provision.engine.script import Output
from k8snet_provision.etcd_snapshot import Snapshot, script, taking
from k8snet_provision.etcd_snapshot.script import Access
from k8snet_provision.lab import artifacts
from k8snet_provision.problems import Problem
from tests.engine.sshd import free_port

ADDRESS = "127.0.12.7"
RUN = "20261121T020013Z-3f2a"


def programs() -> Path:
    """The directory of etcd, etcdctl and etcdutl."""
    return artifacts.ensure(print).layer / "usr/local/bin"


def certificates(folder: Path) -> None:
    """ca.crt, and one certificate (etcd.crt, etcd.key) for etcd and its client."""
    folder.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    issued = ("-CA", "ca.crt", "-CAkey", "ca.key", "-addext", f"subjectAltName=IP:{ADDRESS}")
    for name, more in (("ca", ()), ("etcd", issued)):
        command = ["openssl", "req", "-x509", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key",
                   "-out", f"{name}.crt", *more]  # fmt: skip
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=30)


@dataclass
class Etcd:
    """One member; `start` before use, `stop` after."""

    home: Path
    bin: Path = field(default_factory=programs)
    port: int = field(default_factory=lambda: free_port(ADDRESS))
    peer_port: int = field(default_factory=lambda: free_port(ADDRESS))

    @property
    def url(self) -> str:
        return f"https://{ADDRESS}:{self.port}"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def access(self) -> Access:
        pki = self.home / "pki"
        files = (str(pki / "ca.crt"), str(pki / "etcd.crt"), str(pki / "etcd.key"))
        return Access((self.url,), *files, apiserver="kube-apiserver")

    def start(self) -> Etcd:
        if not (self.home / "pki").exists():
            certificates(self.home / "pki")
        ca, certificate, key = self.access().ca, self.access().certificate, self.access().key
        peer = f"http://{ADDRESS}:{self.peer_port}"
        flags = {
            "name": "m1", "data-dir": str(self.data), "listen-client-urls": self.url,
            "advertise-client-urls": self.url, "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
            "initial-cluster": f"m1={peer}", "client-cert-auth": "true", "trusted-ca-file": ca,
            "cert-file": certificate, "key-file": key,
        }  # fmt: skip
        words = [str(self.bin / "etcd"), *(f"--{name}={value}" for name, value in flags.items())]
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        ends = time.monotonic() + 30
        while self.ctl("endpoint", "health").returncode != 0:
            assert time.monotonic() < ends, (self.home / "log").read_text()[-2000:]
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        access = self.access()
        command = [str(self.bin / "etcdctl"), f"--endpoints={self.url}", f"--cacert={access.ca}"]
        command += [f"--cert={access.certificate}", f"--key={access.key}", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def put(self, key: str, value: str) -> None:
        assert self.ctl("put", key, value).returncode == 0

    def get(self, key: str) -> str:
        return self.ctl("get", key, "--print-value-only").stdout.strip()


def take(
    access: Access, runs: Path, tools: Path | None, run: str = RUN, environment: dict[str, str] | None = None
) -> Snapshot | Problem:
    """As on a host: `tools` is the directory in root's PATH that has etcdctl."""
    path = f"{tools}:{os.environ['PATH']}" if tools else os.environ["PATH"]
    asked = script.taken(access, str(runs), run)
    done = subprocess.run(
        ["sh"], input=asked.text.encode(), env={"PATH": path, **(environment or {})}, capture_output=True,
        timeout=asked.timeout, check=False,
    )  # fmt: skip
    answer = Output(done.returncode, done.stdout, done.stderr, 0.0)
    return taking.read("cp1", f"{runs}/{run}/etcd.db", access.apiserver, answer)


def status(bin: Path, snapshot: str) -> dict[str, int | str]:
    """What etcdutl says of a snapshot; it must say something."""
    words = [str(bin / "etcdutl"), "snapshot", "status", snapshot, "-w", "json"]
    told: dict[str, int | str] = json.loads(subprocess.run(words, capture_output=True, timeout=60, check=True).stdout)
    return told
