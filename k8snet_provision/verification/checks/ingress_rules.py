"""Paths, rewriting and affinity, by Ingresses made for the check whose pods say what reached them."""

from __future__ import annotations

import time

import gevent
from testinfra.host import Host

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.seen import World
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.cluster import kubectl
from k8snet_provision.verification.default_backend import is_own_page
from k8snet_provision.verification.echo import Echo, heard
from k8snet_provision.verification.verdict import at_once, demand, difference, nothing_wrong
from k8snet_provision.verification.way_in import WayIn
from k8snet_provision.verification.web import Door, Request, get

MANY = 8
"""Requests after which two pods that take turns have both been seen: one in 128 times they have not, at random."""

KNOWN_WITHIN = 8.0
"""Seconds until every controller knows both pods: each takes in changes at most every 3.3 s."""


def called_for(world: World) -> bool:
    return world.topology.ingress is not None


def test_paths(client: Client, way: WayIn, echo: Echo) -> None:
    """a Prefix rule has the path and what is below it, an Exact rule the path alone"""
    expected = {
        "/prefix": True,
        "/prefix/below": True,
        "/prefixed": False,
        "/exact": True,
        "/exact/": False,
        "/exact/below": False,
        "/": False,
    }

    def found(door: Door) -> dict[str, bool]:
        answers = {path: get(client, door, Request(echo.host, path)) for path in expected}
        return {path: heard(answer).get("path") == path for path, answer in answers.items()}

    nothing_wrong(
        f"{path} at {door.address}: found {_whose(its)}, expected {_whose(expected[path])}"
        for door, answers in zip(way.doors, at_once(found, way.doors), strict=True)
        for path, its in answers.items()
        if its != expected[path]
    )


def _whose(by_pod: bool) -> str:
    return "the pod's answer" if by_pod else "the default backend's"


def test_rewrite(client: Client, way: WayIn, echo: Echo) -> None:
    """a rewritten path reaches the pod as it is to be"""
    for door in way.doors:
        answer = get(client, door, Request(echo.rewriting, "/from/the/outside"))
        demand(heard(answer).get("path", str(answer.status)), "/the/outside", "path that the pod saw")
        outside = get(client, door, Request(echo.rewriting, "/other"))
        demand(is_own_page(outside) or heard(outside).get("path", ""), True, "/other answered by the default backend")


def test_cookie(client: Client, way: WayIn, echo: Echo) -> None:
    """cookie affinity: a client that brings its cookie back keeps its pod"""
    deadline = time.monotonic() + KNOWN_WITHIN
    while faults := [fault for fault in at_once(lambda door: _strays(client, door, echo), way.doors) if fault]:
        if time.monotonic() > deadline:
            nothing_wrong(faults)
        gevent.sleep(0.5)


def _strays(client: Client, door: Door, echo: Echo) -> str:
    first = get(client, door, Request(echo.sticky))
    if not first.cookie:
        return f"{door.address}: found no cookie, expected one"
    again = [get(client, door, Request(echo.sticky, headers={"Cookie": first.cookie})) for _ in range(MANY)]
    found, expected = {heard(answer).get("pod", str(answer.status)) for answer in again}, {heard(first).get("pod", "")}
    return difference(found, expected, f"{door.address}: pods that answered") if found != expected else ""


def test_client_ip(node: Host, world: World, fleet: Fleet, echo: Echo) -> None:
    """ClientIP affinity: a client of a Service keeps its pod"""
    address = kubectl(world, fleet, f"-n {echo.namespace} get service sticky -o jsonpath='{{.spec.clusterIP}}'")
    at = f"[{address}]" if ":" in address else address
    asked = f"for i in $(seq {MANY}); do curl -sm5 http://{at}/ | sed -n 's/^pod //p'; done"
    pods = node.check_output(asked).split()
    demand((len(pods), len(set(pods))), (MANY, 1), "answers and pods that gave them")
