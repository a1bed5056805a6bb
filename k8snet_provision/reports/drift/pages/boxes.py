"""One place of the picture as a box: its words, the hosts on it, the sign of how it stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from k8snet_provision.drift import Place
from k8snet_provision.reports.drift.pages.atlas import Atlas
from k8snet_provision.reports.drift.pages.state import State

PADDING, HEAD, ROW = 12, 34, 17
CHARACTER = 7.4
"""Pixels that a character takes at most on the average, in 12 pixels of a wide system font (DejaVu Sans)."""

NAMED = 4
"""Hosts that are named in a box; of more there is a mark each."""
MARK, MARKS = 12, 120
"""Pixels from mark to mark, and the marks that are drawn at most, the worst first."""

NOT_JUDGED = "not looked at"
NOT_WANTED = "not in the topology"


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    style: str = ""


@dataclass(frozen=True)
class Mark:
    """A sign: of the box, or of one host."""

    x: float
    y: float
    size: float
    state: State


@dataclass(frozen=True)
class Box:
    """Its texts and marks stand where they do from its own upper left corner."""

    place: Place
    key: str
    state: State
    label: str
    width: float
    height: float
    texts: tuple[Text, ...]
    marks: tuple[Mark, ...]
    x: float = 0
    y: float = 0


def box(atlas: Atlas, place: Place, width: float) -> Box:
    tally, fits = atlas.by_place[place.name], int((width - 2 * PADDING) / CHARACTER)
    judged = tally.state is not State.NOT_JUDGED
    marks = [Mark(PADDING - 2, 9, 17, tally.state)] if judged else []
    texts = [Text(PADDING + (22 if judged else 0), 22, _short(place.title, fits - 3), "title")]
    y = float(HEAD)
    for line in (line for text in place.about for line in wrap(text, fits)):
        texts.append(Text(PADDING, y + 13, _short(line, fits), "dim"))
        y += ROW
    draw = _named if len(place.hosts) <= NAMED else _counted
    if place.whole and place.hosts:
        more_texts, more_marks, y = draw(_worst_first(atlas, place.hosts), y, width)
        texts += more_texts
        marks += more_marks
    words = tally.words or (NOT_WANTED if place.capabilities else NOT_JUDGED)
    for line in wrap(words, fits):
        texts.append(Text(PADDING, y + 16, line, f"is-{tally.state}"))
        y += ROW
    label = f"{place.title}: {words}"
    return Box(place, atlas.key(place), tally.state, label, width, y + 12, tuple(texts), tuple(marks))


Hosts = Sequence[tuple[str, State]]
Drawn = tuple[list[Text], list[Mark], float]
"""Texts, marks, and where they end."""


def _worst_first(atlas: Atlas, hosts: Sequence[str]) -> Hosts:
    states = [(host, atlas.by_host[host].state if host in atlas.by_host else State.UNKNOWN) for host in hosts]
    return sorted(states, key=lambda item: list(State).index(item[1]))


def _named(hosts: Hosts, y: float, width: float) -> Drawn:
    fits = int((width - 2 * PADDING) / CHARACTER) - 2
    rows = list(enumerate(hosts))
    texts = [Text(PADDING + 17, y + 13 + row * ROW, _short(host, fits)) for row, (host, _) in rows]
    marks = [Mark(PADDING, y + 3 + row * ROW, 12, state) for row, (_, state) in rows]
    return texts, marks, y + len(rows) * ROW


def _counted(hosts: Hosts, y: float, width: float) -> Drawn:
    """A field of marks, as many in a row as there is room for."""
    shown, more = hosts[:MARKS], f", {MARKS} shown" if len(hosts) > MARKS else ""
    places = _grid(len(shown), int((width - 2 * PADDING) // MARK))
    marks = [
        Mark(PADDING + column * MARK, y + 21 + row * MARK, MARK - 2, state)
        for (row, column), (_, state) in zip(places, shown, strict=True)
    ]
    below = max(mark.y for mark in marks) + MARK
    return [Text(PADDING, y + 13, f"{len(hosts)} hosts{more}")], marks, below


def _grid(count: int, a_row: int) -> Iterator[tuple[int, int]]:
    yield from (divmod(number, a_row) for number in range(count))


def _short(text: str, fits: int) -> str:
    return text if len(text) <= fits else f"{text[: fits - 1]}…"
