"""JUnit XML, which CI systems open: what every report of that form shares, and the results of verify."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from k8snet_provision.text import printable

if TYPE_CHECKING:
    from k8snet_provision.verification.plugin import Result

FAILURE, ERROR, SKIPPED = "failure", "error", "skipped"


@dataclass(frozen=True)
class Case:
    """`ended` is FAILURE, ERROR or SKIPPED, empty where it passed; `why` its first line and `text` all of it.

    `beside` is said of it whatever its end.
    """

    where: str
    name: str
    seconds: float | None = None
    ended: str = ""
    why: str = ""
    text: str = ""
    beside: str = ""


@dataclass(frozen=True)
class Suite:
    name: str
    cases: Sequence[Case]
    seconds: float
    started: str = ""
    properties: dict[str, str] = field(default_factory=dict)

    def count(self, ended: str) -> int:
        return sum(case.ended == ended for case in self.cases)


def to_xml(suite: str, results: Sequence[Result]) -> str:
    """One testcase per check and host: classname is the host, name is what the check proves."""
    cases = [
        Case(result.where, result.proves, result.seconds)
        if result.passed
        else Case(result.where, result.proves, result.seconds, FAILURE, result.why, result.why)
        for result in results
    ]
    return document(element(Suite(suite, cases, sum(result.seconds for result in results))))


def document(root: ElementTree.Element) -> str:
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode")


def element(suite: Suite) -> ElementTree.Element:
    """A testsuite; attributes and their order of elements are those of Jenkins' junit-10.xsd."""
    root = ElementTree.Element("testsuite", _attributes(suite))
    if suite.properties:
        under = ElementTree.SubElement(root, "properties")
        for name, value in suite.properties.items():
            ElementTree.SubElement(under, "property", name=printable(name), value=printable(value))
    root.extend(map(_case, suite.cases))
    return root


def elements(name: str, suites: Iterable[Suite]) -> ElementTree.Element:
    """A testsuites of several."""
    root = ElementTree.Element("testsuites", name=printable(name))
    root.extend(map(element, suites))
    return root


def _attributes(suite: Suite) -> dict[str, str]:
    """Without skipped where nothing is, as before there was any."""
    skipped = suite.count(SKIPPED)
    return {
        "name": printable(suite.name),
        "tests": str(len(suite.cases)),
        "failures": str(suite.count(FAILURE)),
        "errors": str(suite.count(ERROR)),
        **({"skipped": str(skipped)} if skipped else {}),
        "time": f"{suite.seconds:.3f}",
        **({"timestamp": suite.started} if suite.started else {}),
    }


def _case(case: Case) -> ElementTree.Element:
    found = ElementTree.Element("testcase", classname=printable(case.where), name=printable(case.name))
    if case.seconds is not None:
        found.set("time", f"{case.seconds:.3f}")
    if case.ended:
        end = ElementTree.SubElement(found, case.ended, message=printable(case.why)[:200])
        end.text = printable(case.text)
    if case.beside:
        ElementTree.SubElement(found, "system-out").text = printable(case.beside)
    return found
