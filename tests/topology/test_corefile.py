"""Text that is added to a Corefile: braces and zones."""

from __future__ import annotations

import pytest

from k8snet_provision.topology.corefile import defines, unbalanced


@pytest.mark.parametrize(
    ("text", "zones"),
    [
        ("", ()),
        ("a.test {\n whoami\n}\n", ("a.test",)),
        ("a.test. b.test:53,\ndns://C.test {\n whoami\n}\n", ("a.test", "b.test", "c.test")),
        (".:53 {\n}\n.:5353 {\n}\ntls://. {\n}\n", (".",)),
        ("(snip) {\n whoami\n}\na.test {\n import snip\n}\n", ("a.test",)),
        ('a.test {\n template IN A {\n answer "{{ .Name }} {"\n }\n} # }\n', ("a.test",)),
        ("a.test\n{\n forward . {$UPSTREAM} {\n max_fails 1\n}\n}\n", ("a.test",)),
    ],
)
def test_whole_blocks_and_their_zones(text: str, zones: tuple[str, ...]) -> None:
    assert unbalanced(text) == ""
    assert defines(text) == zones


@pytest.mark.parametrize("text", ["a.test {\n whoami\n", "a.test {\n}\n}\n", "}", "a { b {\n}\n"])
def test_braces_without_counterpart(text: str) -> None:
    assert unbalanced(text) != ""
