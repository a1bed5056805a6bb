"""A failing check says in one line what was found and what was expected."""

from __future__ import annotations

import pytest

from k8snet_provision.verification.verdict import NotAsWanted, at_once, demand, nothing_wrong


def test_what_is_as_wanted_says_nothing() -> None:
    demand({"a"}, {"a"})
    nothing_wrong(["", ""])


@pytest.mark.parametrize(
    ("found", "expected", "text"),
    [
        ("", "node1", "found nothing, expected node1"),
        ({"b", "a"}, set(), "found a, b, expected nothing"),
        (503, 200, "found 503, expected 200"),
    ],
)
def test_found_and_expected_stand_in_one_line(found: object, expected: object, text: str) -> None:
    with pytest.raises(NotAsWanted, match=f"^servers: {text}$"):
        demand(found, expected, "servers")


def test_many_faults_are_counted_and_none_is_said_twice() -> None:
    with pytest.raises(NotAsWanted, match=r"^f0; f1; f2; f3; and 2 more$"):
        nothing_wrong(f"f{number % 6}" for number in range(12))


def test_answers_come_in_the_order_of_the_questions() -> None:
    assert at_once(lambda number: number * 2, range(100)) == [number * 2 for number in range(100)]
