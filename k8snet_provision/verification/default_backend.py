"""What answers where no rule matches: the controller's own page, or a Service of the operator's."""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_provision.seen import World
from k8snet_provision.verification.pages import Page, Published
from k8snet_provision.verification.web import Answer

OWN_PAGE = "<center>nginx</center>"
"""In the controller's own page; its nginx gives no version (server-tokens is off by default)."""

BROKEN = range(500, 600)


def is_own_page(answer: Answer) -> bool:
    return answer.status == 404 and OWN_PAGE in answer.body


def unanswered(answer: Answer, page: Page) -> str:
    """Why the answer is not that of the page's Service; empty when it may be."""
    expected = f"expected an answer of {page.service}"
    if answer.status in BROKEN:
        return f"{page}: found {answer.status}, {expected}"
    if is_own_page(answer):
        return f"{page}: found 404 of the controller, {expected}"
    return ""


def unexpected(world: World, sites: Sequence[Published], answer: Answer, what: str) -> str:
    """Why the answer to what no rule matches is not the default backend's; empty when it may be."""
    ingress = world.topology.ingress
    service = (
        f"{ingress.default_backend.namespace}/{ingress.default_backend.name}"
        if ingress and ingress.default_backend
        else ""
    )
    own = [site.name for site in sites if site.catches_all or any(not page.host for page in site.pages)]
    if own or service:
        expected = f"an answer of {service or f'the default backend of {own[0]}'}"
        wrong = answer.status in BROKEN or is_own_page(answer)
    else:
        expected, wrong = "404 of the controller", not is_own_page(answer)
    return f"{what}: found {answer.status}, expected {expected}" if wrong else ""
