"""Connections that several fleets share: made once, bounded together, ended with the last that has them."""

from __future__ import annotations

import socket
import threading
import time

from k8snet_provision.engine.fleet import Fleet, Output, Script
from k8snet_provision.engine.links import SharedLinks
from k8snet_provision.inventory.connection import Connection

from .sshd import Sshd


def fleets(links: SharedLinks, *connections: dict[str, Connection]) -> list[Fleet]:
    for given in connections:
        links.expect(given.values())
    return [Fleet(given, shared=links) for given in connections]


def test_a_connection_ends_with_the_last_that_has_it(own_sshd: Sshd) -> None:
    links = SharedLinks(10)
    first, second = fleets(links, {"a": own_sshd.connection("a")}, {"b": own_sshd.connection("b")})
    assert all(isinstance(answer, Output) for answer in first.run({"a": Script("true")}).values())
    first.close()
    assert isinstance(second.run({"b": Script("true")})["b"], Output)
    assert own_sshd.log().count("Accepted publickey") == 1
    second.close()
    ends = time.monotonic() + 10
    while own_sshd.children() and time.monotonic() < ends:
        time.sleep(0.05)
    assert own_sshd.children() == []


def test_another_login_is_another_connection(own_sshd: Sshd) -> None:
    one, other = own_sshd.connection("a"), own_sshd.connection("a", become=True)
    links = SharedLinks(10)
    for fleet in fleets(links, {"a": one}, {"a": other}):
        assert isinstance(fleet.run({"a": Script("true")})["a"], Output)
    links.close()
    assert own_sshd.log().count("Accepted publickey") == 2


def test_at_most_so_many_hosts_are_spoken_to_in_all(sshd: Sshd) -> None:
    """Each says when it began and ended: no more than two at any moment."""
    links = SharedLinks(2)
    names = [sshd.addresses[start : start + 3] for start in (0, 3)]
    both = fleets(links, *({name: sshd.connection(name, name) for name in part} for part in names))
    answers: list[Output] = []

    def run(fleet: Fleet, part: tuple[str, ...]) -> None:
        script = Script("date +%s%N; sleep 0.3; date +%s%N")
        answers.extend(item for item in fleet.run(dict.fromkeys(part, script)).values() if isinstance(item, Output))

    threads = [threading.Thread(target=run, args=pair) for pair in zip(both, names, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    links.close()
    times = [tuple(map(int, answer.stdout.split())) for answer in answers]
    assert len(times) == 6
    assert max(sum(begin <= moment < end for begin, end in times) for moment, _ in times) <= 2


def test_a_host_that_cannot_be_reached_is_tried_once() -> None:
    """A server that hangs up on everybody counts who came."""
    came = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                came.append(peer)
                peer.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        connection = Connection("a", "127.0.0.1", server.getsockname()[1], host_key_checking=False, connect_timeout=5)
        links = SharedLinks(10)
        answers = [fleet.connect(["a"])["a"] for fleet in fleets(links, {"a": connection}, {"a": connection})]
        links.close()
        assert answers[0] is not None and answers[0] == answers[1]
        assert len(came) == 1
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)
