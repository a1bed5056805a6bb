"""The probe program, built as the lab builds it, against HTTP servers and a DNS server that answers from bytes."""

from __future__ import annotations

import http.client
import http.server
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from k8snet_provision.lab import assets, golang
from k8snet_provision.lab.programs import Programs

pytestmark = pytest.mark.programs


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out, programs = tmp_path_factory.mktemp("probe"), Programs()
    go = golang.toolchain(assets.directory(), out / "cache", programs)
    golang.build(assets.directory() / "probe", out, ".", "", go, programs)
    return out / "probe"


def _run(probe: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([probe, *arguments], capture_output=True, text=True, timeout=20, check=False)


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/down" else 200)
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']} {self.headers['Authorization']}\n".encode())

    def log_message(self, *arguments: object) -> None:
        pass


def _serving(server: http.server.HTTPServer) -> Iterator[int]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def web() -> Iterator[int]:
    yield from _serving(http.server.HTTPServer(("127.0.0.1", 0), _Page))


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate for the name `inside.test`, which is its own authority, and its key."""
    subject = ("-subj", "/CN=inside.test", "-addext", "subjectAltName=DNS:inside.test")
    files = ("-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "ca"))
    command = (
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    )
    subprocess.run([*command, *subject, *files], check=True, capture_output=True, timeout=20)
    return tmp_path / "ca"


@pytest.fixture
def secure_web(authority: Path) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, authority.with_name("key"))
    server = http.server.HTTPServer(("127.0.0.1", 0), _Page)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    yield from _serving(server)


def test_serve_tells_who_answered_whom(probe: Path) -> None:
    server = subprocess.Popen([probe, "serve", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        done = _run(probe, "get", f"http://{address}/some/path")
    finally:
        server.kill()
        server.communicate()
    first, *headers = done.stdout.splitlines()
    name, client, *rest = first.split()
    assert name == socket.gethostname()
    assert client.startswith("127.0.0.1:")
    assert rest == ["GET", address, "/some/path"]
    assert [header.partition(": ")[0] for header in headers] == ["Accept-Encoding", "Connection", "User-Agent"]


@pytest.fixture
def serving(probe: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`probe serve` that goes on for half a second after SIGTERM, and its address."""
    command = [str(probe), "serve", "-linger", "500ms", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server, server.stdout.readline().split()[-1]
        server.kill()


def _get(address: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, list[str], dict[str, str]]:
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers=headers or {})
    answer = connection.getresponse()
    lines = answer.read().decode().splitlines()
    connection.close()
    return answer.status, lines, dict(answer.getheaders())


def test_serve_tells_the_headers_sorted(serving: tuple[subprocess.Popen[str], str]) -> None:
    sent = {"X-Real-Ip": "10.1.1.1", "X-Forwarded-For": "10.1.1.1, 10.2.2.2", "A-First": "1", "Accept-Encoding": ""}
    status, lines, _ = _get(serving[1], "/x", sent)
    assert status == 200
    assert lines[1:] == [
        "A-First: 1",
        "Accept-Encoding: ",
        "X-Forwarded-For: 10.1.1.1, 10.2.2.2",
        "X-Real-Ip: 10.1.1.1",
    ]


def test_serve_keeps_an_answer_back_when_asked_to(serving: tuple[subprocess.Popen[str], str]) -> None:
    began = time.monotonic()
    assert _get(serving[1], "/?delay=400ms")[0] == 200
    assert 0.4 <= time.monotonic() - began < 3


@pytest.mark.parametrize("delay", ["soon", "-1s", "2h"])
def test_serve_refuses_a_delay_it_does_not_understand(serving: tuple[subprocess.Popen[str], str], delay: str) -> None:
    assert _get(serving[1], f"/?delay={delay}")[0] == 400


def test_serve_loses_no_request_when_it_is_told_to_end(serving: tuple[subprocess.Popen[str], str]) -> None:
    server, address = serving
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(_get, address, "/?delay=1200ms")
        time.sleep(0.2)
        server.terminate()
        time.sleep(0.1)
        status, _, headers = _get(address, "/late")
        assert (status, headers["Connection"]) == (200, "close")
        assert slow.result()[0] == 200
    assert server.wait(5) == 0
    with pytest.raises(ConnectionRefusedError):
        _get(address, "/too-late")


def test_get_prints_the_body_once_a_request(probe: Path, web: int) -> None:
    done = _run(probe, "get", "-count", "3", "-host", "shop.test", f"http://127.0.0.1:{web}/")
    assert (done.returncode, done.stdout) == (0, "shop.test None\n" * 3)


def test_get_sends_a_token_from_a_file(probe: Path, web: int, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("abc\n")
    done = _run(probe, "get", "-token", str(tmp_path / "token"), f"http://127.0.0.1:{web}/")
    assert done.stdout == f"127.0.0.1:{web} Bearer abc\n"


def test_get_fails_on_an_error_status_and_still_prints_the_body(probe: Path, web: int) -> None:
    done = _run(probe, "get", f"http://127.0.0.1:{web}/down")
    assert done.returncode == 1
    assert "503 Service Unavailable" in done.stderr
    assert done.stdout


def test_get_fails_when_nobody_answers_in_time(probe: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = _run(probe, "get", "-timeout", "300ms", f"http://127.0.0.1:{silent.getsockname()[1]}/")
    assert done.returncode == 1
    assert "deadline exceeded" in done.stderr


def test_get_trusts_the_authority_it_is_given(probe: Path, secure_web: int, authority: Path) -> None:
    url = f"https://127.0.0.1:{secure_web}/"
    assert _run(probe, "get", "-ca", str(authority), "-host", "inside.test", url).returncode == 0


def test_get_refuses_a_certificate_it_can_not_trust(probe: Path, secure_web: int, authority: Path) -> None:
    url = f"https://127.0.0.1:{secure_web}/"
    for options in (("-host", "inside.test"), ("-ca", str(authority), "-host", "other.test"), ("-ca", str(authority))):
        done = _run(probe, "get", *options, url)
        assert done.returncode == 1
        assert "certificate" in done.stderr


def _name(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"


def _reply(query: bytes, code: int, records: list[tuple[int, bytes]]) -> bytes:
    """RFC 1035, section 4: the question back, then each record with a pointer to the question's name."""
    header = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
    answers = (b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 30, len(data)) + data for kind, data in records)
    return header + query[12:] + b"".join(answers)


ZONE = {
    (_name("web.shop.test"), 1): (0, [(1, bytes([10, 254, 0, 7]))]),
    (_name("_http._tcp.web.shop.test"), 33): (0, [(33, struct.pack("!HHH", 0, 100, 8080) + _name("web.shop.test"))]),
    (_name("7.0.254.10.in-addr.arpa"), 12): (0, [(12, _name("web.shop.test"))]),
    (_name("web.shop.test"), 28): (0, []),
}


def _answer(query: bytes) -> bytes:
    end = query.index(b"\0", 12) + 1
    [kind] = struct.unpack("!H", query[end : end + 2])
    return _reply(query, *ZONE.get((query[12:end], kind), (3, [])))


@pytest.fixture
def dns() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.settimeout(0.1)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                try:
                    query, client = udp.recvfrom(512)
                except TimeoutError:
                    continue
                udp.sendto(_answer(query), client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield "{}:{}".format(*udp.getsockname())
        stop.set()
        thread.join()


@pytest.mark.parametrize(
    ("name", "kind", "printed"),
    [
        ("web.shop.test", "A", "web.shop.test. 30 A 10.254.0.7"),
        ("_http._tcp.web.shop.test.", "srv", "_http._tcp.web.shop.test. 30 SRV 0 100 8080 web.shop.test."),
        ("7.0.254.10.in-addr.arpa", "PTR", "7.0.254.10.in-addr.arpa. 30 PTR web.shop.test."),
    ],
)
def test_dns_prints_the_code_and_the_records(probe: Path, dns: str, name: str, kind: str, printed: str) -> None:
    done = _run(probe, "dns", name, kind, dns)
    assert (done.returncode, done.stdout.splitlines()) == (0, ["NOERROR", printed])


@pytest.mark.parametrize(
    ("name", "kind", "code"), [("no.shop.test", "A", "NXDOMAIN"), ("web.shop.test", "AAAA", "NOERROR")]
)
def test_dns_fails_without_records_and_tells_no_name_from_no_data(
    probe: Path, dns: str, name: str, kind: str, code: str
) -> None:
    done = _run(probe, "dns", name, kind, dns)
    assert (done.returncode, done.stdout) == (1, f"{code}\n")


def test_dns_gives_up_on_a_silent_server(probe: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        done = _run(probe, "dns", "-timeout", "300ms", "web.shop.test", "A", "{}:{}".format(*silent.getsockname()))
    assert done.returncode == 1
    assert "timeout" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("fly",), ("dns", "name"), ("dns", "name", "MX9"), ("get",)])
def test_wrong_use_is_told(probe: Path, arguments: tuple[str, ...]) -> None:
    done = _run(probe, *arguments)
    assert done.returncode in (1, 2)
    assert done.stderr
