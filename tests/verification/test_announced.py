"""Who answers for an address: which host's MAC it is, and that there is one only."""

from __future__ import annotations

import pytest

from k8snet_provision.verification.announced import Announced

LB1, LB2, STRANGER = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:99"


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ({LB1: "lb1"}, ""),
        ({LB2: "lb2"}, f"found lb2 ({LB2}), expected lb1 alone"),
        ({LB1: "lb1", LB2: "lb2"}, f"found lb1 ({LB1}) and lb2 ({LB2}), expected lb1 alone"),
        ({LB1: "lb1", STRANGER: ""}, f"found lb1 ({LB1}) and a stranger ({STRANGER}), expected lb1 alone"),
        ({}, "found no answer to ARP, expected lb1 alone"),
    ],
)
def test_one_host_answers(answers: dict[str, str], fault: str) -> None:
    assert Announced(frozenset({"lb1"}), answers).only_from("lb1") == fault
