"""Every host and path of an Ingress is answered from outside, at every address of the way in; nothing else is."""

from __future__ import annotations

from itertools import product

from k8snet_provision.seen import World
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.default_backend import unanswered, unexpected
from k8snet_provision.verification.pages import Page, published, redirected
from k8snet_provision.verification.verdict import at_once, nothing_wrong
from k8snet_provision.verification.way_in import WayIn
from k8snet_provision.verification.web import Answer, Door, NoAnswer, Request, anything, get

NOWHERE = "/k8snet-verify-no-such-path"


def called_for(world: World) -> bool:
    return world.topology.ingress is not None


def test_http(client: Client, world: World, way: WayIn) -> None:
    """every host and path of an Ingress is answered over HTTP, by its Service or with the way to HTTPS"""
    sites = published(world, way)
    code = int(world.topology.ingress.config.get("http-redirect-code", "308")) if world.topology.ingress else 308

    def fault(question: tuple[Door, Page]) -> str:
        door, page = question
        answer = _answer(client, door, Request(page.name, page.asked))
        if isinstance(answer, str):
            return f"{page}: found {answer}, expected an answer"
        if not redirected(world, sites, page):
            return unanswered(answer, page)
        found = (answer.status, answer.headers.get("location", "nowhere"))
        wanted = f"https://{page.name}"
        if found[0] == code and found[1].startswith(wanted):
            return ""
        return f"{page}: found {found[0]} to {found[1]}, expected {code} to {wanted}{page.asked}"

    nothing_wrong(at_once(fault, list(product(way.doors, (page for site in sites for page in site.pages)))))


def test_https(client: Client, world: World, way: WayIn) -> None:
    """every host and path of an Ingress is answered over HTTPS by its Service"""
    trust = anything()

    def fault(question: tuple[Door, Page]) -> str:
        door, page = question
        answer = _answer(client, door, Request(page.name, page.asked, trust=trust))
        return f"{page}: found {answer}, expected an answer" if isinstance(answer, str) else unanswered(answer, page)

    pages = [page for site in published(world, way) for page in site.pages]
    nothing_wrong(at_once(fault, list(product(way.doors, pages))))


def test_no_such_path(client: Client, world: World, way: WayIn) -> None:
    """a path that no rule of its host has is the default backend's"""
    sites = published(world, way)
    pages = [page for site in sites if not site.catches_all for page in site.pages if page.host]
    open_hosts = {page.host for page in pages if page.asked == "/" and page.kind != "Exact"}
    hosts = {page.host: page for page in pages if page.host not in open_hosts}
    trust = anything()

    def fault(question: tuple[Door, Page]) -> str:
        door, page = question
        answer = _answer(client, door, Request(page.name, NOWHERE, trust=trust))
        what = f"{page.host}{NOWHERE}"
        return f"{what}: found {answer}" if isinstance(answer, str) else unexpected(world, sites, answer, what)

    nothing_wrong(at_once(fault, list(product(way.doors, hosts.values()))))


def test_no_such_host(client: Client, world: World, way: WayIn) -> None:
    """a host that no Ingress has is the default backend's, over HTTP and HTTPS"""
    sites = published(world, way)
    host = "no-such-host.k8snet-verify.invalid"

    def fault(question: tuple[Door, Request]) -> str:
        door, request = question
        answer = _answer(client, door, request)
        return f"{host}: found {answer}" if isinstance(answer, str) else unexpected(world, sites, answer, host)

    requests = [Request(host), Request(host, trust=anything())]
    nothing_wrong(at_once(fault, list(product(way.doors, requests))))


def _answer(client: Client, door: Door, request: Request) -> Answer | str:
    try:
        return get(client, door, request)
    except NoAnswer as failure:
        return str(failure)
