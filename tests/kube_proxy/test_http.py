"""Asking an HTTP server with each program that a host may have for it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from k8snet_provision.kube_proxy.http import HTTP_GET

pytestmark = pytest.mark.programs

CLIENTS = [name for name in ("curl", "wget", "bash") if shutil.which(name)]


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        code, body = (200, b"nftables") if self.path == "/proxyMode" else (503, b"unhealthy")
        self.send_response(code)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def run(folder: Path, client: str, script: str, **environment: str) -> tuple[int, str]:
    """Runs sh with no other HTTP client on its PATH than the given one."""
    for name in {client, "timeout", "tr", "sed", "cat"} - {""}:
        (folder / name).symlink_to(shutil.which(name) or "/nowhere")
    sh = shutil.which("sh") or "/bin/sh"
    env = {"PATH": str(folder), **environment}
    done = subprocess.run(
        [sh], input=HTTP_GET + script, capture_output=True, text=True, env=env, timeout=30, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("client", CLIENTS)
def test_the_body_of_an_answer(client: str, port: int, tmp_path: Path) -> None:
    assert run(tmp_path, client, f"http_get 127.0.0.1:{port} /proxyMode") == (0, "nftables")


@pytest.mark.parametrize("client", CLIENTS)
def test_another_status_than_2xx_fails(client: str, port: int, tmp_path: Path) -> None:
    code, out = run(tmp_path, client, f"http_get 127.0.0.1:{port} /healthz")
    assert code != 0
    assert out == ""


@pytest.mark.parametrize("client", CLIENTS)
def test_a_proxy_of_the_environment_is_not_asked(client: str, port: int, tmp_path: Path) -> None:
    code, _ = run(tmp_path, client, f"http_get 127.0.0.1:{port} /proxyMode", http_proxy="http://127.0.0.1:9")
    assert code == 0


@pytest.mark.parametrize("client", CLIENTS)
def test_nobody_listens(client: str, tmp_path: Path) -> None:
    assert run(tmp_path, client, "http_get 127.0.0.1:9 /proxyMode")[0] != 0


def test_a_host_without_any_client_says_so(port: int, tmp_path: Path) -> None:
    code, out = run(tmp_path, "", f"http_get 127.0.0.1:{port} /proxyMode")
    assert (code, out) == (127, "neither curl nor wget nor bash on this host\n")


def test_a_tcp_connection_is_an_answer(port: int, tmp_path: Path) -> None:
    assert run(tmp_path, "bash", f"tcp_answers 127.0.0.1 {port}")[0] == 0
    (tmp_path / "second").mkdir()
    assert run(tmp_path / "second", "bash", "tcp_answers 127.0.0.1 9")[0] != 0
