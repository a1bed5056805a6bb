"""Results of verify as JUnit XML, which CI systems open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from xml.etree import ElementTree

if TYPE_CHECKING:
    from k8snet_provision.verification.plugin import Result


def to_xml(suite: str, results: Sequence[Result]) -> str:
    """One testcase per check and host: classname is the host, name is what the check proves."""
    failures = [result for result in results if not result.passed]
    root = ElementTree.Element(
        "testsuite",
        name=_printable(suite),
        tests=str(len(results)),
        failures=str(len(failures)),
        errors="0",
        time=f"{sum(result.seconds for result in results):.3f}",
    )
    for result in results:
        case = ElementTree.SubElement(
            root,
            "testcase",
            classname=_printable(result.where),
            name=_printable(result.proves),
            time=f"{result.seconds:.3f}",
        )
        if not result.passed:
            failure = ElementTree.SubElement(case, "failure", message=_printable(result.why)[:200])
            failure.text = _printable(result.why)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _printable(text: str) -> str:
    """XML 1.0 has no place for most control characters, not even escaped."""
    return "".join(char if char.isprintable() or char in "\n\t" else repr(char)[1:-1] for char in text)
