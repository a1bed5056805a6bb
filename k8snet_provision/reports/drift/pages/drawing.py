"""Where everything of the picture is drawn: from left to right on a desk, from top to bottom on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

from k8snet_provision.drift import Place
from k8snet_provision.reports.drift.pages.atlas import Atlas
from k8snet_provision.reports.drift.pages.boxes import Box, Text, box

COLUMNS = {"clients": 0, "edge": 1, "metallb": 1, "nodes": 2, "ingress": 3, "services": 4, "pods": 5}
"""Of the way from left to right; every other place is among what the way rests on, in a row below."""

GAP, BETWEEN, BELOW, LANE = 22, 34, 52, 24
"""Pixels between boxes of a column, between columns, above the row below, and for arrows that go over a box."""

WIDE, TALL, TALL_PICTURE = 176, 288, 336
"""Width of a box on a desk and on a phone; there, arrows that skip a box have what is left to the right of it."""

RESTS_ON = "and what it rests on"


@dataclass(frozen=True)
class Drawing:
    """`name` says which of the two; `arrows` are paths of SVG."""

    name: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]
    below: Text


def drawings(atlas: Atlas) -> tuple[Drawing, ...]:
    """Both forms; the style sheet shows the one that fits. None where the report has no picture."""
    return (_wide(atlas), _tall(atlas)) if atlas.places else ()


def _wide(atlas: Atlas) -> Drawing:
    columns = _columns(atlas)
    heights = [sum(each.height for each in column) + GAP * (len(column) - 1) for column in columns]
    way: list[Box] = []
    for number, column in enumerate(columns):
        y = LANE + (max(heights) - heights[number]) / 2
        for each in column:
            way.append(replace(each, x=1 + number * (WIDE + BETWEEN), y=y))
            y += each.height + GAP
    below = LANE + max(heights) + BELOW
    start = next((each.x for each in way if _leads_down(each.place)), 1.0)
    ground = [
        replace(box(atlas, place, WIDE), x=start + number * (WIDE + BETWEEN), y=below)
        for number, place in enumerate(_ground(atlas))
    ]
    boxes = (*way, *ground)
    right, bottom = max(each.x + WIDE for each in boxes), max(each.y + each.height for each in boxes)
    label = Text(start + WIDE + BETWEEN if start > 1 else 1, below - 14, RESTS_ON, "dim")
    return Drawing("wide", right + 1, bottom + 2, boxes, tuple(_arrows(boxes, _across)), label)


def _tall(atlas: Atlas) -> Drawing:
    boxes: list[Box] = []
    y, label = 2.0, Text(1, 0, RESTS_ON, "dim")
    for place in (*_way(atlas), *_ground(atlas)):
        if place.name not in COLUMNS and not label.y:
            label, y = replace(label, y=y + 8), y + GAP
        boxes.append(replace(box(atlas, place, TALL), x=1, y=y))
        y += boxes[-1].height + GAP
    lanes = count(1)
    arrows = tuple(_arrows(boxes, lambda start, end: _down(start, end, boxes, lanes)))
    return Drawing("tall", TALL_PICTURE, y - GAP + 2, tuple(boxes), arrows, label)


def _way(atlas: Atlas) -> list[Place]:
    return [place for place in atlas.places if place.name in COLUMNS]


def _ground(atlas: Atlas) -> list[Place]:
    return [place for place in atlas.places if place.name not in COLUMNS]


def _leads_down(place: Place) -> bool:
    return any(name not in COLUMNS for name in place.then)


def _columns(atlas: Atlas) -> list[list[Box]]:
    """Without empty ones. What leads to the row below stands last, so that nothing is in between."""
    columns: dict[int, list[Box]] = {number: [] for number in sorted(set(COLUMNS.values()))}
    for place in sorted(_way(atlas), key=_leads_down):
        columns[COLUMNS[place.name]].append(box(atlas, place, WIDE))
    return [column for column in columns.values() if column] or [[]]


def _arrows(boxes: Sequence[Box], route: Callable[[Box, Box], str]) -> Iterator[str]:
    by_name = {each.place.name: each for each in boxes}
    for start in boxes:
        yield from (route(start, by_name[name]) for name in start.place.then if name in by_name)


def _across(start: Box, end: Box) -> str:
    """Straight on to the next column, over the top of one that is skipped, down to the row below."""
    columns = round((end.x - start.x) / (WIDE + BETWEEN))
    if columns == 0:
        x = start.x + WIDE / 2
        return f"M{x:g} {start.y + start.height:g}V{end.y - 2:g}"
    if columns > 1:
        leave, enter = start.x + WIDE * 0.7, end.x + WIDE * 0.3
        return f"M{leave:g} {start.y:g}V{LANE / 2:g}H{enter:g}V{end.y - 2:g}"
    x, y = start.x + WIDE, start.y + start.height / 2
    to_x, to_y = end.x - 2, end.y + end.height / 2
    bend = BETWEEN * 0.6
    return f"M{x:g} {y:g}C{x + bend:g} {y:g} {to_x - bend:g} {to_y:g} {to_x:g} {to_y:g}"


def _down(start: Box, end: Box, boxes: Sequence[Box], lanes: Iterator[int]) -> str:
    """To the next box, or along the right side past those in between, in a lane of its own."""
    number = [each.place.name for each in boxes].index(start.place.name)
    if number + 1 < len(boxes) and boxes[number + 1].place.name == end.place.name:
        x = start.x + TALL / 2
        return f"M{x:g} {start.y + start.height:g}V{end.y - 2:g}"
    right = start.x + TALL
    lane = right + 8 + 8 * (next(lanes) - 1)
    leave, enter = start.y + start.height * 0.65, end.y + end.height * 0.35
    return f"M{right:g} {leave:g}H{lane:g}V{enter:g}H{right + 2:g}"
