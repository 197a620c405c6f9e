"""The alert rules and the dashboard that are shipped: valid PromQL, over metrics and labels that there are."""

import json
import re
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

CONFIG = Path(__file__).parents[2] / "config"
ALERTS = CONFIG / "prometheus" / "alerts.yaml"
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
