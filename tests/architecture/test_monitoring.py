"""The alert rules and the dashboard that are shipped: valid PromQL, over metrics and labels that there are."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector
from ruamel.yaml import YAML

from relay.metrics import Histogram, Metric
from relay.telemetry import Telemetry
from tests.conftest import ManualClock
from tests.patience import WAIT_S_MAX

CONFIG = Path(__file__).parents[2] / "config"
ALERTS = CONFIG / "prometheus" / "alerts.yaml"
RINGING = Path(__file__).with_name("alerts_test.yaml")
DASHBOARD = CONFIG / "grafana" / "relay.json"
SCRAPED = {"instance", "job"}  # what Prometheus adds to everything
INTERVAL = "$__rate_interval"  # what Grafana fills in

Selector = promql_parser.VectorSelector


def rules() -> list[dict[str, Any]]:
    (group,) = YAML(typ="safe").load(ALERTS)["groups"]
    return list(group["rules"])


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    drawn = [target["expr"].replace(INTERVAL, "5m") for panel in panels for target in panel["targets"]]
    return [*(rule["expr"] for rule in rules()), *drawn]


def selectors(found: object) -> Iterator[Selector]:
    """Yield every metric that an expression asks for."""
    if isinstance(found, Selector):
        yield found
        return
    if isinstance(found, list):
        for each in found:
            yield from selectors(each)
        return
    for place in ("expr", "lhs", "rhs", "args", "vector_selector", "vs"):
        inner = getattr(found, place, None)
        if inner is not None:
            yield from selectors(inner)


def labels_by_name() -> dict[str, set[str]]:
    """Return what our exposition has: each series' name, and its labels."""
    registry: CollectorRegistry = Telemetry(ManualClock(), {}).registry
    known: dict[str, set[str]] = {"up": set()}
    for metric in registry._collector_to_names:
        known |= {name: _labels(metric, name) for name in _names(metric)}
    return known


def _names(metric: Collector) -> list[str]:
    assert isinstance(metric, Metric)
    (family,) = metric.collect()
    if isinstance(metric, Histogram):
        return [f"{family.name}_{part}" for part in ("bucket", "sum", "count")]
    return [f"{family.name}_total" if family.type == "counter" else family.name]


def _labels(metric: Collector, name: str) -> set[str]:
    assert isinstance(metric, Metric)
    return {*metric._labels, *(["le"] if name.endswith("_bucket") else [])}


@pytest.mark.parametrize("question", [("check", "rules", ALERTS), ("test", "rules", RINGING)], ids=lambda it: it[0])
def test_prometheus_own_tool_takes_the_rules_and_each_rings_when_it_should(question: tuple[object, ...]) -> None:
    """A rule that nobody saw ring is a hope: series in, alerts out, by the program that evaluates them."""
    tool = shutil.which("promtool")
    assert tool is not None, "tests/run installs it"
    done = subprocess.run([tool, *map(str, question)], capture_output=True, text=True, timeout=WAIT_S_MAX, check=False)

    assert 0 == done.returncode, done.stdout + done.stderr


def test_every_rule_has_been_seen_to_ring() -> None:
    """With what it says then, word by word."""
    tests = YAML(typ="safe").load(RINGING)["tests"]
    rung = {each["alertname"] for test in tests for each in test["alert_rule_test"] if each.get("exp_alerts")}

    assert {rule["alert"] for rule in rules()} == rung


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_that_is_named_exists(expression: str) -> None:
    """An alert on a metric that was renamed never rings."""
    known = labels_by_name()
    found = list(selectors(promql_parser.parse(expression)))

    assert found
    grouped = {label.strip() for inner in re.findall(r"by \(([^)]*)\)", expression) for label in inner.split(",")}
    for selector in found:
        assert selector.name in known
        asked = {matcher.name for matcher in selector.matchers.matchers} | grouped
        assert asked <= known[selector.name] | SCRAPED


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    """Who is woken at night reads it first; each label that it names is one that is left of its expression."""
    text = " ".join(rule["annotations"].values())
    kept = {label.strip() for inner in re.findall(r"by \(([^)]*)\)", rule["expr"]) for label in inner.split(",")}
    named = set(re.findall(r"\$labels\.(\w+)", text))

    assert {"summary", "description"} == rule["annotations"].keys()
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert named <= (kept or SCRAPED)


def test_every_metric_of_ours_is_drawn_or_rings() -> None:
    """What nobody looks at need not be counted; what is told of reloads and of keys is for those who ask."""
    asked = {selector.name for expression in expressions() for selector in selectors(promql_parser.parse(expression))}
    parts = ("_sum", "_count")
    unasked = {name for name in labels_by_name() if not name.endswith(parts)} - asked

    assert {
        "relay_config_last_reload_timestamp_seconds",
        "relay_config_reloads_total",
        "relay_source_key_last_used_timestamp_seconds",
        "relay_source_key_uses_total",
    } >= unasked


def test_every_panel_says_what_its_numbers_are() -> None:
    """A unit, a legend that names its series, a place of its own, and the data source that one chooses."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    places = [(x, y) for panel in panels for x in _span(panel, "x", "w") for y in _span(panel, "y", "h")]

    assert len(set(places)) == len(places)
    for panel in panels:
        assert panel["fieldConfig"]["defaults"]["unit"] in ("s", "reqps", "short")
        assert "${datasource}" == panel["datasource"]["uid"]
        for target in panel["targets"]:
            named = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            grouped = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", target["expr"])))) - {"le"}
            assert named == grouped
            assert target["legendFormat"]


def _span(panel: dict[str, Any], start: str, length: str) -> range:
    place = panel["gridPos"]
    return range(place[start], place[start] + place[length])
