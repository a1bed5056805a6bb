"""What an API server and etcd answer, and who is named when they do not."""

from __future__ import annotations

import pytest

from k8snet_provision.preflight import health
from k8snet_provision.preflight.health import APISERVER, ETCD, Answer
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen, Seen, State, Unknown
from tests.preflight.programs import Program, answer

NO_KUBECTL = "echo 'kubectl not found: tried kubectl'; exit 1"

ADDRESSES = {"cp1": "10.0.0.1", "cp2": "10.0.0.2", "cp3": "10.0.0.3"}


def seen(key: str, said: str) -> HostSeen:
    return HostSeen("cp1", {key: Seen(State.PRESENT, said.encode())})


def apiserver(said: str) -> list[Problem]:
    return list(health.apiserver_problems(seen(APISERVER, said)))


def test_a_ready_api_server_is_no_problem() -> None:
    assert apiserver("ok\n") == []


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (
            "[+]ping ok\n[-]etcd failed: reason withheld\n[-]informer-sync failed: not yet\nreadyz check failed\n",
            "etcd failed: reason withheld; informer-sync failed: not yet",
        ),
        ("curl: (7) Failed to connect to 127.0.0.1\n", "curl: (7) Failed to connect to 127.0.0.1"),
        ("", "no answer"),
    ],
)
def test_what_an_api_server_says_is_handed_on(said: str, found: str) -> None:
    (problem,) = apiserver(said)
    assert (problem.code, problem.where, problem.found) == ("K8N467", "cp1", found)


def test_an_api_server_that_refuses_connections_is_not_ready() -> None:
    program = Program("kube-apiserver", ["--secure-port=1", "--tls-cert-file=/etc/hostname"])
    found, _ = answer(health.probes(NO_KUBECTL)[0], programs=[program])
    (problem,) = health.apiserver_problems(found)
    assert "127.0.0.1" in problem.found and "onnect" in problem.found


def test_every_member_of_etcd_that_an_api_server_is_given_is_asked_at_once() -> None:
    servers = "--etcd-servers=http://127.0.0.1:1,http://127.0.0.2:1"
    program = Program("kube-apiserver", ["--tls-cert-file=/etc/hostname", servers])
    found, _ = answer(health.probes(NO_KUBECTL)[1], programs=[program])
    told = {one.url: one.why for one in health.answers(found)}
    assert told.keys() == {"http://127.0.0.1:1", "http://127.0.0.2:1"}
    assert all("onnect" in why for why in told.values()), told


def test_an_api_server_without_etcd_s_address_leaves_etcd_unknown() -> None:
    found, _ = answer(health.probes(NO_KUBECTL)[1], programs=[Program("kube-apiserver")])
    with pytest.raises(Unknown, match="no --etcd-servers"):
        health.answers(found)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"health":"true","reason":""}', ""),
        ('{"health":true}', ""),
        ('{"health":"false","reason":"ALARM NOSPACE"}', "ALARM NOSPACE"),
        ('{"health":"false"}', "it says that it is not healthy"),
        ("[]", "[]"),
        ("curl: (28) Connection timed out", "curl: (28) Connection timed out"),
        ("", "no answer"),
    ],
)
def test_a_member_is_healthy_only_when_it_says_so(said: str, why: str) -> None:
    assert health.answers(seen(ETCD, f"https://10.0.0.1:2379\x1f{said}\n")) == [
        Answer("https://10.0.0.1:2379", "cp1", why)
    ]


def told(*answers: tuple[str, str, str]) -> list[tuple[str, str]]:
    found = [Answer(f"https://{address}:2379", asker, why) for asker, address, why in answers]
    return [(str(problem.where), problem.found) for problem in health.etcd_problems(found, ADDRESSES)]


def test_a_member_that_is_down_for_all_is_told_once_as_its_host() -> None:
    assert told(("cp1", "10.0.0.3", "refused"), ("cp2", "10.0.0.3", "refused")) == [("cp3", "refused")]
    assert told(("cp1", "10.9.9.9", "refused"), ("cp2", "10.9.9.9", "refused")) == [("cluster", "refused")]


def test_a_member_that_one_control_plane_does_not_reach_is_that_one_s_trouble() -> None:
    assert told(("cp1", "10.0.0.3", ""), ("cp2", "10.0.0.3", "no route")) == [("cp2", "no route")]


def test_a_member_of_its_own_on_each_control_plane_is_told_for_each() -> None:
    assert told(("cp1", "127.0.0.1", "refused"), ("cp2", "127.0.0.1", "refused")) == [
        ("cp1", "refused"),
        ("cp2", "refused"),
    ]
