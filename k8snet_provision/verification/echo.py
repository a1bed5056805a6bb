"""Pods behind Ingresses of their own that answer with what reached them: who asked, for which path."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import gevent

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.seen import World
from k8snet_provision.templates import manifests
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.cluster import SECONDS, CannotProbe, create, kubectl
from k8snet_provision.verification.verdict import at_once
from k8snet_provision.verification.way_in import WayIn
from k8snet_provision.verification.web import Answer, Door, NoAnswer, Request, get

SERVED_WITHIN = 30.0
"""Seconds until every controller has loaded new Ingresses; it takes in changes at most every 3.3 s."""
IN_A_ROW = 5


class NoEcho(CannotProbe):
    """The pods that echo are not reached; the text says why."""

    check = "echo"
    proves = "a new Ingress with pods of its own is served"


@dataclass(frozen=True)
class Echo:
    """`host` has the paths /prefix (Prefix) and /exact (Exact)."""

    namespace: str
    host: str

    @property
    def rewriting(self) -> str:
        """The host whose path /from/REST is asked for as /REST."""
        return f"rewrite.{self.host}"

    @property
    def sticky(self) -> str:
        """The host that gives out a cookie."""
        return f"cookie.{self.host}"


def start(world: World, fleet: Fleet, way: WayIn, namespace: str) -> Echo:
    """Makes pods, Services and Ingresses in a namespace that is there; raises NoEcho."""
    echo = Echo(namespace, f"{secrets.token_hex(4)}.k8snet-verify.invalid")
    ingress = world.topology.ingress
    assert ingress is not None
    model = next(pod for pod in way.controllers if pod.ready)
    container = model.spec["containers"][0]
    objects = manifests(
        "verification/echo.yaml.j2",
        namespace=namespace,
        host=echo.host,
        class_name=ingress.class_name,
        image=container["image"],
        nodes=sorted(way.nodes),
        security=container.get("securityContext", {}),
        tolerations=model.spec.get("tolerations", []),
        pull_secrets=model.spec.get("imagePullSecrets", []),
    )
    with _told_of_echo():
        create(world, fleet, objects)
    return echo


def wait(world: World, fleet: Fleet, way: WayIn, echo: Echo, client: Client) -> None:
    """Until each of its hosts is answered at every door several times in a row; raises NoEcho."""
    with _told_of_echo():
        kubectl(world, fleet, f"-n {echo.namespace} rollout status deployment/echo --timeout={SECONDS:.0f}s")
    deadline = time.monotonic() + SERVED_WITHIN
    asked = {echo.host: "/exact", echo.rewriting: "/from/", echo.sticky: "/"}
    questions = [(door, Request(host, path)) for door in way.doors for host, path in asked.items()] * IN_A_ROW
    while missing := [fault for fault in at_once(lambda question: _fault(client, *question), questions) if fault]:
        if time.monotonic() > deadline:
            raise NoEcho(f"{missing[0]} after {SERVED_WITHIN:g} s")
        gevent.sleep(0.2)


@contextmanager
def _told_of_echo() -> Iterator[None]:
    """What kubectl could not do is about these pods, not about those on every node."""
    try:
        yield
    except CannotProbe as failure:
        raise NoEcho(str(failure)) from None


def _fault(client: Client, door: Door, request: Request) -> str:
    try:
        answer = get(client, door, request)
    except NoAnswer as failure:
        return f"found {failure}, expected an answer of a pod behind a new Ingress"
    return "" if answer.status == 200 else f"found {answer.status} from {door.address}, expected 200 of a new Ingress"


def heard(answer: Answer) -> Mapping[str, str]:
    """What the pod says reached it: pod, path, real (X-Real-Ip), forwarded (X-Forwarded-For)."""
    words = (line.partition(" ") for line in answer.body.splitlines())
    return {name: value for name, _, value in words}
