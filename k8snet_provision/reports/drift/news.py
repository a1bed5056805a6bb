"""What changed since the last look, a line each with its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console

from k8snet_provision.drift import finding
from k8snet_provision.drift.news import News
from k8snet_provision.reports.drift import console
from k8snet_provision.reports.lines import DIFF_COLOURS, line, unseen


def show(out: Console, at: str, news: News) -> None:
    """`at`: when the look began."""
    for text, style in _lines(news):
        line(out, f"{at}  {text}", style)


def _lines(news: News) -> Iterator[tuple[str, str]]:
    for found in news.appeared:
        yield f"+ {console.headline(found)}", console.COLOUR[found.severity]
        yield from ((f"    {text}", DIFF_COLOURS.get(text[:1], "")) for text in console.diff_lines(found))
    for found in news.gone:
        yield f"- {console.headline(found)}", "green"
    for missing in news.lost:
        yield f"? {unseen(missing)}", "magenta"
    for missing in news.back:
        yield f"! {missing.target}: {missing.what} is observed again", "green"


def to_json(at: str, news: News) -> dict[str, Any]:
    return {
        "at": at,
        "appeared": [finding.to_json(found) for found in news.appeared],
        "gone": [finding.to_json(found) for found in news.gone],
        "lost": [asdict(item) for item in news.lost],
        "back": [asdict(item) for item in news.back],
    }


@dataclass
class Tally:
    """What a watch saw from its beginning to its end."""

    looks: int = 0
    appeared: int = 0
    gone: int = 0

    def add(self, news: News | None) -> None:
        self.looks += 1
        self.appeared += len(news.appeared) if news else 0
        self.gone += len(news.gone) if news else 0

    def told(self, seconds: float, now: str) -> str:
        """`now`: what the last look found, in words."""
        looks = f"{self.looks} look{'' if self.looks == 1 else 's'} in {seconds:.0f} s"
        return f"{looks} · {self.appeared} appeared · {self.gone} went · now: {now}"
