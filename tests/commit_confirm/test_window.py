"""A window as an operator writes it."""

from __future__ import annotations

import pytest

from k8snet_provision.commit_confirm import in_words, seconds
from k8snet_provision.problems import ProblemsFound


@pytest.mark.parametrize(
    ("text", "meant"), [("10m", 600), ("90s", 90), ("1h30m", 5400), ("1h0m5s", 3605), ("24h", 86400), ("60s", 60)]
)
def test_hours_minutes_and_seconds(text: str, meant: int) -> None:
    assert seconds(text) == meant
    assert seconds(in_words(meant)) == meant


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "-5m", "1m1h", "1.5h", "٣m", "10m;reboot"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ProblemsFound, match=r"K8N440 --confirm-within is no duration .*expected from 1m to 24h.*1h30m"):
        seconds(text)


@pytest.mark.parametrize(("text", "why"), [("59s", "short"), ("0m", "short"), ("24h1s", "long"), ("999999h", "long")])
def test_what_is_too_short_or_too_long(text: str, why: str) -> None:
    with pytest.raises(ProblemsFound, match=f"K8N440 --confirm-within is too {why}"):
        seconds(text)
