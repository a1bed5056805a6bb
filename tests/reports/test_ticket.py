"""A saved plan in a change ticket: everything of the plan is in it, and nothing of it is markup."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.reports import ticket
from k8snet_provision.saved_plan.model import RestsOn, SavedPlan, from_json

FACTS = {"kubernetes": "v1.36.3", "control planes": "1", "nodes": "2"}
MARKUP = "</pre><script>alert(1)</script> & ``` [x](javascript:y) *z*"
HOSTILE = MARKUP + " \x1b[31m \udcff"
FILE = Change("kubelet", "node1", Kind.FILE, "/etc/a", "old\n", f"new\n```\n{MARKUP}\x1b[31m\n", restarts=("kubelet",))
SECRET = Change("ingresses", CLUSTER, Kind.OBJECT, "Secret shop/shop", None, "", secret=True)


def saved(*changes: Change, **parts: object) -> SavedPlan:
    plan = Plan("lab", FACTS, changes, **parts)  # type: ignore[arg-type]
    return SavedPlan(
        tool="0.1.0 (ab)",
        made_by="ops@desk",
        made_at="2026-11-21T02:00:00Z",
        inventory="/inventories/lab",
        limit="",
        tags="kubelet",
        extra_vars=("site",),
        rests_on=RestsOn({}, {}, {}),
        paces={"kubelet": "25% at once", "ingresses": "once, for the cluster"},
        secrets={},
        plan=plan,
    )


class Read(HTMLParser):
    """What a browser makes of a page: its elements, their attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_hostile_text_as_text_and_loads_nothing() -> None:
    page = ticket.html(saved(FILE, incomplete=(Incomplete("cp1", "host", HOSTILE),), notices=(HOSTILE,)))
    read = Read(page)
    assert read.text.count(MARKUP) == 3
    assert read.text.count("\\x1b[31m \\xff") == 2
    assert "script" not in read.elements
    assert {name for name, _ in read.attributes} <= {"lang", "charset", "http-equiv", "content", "name", "class"}
    assert "prefers-color-scheme: dark" in page and "color-scheme: light dark" in page
    page.encode("utf-8")


def test_html_and_markdown_say_who_when_and_what() -> None:
    plan = saved(FILE, SECRET)
    for text in (Read(ticket.html(plan)).text, ticket.markdown(plan).replace("\\", "")):
        for said in ("ops@desk", "2026-11-21T02:00:00Z", "/inventories/lab", "0.1.0 (ab)", plan.digest, "site"):
            assert said in text
        assert "~ /etc/a" in text and "on node1    restarts kubelet" in text
        assert "+ Secret shop/shop" in text and "(content not shown: secret)" in text
        assert "2 changes on 1 host and in the cluster · 1 kubelet restart · nothing deleted" in text


def test_markdown_keeps_hostile_text_in_its_block() -> None:
    lines = ticket.markdown(saved(FILE)).splitlines()
    opened = lines.index("````diff")
    block = lines[opened + 1 : lines.index("````", opened)]
    assert block[2:] == ["+new", "+```", f"+{MARKUP}\\x1b[31m"]
    outside = "\n".join(lines[:opened])
    assert "<" not in outside


def test_markdown_outside_of_a_block_is_escaped() -> None:
    text = ticket.markdown(saved(notices=(HOSTILE,)))
    (line,) = [line for line in text.splitlines() if line.startswith("> ")]
    assert line.startswith(
        "> note: \\</pre\\>\\<script\\>alert(1)\\</script\\> \\& \\`\\`\\` \\[x\\](javascript:y) \\*z\\*"
    )


def test_a_name_with_backticks_stays_code() -> None:
    change = Change("kubelet", "node1", Kind.FILE, "/etc/`a``b", None, "x\n")
    assert "``` + /etc/`a``b ```" in ticket.markdown(saved(change))


def test_json_is_the_file_itself() -> None:
    plan = saved(FILE, SECRET)
    read = from_json(json.loads(ticket.to_json(plan)))
    assert (read.digest, read.plan.changes[0]) == (plan.digest, FILE)
