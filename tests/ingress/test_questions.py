"""Asking a way in, over real sockets: what counts as a right answer and what does not."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from k8snet_provision.capability import NEVER
from k8snet_provision.ingress import questions
from k8snet_provision.ingress.doors import Door
from k8snet_provision.ingress.questions import NOWHERE, Question

pytestmark = pytest.mark.programs

Answer = Callable[[str, str], int]
"""From host and path to the status."""


class Server:
    """Answers one request a connection; with `proxy` it closes those that begin with no PROXY line, as nginx does."""

    def __init__(self, answer: Answer, proxy: bool) -> None:
        self.answer, self.proxy = answer, proxy
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.asked: list[tuple[str, str]] = []

    @property
    def door(self) -> Door:
        return Door("127.0.0.1", int(self.socket.getsockname()[1]), self.proxy)

    def serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                self._one(client)

    def _one(self, client: socket.socket) -> None:
        client.settimeout(5)
        stream = client.makefile("rb")
        line = stream.readline().decode()
        if self.proxy:
            if not line.startswith("PROXY "):
                return
            line = stream.readline().decode()
        path = line.split(" ")[1]
        headers = dict(item.split(": ", 1) for item in iter(lambda: stream.readline().decode().strip(), ""))
        host = headers["Host"]
        self.asked.append((host, path))
        status = 200 if (host, path) == (NOWHERE, "/healthz") else self.answer(host, path)
        client.sendall(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode())


@contextmanager
def serving(answer: Answer, proxy: bool = False) -> Iterator[Server]:
    server = Server(answer, proxy)
    Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "APART", 0.01)


APP = Question("app.example.com", "/a?b='$(id)'")


def run(
    *new: Door,
    old: tuple[Door, ...] = (),
    any_door: bool = False,
    asked: tuple[Question, ...] = (APP,),
    within: int = 40,
) -> tuple[int, str]:
    script = questions.script(asked, new, old, any_door=any_door, within=within)
    done = subprocess.run(["sh"], input=script, text=True, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout


def test_ten_right_answers_in_a_row_are_needed() -> None:
    with serving(lambda host, path: 200) as new:
        code, said = run(new.door)
        assert code == 0, said
        assert new.asked.count((APP.host, APP.path)) == 10


def test_one_wrong_answer_begins_the_row_anew() -> None:
    count = iter([*[200] * 8, 503, *[200] * 100])
    with serving(lambda host, path: next(count)) as new:
        assert run(new.door)[0] == 0
        assert new.asked.count((APP.host, APP.path)) == 19


@pytest.mark.parametrize("status", [404, 308, 401, 500])
def test_whatever_an_application_answers_is_right_where_nothing_served_before(status: int) -> None:
    with serving(lambda host, path: status) as new:
        assert run(new.door)[0] == 0


@pytest.mark.parametrize("status", [502, 503, 504])
def test_what_a_proxy_without_its_application_answers_is_wrong(status: int) -> None:
    with serving(lambda host, path: status) as new:
        code, said = run(new.door, within=2)
        assert code == NEVER
        assert f"{status}" in said
        assert APP.host in said


def test_an_application_that_is_broken_by_itself_does_not_hold_up_the_way_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "BROKEN_FOR", 1)
    with serving(lambda host, path: 503) as new:
        assert run(new.door)[0] == 0


@pytest.mark.parametrize(
    ("before", "now", "code"), [(503, 503, 0), (401, 401, 0), (200, 404, NEVER), (404, 200, NEVER)]
)
def test_right_is_what_the_old_way_in_answers(before: int, now: int, code: int) -> None:
    with serving(lambda host, path: before) as old, serving(lambda host, path: now) as new:
        assert run(new.door, old=(old.door,), within=2 if code else 40)[0] == code


def test_an_old_way_in_that_does_not_answer_is_no_measure() -> None:
    with serving(lambda host, path: 200) as new:
        assert run(new.door, old=(Door("127.0.0.1", 1),))[0] == 0


def test_a_way_in_that_expects_a_proxy_header_gets_one() -> None:
    with serving(lambda host, path: 200, proxy=True) as new:
        assert run(new.door)[0] == 0
        code, said = run(Door(new.door.address, new.door.port), within=2)
        assert code == NEVER
        assert "none" in said


def test_nodes_without_a_pod_are_left_out_but_not_all_of_them() -> None:
    nobody = Door("127.0.0.1", 1)
    with serving(lambda host, path: 200) as new:
        assert run(nobody, new.door, any_door=True)[0] == 0
        assert run(nobody, new.door, within=2)[0] == NEVER
    code, said = run(nobody, any_door=True, within=2)
    assert code == NEVER
    assert "no connection" in said


def test_without_an_ingress_the_controllers_own_health_is_asked() -> None:
    with serving(lambda host, path: 500) as new:
        assert run(new.door, asked=())[0] == 0


def test_every_ingress_is_asked_once_before_one_is_asked_twice() -> None:
    def ingress(*hosts: str) -> dict[str, object]:
        rules = [{"host": host, "http": {"paths": [{"path": "/"}]}} for host in hosts]
        return {"metadata": {"name": hosts[0]}, "spec": {"rules": rules}}

    found = questions.questions([ingress("a.x", "b.x", "c.x"), ingress("d.x"), ingress("*.e.x", "bad host", "f.x")])
    assert [item.host for item in found] == ["a.x", "d.x", "k8snet-provision.e.x", "b.x", "f.x"]
