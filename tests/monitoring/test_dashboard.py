"""The dashboard that is shipped: Grafana's own classes know every key of it, and every expression finds our series."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.monitoring.scrapes import BAD, DASHBOARD, Scraped, holds
from tests.reports.drift.samples import promtool

VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def dashboard() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return read


def expressions() -> dict[str, str]:
    """By panel and target."""
    panels = dashboard()["panels"]
    return {f"{panel['id']}{target['refId']}": target["expr"] for panel in panels for target in panel["targets"]}


def forgotten(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Where Grafana's classes did not keep what we wrote: a key that the schema does not have, or not so."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from forgotten(value, theirs[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from forgotten(one, other, f"{path}[{index}]")
    elif ours != theirs:
        yield path


def kept(written: dict[str, Any]) -> Any:
    register_default_plugins()
    return json.loads(json.dumps(Dashboard.from_json(copy.deepcopy(written)), cls=JSONEncoder))


def test_grafana_knows_every_key() -> None:
    assert list(forgotten(dashboard(), kept(dashboard()))) == []


@pytest.mark.parametrize("where", ["options", "fieldConfig"])
def test_a_key_that_grafana_does_not_know_is_found(where: str) -> None:
    wrong = dashboard()
    wrong["panels"][0][where]["colourMode"] = "x"
    assert list(forgotten(wrong, kept(wrong))) == [f".panels[0].{where}.colourMode"]


def test_every_expression_finds_what_the_exporter_writes(tmp_path: Path) -> None:
    """At a moment at which there are findings, accepted ones too; a variable stands for every cluster."""
    checks = [
        {"expr": f"count({expr}) > bool 0".replace("$cluster", ".*"), "eval_time": "10m",
         "exp_samples": [{"labels": "{}", "value": 1}]}
        for expr in expressions().values()
    ]  # fmt: skip
    assert len(checks) > 10
    assert holds(tmp_path, [Scraped(BAD, 30)], None, promql_expr_test=checks) == ""


def test_an_expression_of_another_name_is_found(tmp_path: Path) -> None:
    check = {"expr": "count(k8snet_drift_finding) > bool 0", "eval_time": "10m",
             "exp_samples": [{"labels": "{}", "value": 1}]}  # fmt: skip
    assert holds(tmp_path, [Scraped(BAD, 30)], None, promql_expr_test=[check]) != ""


def test_every_expression_is_one(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{name}", "expr": expr.replace("$cluster", ".*")} for name, expr in expressions().items()
    ]
    file = tmp_path / "rules.json"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", str(file))
    assert checked.returncode == 0 and f"{len(rules)} rules found" in checked.stdout, checked


def test_it_asks_for_datasource_and_cluster_and_every_panel_goes_by_them() -> None:
    variables = {item["name"]: item for item in dashboard()["templating"]["list"]}
    assert (variables["datasource"]["type"], variables["cluster"]["type"]) == ("datasource", "query")
    assert set(VARIABLE.findall(json.dumps(dashboard()))) - {"__all"} == set(variables)
    for panel in dashboard()["panels"]:
        assert {panel["datasource"]["uid"]} | {target["datasource"]["uid"] for target in panel["targets"]} == {
            "${datasource}"
        }
        assert all('cluster=~"$cluster"' in target["expr"] for target in panel["targets"])


def test_panels_lie_beside_each_other_and_have_a_number_of_their_own() -> None:
    panels = dashboard()["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)
