"""A saved plan for a change ticket: Markdown, and HTML that is one file.

Whatever a host or an inventory says is shown as text: in neither form does it become markup.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from html import escape

from k8snet_provision.change import Change
from k8snet_provision.forecast import Forecast
from k8snet_provision.plan import Plan
from k8snet_provision.reports import console, forecast
from k8snet_provision.reports.lines import unseen
from k8snet_provision.saved_plan import model
from k8snet_provision.saved_plan.model import SavedPlan
from k8snet_provision.text import printable

STYLE = """
:root { color-scheme: light dark; --add: #1a7f37; --del: #cf222e; --at: #0969da; --line: #8884; --back: #8881; }
@media (prefers-color-scheme: dark) { :root { --add: #3fb950; --del: #ff7b72; --at: #58a6ff; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 1px solid var(--line); font-size: 1.15rem; margin-top: 2rem; }
h2 small, dt { font-weight: normal; opacity: .75; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; }
dd { margin: 0; overflow-wrap: anywhere; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { border: 1px solid var(--line); border-radius: 6px; background: var(--back); padding: .6rem; overflow-x: auto; }
table { border-collapse: collapse; }
td, th { border: 1px solid var(--line); padding: .2rem .5rem; text-align: left; vertical-align: top; }
.add { color: var(--add); } .del { color: var(--del); } .at { color: var(--at); }
"""


class Ticket(StrEnum):
    """How a saved plan is printed; `text` is the console's, as diff prints it."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


CLASSES = {"+": "add", "-": "del", "@": "at"}


def to_json(saved: SavedPlan) -> str:
    return json.dumps(model.to_json(saved), indent=2)


def provenance(saved: SavedPlan) -> str:
    """One line: who, when, with what, and the digest that a ticket may name."""
    return (
        f"saved by {saved.made_by} at {saved.made_at} with k8snet-provision {saved.tool} "
        f"from {saved.inventory} · sha256 {saved.digest}"
    )


def _about(saved: SavedPlan) -> dict[str, str]:
    rows = {
        "saved by": saved.made_by,
        "at": saved.made_at,
        "inventory": saved.inventory,
        "limit": saved.limit,
        "tags": saved.tags,
        "extra variables": ", ".join(saved.extra_vars),
        "k8snet-provision": saved.tool,
        "sha256": saved.digest,
    }
    return {name: value for name, value in rows.items() if value}


def _title(targets: Sequence[str], change: Change) -> tuple[str, str]:
    """What is changed, and on all of these hosts: a ticket has room for every name."""
    return f"{console.signed(change)[0]} {change.name}", f"on {', '.join(targets)}{console.beside(change)}"


def _remarks(plan: Plan) -> list[str]:
    return [
        *map(str, plan.problems),
        *(f"not observed: {unseen(item)}" for item in plan.incomplete),
        *(f"note: {notice}" for notice in plan.notices),
    ]


def markdown(saved: SavedPlan) -> str:
    return "\n".join(map(printable, _markdown(saved)))


def _markdown(saved: SavedPlan) -> Iterator[str]:
    plan = saved.plan
    yield from (f"# Plan for {_plain(plan.name)}", "", _plain(console.headline(plan)), "")
    yield from (f"- {name}: {_code(value)}" for name, value in _about(saved).items())
    yield ""
    for remark in _remarks(plan):
        yield from (f"> {_plain(remark)}", "")
    for phase, pace in saved.paces.items():
        if changes := plan.of(phase):
            yield from (f"## {_plain(phase)}: {_plain(pace)}", "")
            for targets, change in console.folded(changes):
                what, where = _title(targets, change)
                yield from (f"{_code(what)} {_plain(where)}", "")
                yield from _fenced(console.diff_lines(change))
    if saved.forecast:
        yield from _markdown_table(saved.forecast)
    yield f"**{_plain(console.totals(plan))}**"


def _markdown_table(foretold: Forecast) -> Iterator[str]:
    yield from ("## Forecast", "", f"| {' | '.join(forecast.HEADS)} |", "|---" * len(forecast.HEADS) + "|")
    yield from (f"| {' | '.join(map(_plain, row))} |" for row in forecast.cells(foretold))
    yield from ("", _plain(forecast.total(foretold)), "")


def _fenced(lines: Sequence[str]) -> Iterator[str]:
    """A block of the diff, closed by a fence longer than any in it."""
    if lines:
        fence = "`" * max(3, _longest_run(lines) + 1)
        yield from (f"{fence}diff", *lines, fence, "")


def _code(text: str) -> str:
    one_line = " ".join(text.splitlines())
    fence = "`" * (_longest_run([text]) + 1)
    return f"{fence} {one_line} {fence}" if "`" in text else f"`{one_line}`"


def _longest_run(lines: Sequence[str]) -> int:
    return max((len(run) for line in lines for run in re.findall("`+", line)), default=0)


def _plain(text: str) -> str:
    """Text in which nothing is markup, neither Markdown's nor HTML's."""
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", " ".join(text.splitlines()))


def html(saved: SavedPlan) -> str:
    """A page without scripts, that loads nothing, in the reader's choice of light and dark."""
    return "\n".join(map(printable, _html(saved)))


def _html(saved: SavedPlan) -> Iterator[str]:
    plan, title = saved.plan, escape(f"Plan for {saved.plan.name}")
    yield from ("<!doctype html>", '<html lang="en">', '<meta charset="utf-8">')
    yield "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield from (f"<title>{title}</title>", f"<style>{STYLE}</style>")
    yield from (f"<h1>{title}</h1>", f"<p>{escape(console.headline(plan))}</p>", "<dl>")
    yield from (
        f"<dt>{escape(name)}</dt><dd><code>{escape(value)}</code></dd>" for name, value in _about(saved).items()
    )
    yield "</dl>"
    yield from (f"<p><strong>{escape(remark)}</strong></p>" for remark in _remarks(plan))
    for phase, pace in saved.paces.items():
        if changes := plan.of(phase):
            yield f"<h2>{escape(phase)} <small>{escape(pace)}</small></h2>"
            for targets, change in console.folded(changes):
                what, where = _title(targets, change)
                yield f"<p><code>{escape(what)}</code> {escape(where)}</p>"
                yield from _block(console.diff_lines(change))
    if saved.forecast:
        yield from _html_table(saved.forecast)
    yield from (f"<p><strong>{escape(console.totals(plan))}</strong></p>", "</html>")


def _html_table(foretold: Forecast) -> Iterator[str]:
    yield from ("<h2>Forecast</h2>", "<table>", _html_row("th", forecast.HEADS))
    yield from (_html_row("td", row) for row in forecast.cells(foretold))
    yield from ("</table>", f"<p>{escape(forecast.total(foretold))}</p>")


def _html_row(tag: str, cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _block(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        rows = (f'<span class="{CLASSES.get(line[:1], "same")}">{escape(line)}</span>' for line in lines)
        yield "<pre>" + "\n".join(rows) + "</pre>"


FORMS = {Ticket.JSON: to_json, Ticket.MARKDOWN: markdown, Ticket.HTML: html}
