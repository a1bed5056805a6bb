"""--tags: phases by their names, and several by the word they begin with."""

from __future__ import annotations

import pytest

from k8snet_provision import selection
from k8snet_provision.capability import Capability, Phase
from k8snet_provision.problems import ProblemsFound

SITE = tuple(Phase(Capability(name, carry_out=print)) for name in ("coredns", "kube-proxy config", "kube-proxy"))


@pytest.mark.parametrize(
    ("tags", "chosen"),
    [
        ("", ["coredns", "kube-proxy config", "kube-proxy"]),
        ("kube-proxy", ["kube-proxy config", "kube-proxy"]),
        ("kube-proxy config", ["kube-proxy config"]),
        ("coredns,kube-proxy config", ["coredns", "kube-proxy config"]),
    ],
)
def test_a_tag_is_a_phase_or_the_word_it_begins_with(tags: str, chosen: list[str]) -> None:
    assert [phase.name for phase in selection.phases(SITE, tags)] == chosen


def test_a_tag_that_matches_nothing_is_a_slip_with_a_hint() -> None:
    with pytest.raises(ProblemsFound, match="did you mean kube-proxy"):
        selection.phases(SITE, "kube-prox")
