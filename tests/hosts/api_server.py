"""A real kube-apiserver with its etcd on loopback, without hosts: seconds instead of a lab."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any

from k8snet_provision.lab import artifacts

TOKEN = "administrator"
"""Of a group that may do everything; the server is reached from this machine only and lives as long as the test."""

DEADLINE = 90.0
"""Seconds until it must be ready; it takes 5 on a machine that does nothing else."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True)
class ApiServer:
    """Requests go over one connection; `kubeconfig` and `programs` are for kubectl."""

    port: int
    folder: Path
    programs: Path
    resources: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @cached_property
    def _connection(self) -> HTTPSConnection:
        trust = ssl.create_default_context(cafile=self.folder / "apiserver.crt")
        return HTTPSConnection("127.0.0.1", self.port, timeout=60, context=trust)

    def close(self) -> None:
        """The next request opens another connection."""
        if connection := self.__dict__.pop("_connection", None):
            connection.close()

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Answer:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": kind, "Accept": "application/json"}
        self._connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self._connection.getresponse()
        return Answer(answer.status, json.loads(answer.read() or "null"))

    def path(self, item: Mapping[str, Any]) -> str:
        """Of an object, by its kind, which the server must have."""
        version, space = item["apiVersion"], item["metadata"].get("namespace", "")
        root = f"/apis/{version}" if "/" in version else f"/api/{version}"
        if item["kind"] not in self.resources.get(root, {}):
            listed = self.ask("GET", root).body["resources"]
            self.resources[root] = {r["kind"]: r["name"] for r in reversed(listed) if "/" not in r["name"]}
        place = f"/namespaces/{space}" if space else ""
        return f"{root}{place}/{self.resources[root][item['kind']]}/{item['metadata']['name']}"

    def patch(self, item: Mapping[str, Any], body: Any, kind: str, manager: str, query: str = "") -> Answer:
        """`kind`: json-patch, merge-patch, strategic-merge-patch or apply-patch."""
        suffix = "yaml" if kind == "apply-patch" else "json"
        path = f"{self.path(item)}{query and '/' + query}?fieldManager={manager}"
        path += "&force=true" if kind == "apply-patch" else ""
        return self.ask("PATCH", path, body, f"application/{kind}+{suffix}")

    def get(self, item: Mapping[str, Any]) -> Any:
        return self.ask("GET", self.path(item)).body

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Its stdout; fails the test when it fails."""
        words = [str(self.programs / "kubectl"), "--kubeconfig", str(self.kubeconfig), *arguments]
        ran = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    @property
    def prelude(self) -> str:
        """sh that defines K as the tool's own prelude does."""
        return f'K() {{ {self.programs}/kubectl --kubeconfig {self.kubeconfig} --request-timeout=15s "$@"; }}\n'


@contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """Ready to be asked; ends with the block. Webhooks are not asked, for nothing serves them here."""
    programs = artifacts.ensure(print).layer / "usr/local/bin"
    etcd_port, peer_port, port = _free_ports(3)
    etcd, log = f"http://127.0.0.1:{etcd_port}", (folder / "log").open("w")
    key, tokens = folder / "sa.key", folder / "tokens"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True, timeout=60)
    tokens.write_text(f"{TOKEN},administrator,1,system:masters\n")
    _write_kubeconfig(folder, port)
    peer = f"http://127.0.0.1:{peer_port}"
    commands = (
        [
            "etcd", f"--data-dir={folder}/etcd", f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}", "--unsafe-no-fsync",
        ],
        [
            "kube-apiserver", f"--etcd-servers={etcd}", f"--secure-port={port}", "--bind-address=127.0.0.1",
            f"--cert-dir={folder}", "--service-cluster-ip-range=10.254.0.0/16", "--authorization-mode=RBAC",
            f"--token-auth-file={tokens}", "--service-account-issuer=https://kubernetes.default",
            f"--service-account-key-file={key}", f"--service-account-signing-key-file={key}",
            "--disable-admission-plugins=ValidatingAdmissionWebhook",
        ],
    )  # fmt: skip
    server, started = ApiServer(port, folder, programs), list[subprocess.Popen[bytes]]()
    try:
        for name, *flags in commands:
            started.append(subprocess.Popen([str(programs / name), *flags], stdout=log, stderr=log))
        _wait(server, started)
        yield server
    finally:
        server.close()
        for process in reversed(started):
            process.kill()
            process.wait(timeout=30)
        log.close()


def _free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports


def _write_kubeconfig(folder: Path, port: int) -> None:
    """As kubectl reads it; JSON is YAML too."""
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": str(folder / "apiserver.crt")}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": cluster}],
        "users": [{"name": "me", "user": {"token": TOKEN}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "current-context": "here",
    }
    with os.fdopen(os.open(folder / "kubeconfig", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        json.dump(config, file)


def _wait(server: ApiServer, processes: list[subprocess.Popen[bytes]]) -> None:
    ends, last = time.monotonic() + DEADLINE, "nothing was asked"
    while time.monotonic() < ends:
        assert all(process.poll() is None for process in processes), (server.folder / "log").read_text()[-2000:]
        try:
            ready = server.ask("GET", "/api/v1/namespaces/kube-system")
            if ready.ok:
                return
            last = str(ready)
        except (OSError, ValueError, HTTPException) as error:
            last = str(error)
            server.close()
        time.sleep(0.2)
    raise AssertionError(f"the API server was not ready within {DEADLINE} s: {last}")
