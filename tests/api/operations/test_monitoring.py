"""Alert rules and the dashboard name series and labels that the service serves, and nothing else."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.errors import catalogue
from api.http.app import create_app
from api.operations.metrics.counters import ALL
from api.operations.metrics.serving import registry_of
from api.personal.faces import StoredFaces
from api.service import Service

DEPLOY = Path(__file__).parents[3] / "deploy"
ALERTS = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((DEPLOY / "grafana" / "renzheng.json").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]

STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
FUNCTIONS = {"absent", "histogram_quantile", "increase", "label_values", "max", "min", "rate", "sum"}
WORDS = {"and", "by"}
LABELS = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"')
ADDED = {"instance", "job"}
"""Labels that Prometheus gives to what it scrapes."""


def expressions() -> Iterator[str]:
    for rule in RULES:
        yield rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]


EXPRESSIONS = list(expressions())


@pytest.fixture(scope="module")
def served(service: Service) -> dict[str, set[str]]:
    """Every series with its labels: those of counters before anything was counted too."""
    found: dict[str, set[str]] = {}
    for one in ALL:
        for family in one.describe():
            names = [family.name]
            if family.type == "counter":
                names = [f"{family.name}_total"]
            if family.type == "histogram":
                names = [f"{family.name}_{part}" for part in ("bucket", "count", "sum")]
            for name in names:
                found[name] = {*one._labelnames, *({"le"} if name.endswith("_bucket") else ())}
    service.faces.found = service.faces.found or StoredFaces(0, 100_000, datetime.now(UTC))
    for family in registry_of(service).collect():
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


def named(expression: str) -> set[str]:
    """The series that an expression names: words that are no function, no operator and no label."""
    bare = re.sub(r"\b(by|without)\s*\([^)]*\)", " ", STRINGS.sub('""', expression))
    bare = re.sub(r"\[[^\]]*\]", " ", bare)
    bare = re.sub(r"label_values\((\w+),\s*\w+\)", r"\1", bare)
    without_labels = re.sub(r"\{[^}]*\}", " ", bare)
    return {
        word
        for word in re.findall(r"\b[a-z_][a-z0-9_]*\b", without_labels)
        if word not in FUNCTIONS | WORDS and not word.isdigit()
    }


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_series_and_label_exists(expression: str, served: dict[str, set[str]]) -> None:
    names = named(expression)
    assert names, "an expression names a series"
    assert names <= served.keys()
    labels = set(LABELS.findall(expression))
    for group in re.findall(r"\bby\s*\(([^)]*)\)", expression):
        labels |= {one.strip() for one in group.split(",")}
    known = set().union(*(served[name] for name in names))
    assert labels <= known | ADDED


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_brackets_close_and_counters_are_rates(expression: str) -> None:
    bare, open_ones = STRINGS.sub("", expression), []
    for character in bare:
        if character in "([{":
            open_ones.append({"(": ")", "[": "]", "{": "}"}[character])
        elif character in ")]}":
            assert open_ones.pop() == character
    assert not open_ones
    for counter in re.findall(r"\b\w+_(?:total|bucket)\b", bare):
        assert re.search(rf"\b(rate|increase)\({counter}[^()]*\[[^\]]+\]\)", bare), counter


def test_the_search_would_find_what_is_not_there(served: dict[str, set[str]]) -> None:
    """Otherwise the tests above would say nothing."""
    assert named('sum by (le) (rate(renzheng_no_such_total{route="a"}[5m])) > 1') == {"renzheng_no_such_total"}
    assert named("renzheng_a / renzheng_b and max(renzheng_c) == 0") == {"renzheng_a", "renzheng_b", "renzheng_c"}
    assert not named("renzheng_no_such") <= served.keys()
    assert len(EXPRESSIONS) > 40


def test_values_of_labels_exist(service: Service) -> None:
    routes = set(create_app(service).openapi()["paths"])
    for expression in EXPRESSIONS:
        for route in re.findall(r'route="([^"]+)"', expression):
            assert route in routes
        for reasons in re.findall(r'reason=~"([^"]+)"', expression):
            assert set(reasons.split("|")) <= catalogue().keys()
        for decision in re.findall(r'decision="([^"]+)"', expression):
            assert decision in {"PASS", "REVIEW", "REFUSE"}


def test_every_rule_says_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"].endswith(".")
        assert rule["annotations"]["action"].endswith(".")


def test_what_is_promised_is_on_the_dashboard() -> None:
    shown = " ".join(EXPRESSIONS)
    for series in (
        "renzheng_decisions_total", "renzheng_decision_reasons_total", "renzheng_stage_seconds_bucket",
        "renzheng_verifications_queued", "renzheng_feed_lag_events", "renzheng_gallery_entries",
        "renzheng_evidence_lag_seconds", "renzheng_stored_faces_people", "renzheng_key_store_up",
    ):  # fmt: skip
        assert series in shown
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places), "no panel lies on another"
