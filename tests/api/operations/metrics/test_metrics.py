"""The metrics: right, of few series, and served apart from the API."""

from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import create_engine
from starlette.testclient import TestClient

from api.errors import catalogue
from api.institutions.roles import Role
from api.operations.metrics import counters
from api.operations.metrics.serving import MetricsServer, registry_of
from api.service import Service
from tests.api.bodies import fresh, fresh_key, new_card, register, report, verify
from tests.api.conftest import NewClient, NewDatabase
from tests.api.elsewhere import over
from tests.api.operations.test_admission import fill, learned


@pytest.fixture(scope="module")
def server(service: Service) -> Iterator[MetricsServer]:
    serving = MetricsServer(service, "127.0.0.1", 0)
    yield serving
    serving.close()


def scraped(server: MetricsServer) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Every series with its value, read as Prometheus does."""
    text = httpx.get(f"http://127.0.0.1:{server.port}/metrics", timeout=60).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(server: MetricsServer, name: str, **labels: str) -> float:
    return scraped(server).get((name, frozenset(labels.items())), 0.0)


def test_decisions_and_their_reasons_are_counted(
    server: MetricsServer, terminal: TestClient, authority: TestClient
) -> None:
    card_id, card = register(authority)
    before = scraped(server)
    body, key = fresh(terminal, card), fresh_key()
    for _ in range(3):
        assert terminal.post("/v1/verifications", json=body, headers=key).json()["decision"] == "PASS"
    report(authority, card_id, "reported_lost")
    assert verify(terminal, card)["decision"] == "REFUSE"
    after = scraped(server)

    def more(name: str, **labels: str) -> float:
        series = name, frozenset(labels.items())
        return after.get(series, 0.0) - before.get(series, 0.0)

    assert more("renzheng_decisions_total", decision="PASS", channel="counter") == 1, "asked thrice, decided once"
    assert more("renzheng_decisions_total", decision="REFUSE", channel="counter") == 1
    assert more("renzheng_decision_reasons_total", decision="REFUSE", reason="card_reported_lost") == 1
    for stage in ("database", "evidence", "screening"):
        assert more("renzheng_stage_seconds_count", stage=stage) >= 2
    told = {"method": "POST", "route": "/v1/verifications", "status": "200"}
    assert more("renzheng_http_requests_total", **told) == 4
    assert more("renzheng_http_request_seconds_count", route="/v1/verifications") == 4


def test_labels_come_from_closed_lists(server: MetricsServer, anonymous: TestClient, terminal: TestClient) -> None:
    anonymous.get("/v1/cards/1234567")
    anonymous.get("/no/such/place")
    anonymous.request("BREW", "/no/such/place")
    verify(terminal, new_card())
    series = scraped(server)
    routes = {dict(labels)["route"] for name, labels in series if name == "renzheng_http_requests_total"}
    assert "/v1/cards/{card_id}" in routes
    assert "unmatched" in routes
    known = {route.path for route in anonymous.app.routes if hasattr(route, "path")}  # type: ignore[attr-defined]
    assert not [route for route in routes if "1234567" in route or "such" in route], known
    methods = {dict(labels)["method"] for name, labels in series if name == "renzheng_http_requests_total"}
    assert methods <= {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "other"}
    assert "other" in methods
    reasons = {dict(labels)["reason"] for name, labels in series if name == "renzheng_decision_reasons_total"}
    assert reasons
    assert reasons <= catalogue().keys()
    counters.decided("PASS", "counter", {"no_such_reason"})
    assert value(server, "renzheng_decision_reasons_total", decision="PASS", reason="no_such_reason") == 0


def test_how_it_stands_is_asked_at_the_scrape(
    server: MetricsServer, service: Service, authority: TestClient, terminal: TestClient
) -> None:
    card_id, _ = register(authority)
    report(authority, card_id, "reported_lost")
    told = scraped(server)

    def of(name: str, **labels: str) -> float:
        return told[name, frozenset(labels.items())]

    assert of("renzheng_database_up") == of("renzheng_key_store_up") == of("renzheng_schema_current") == 1
    assert of("renzheng_feed_head") >= 1
    assert of("renzheng_feed_lag_events") >= 0
    assert of("renzheng_evidence_overdue_leaves") == 0
    assert of("renzheng_evidence_leaves") + of("renzheng_evidence_waiting_leaves") >= 2
    assert of("renzheng_database_connections_most") == service.settings.database_pool_size
    assert of("renzheng_draining") == 0
    assert of("renzheng_gallery_entries", modality="face") >= 0
    assert of("process_cpu_seconds_total") > 0


def test_a_database_that_is_away_leaves_gaps_and_no_zeros(service: Service, new_database: NewDatabase) -> None:
    gone = new_database()
    elsewhere = over(service, gone)
    gone.close()
    gone.engine = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing", connect_args={"connect_timeout": 2})
    samples = {sample.name: sample.value for family in registry_of(elsewhere).collect() for sample in family.samples}
    assert samples["renzheng_database_up"] == 0
    assert "renzheng_evidence_lag_seconds" not in samples
    assert "renzheng_verifications_inside" in samples, "what needs no database is told"


def test_the_api_serves_none(new_client: NewClient, anonymous: TestClient) -> None:
    """They are at an address of their own, whoever asks."""
    for client in (anonymous, new_client(Role.ADMINISTRATOR)):
        assert client.get("/metrics").status_code == 404


def test_a_refusal_at_the_door_is_counted(server: MetricsServer, service: Service, new_client: NewClient) -> None:
    full = replace(service, admission=learned(10.0))
    fill(full.admission)
    before = value(server, "renzheng_shed_requests_total")
    terminal = new_client(service=full)
    assert terminal.post("/v1/verifications", json={}, headers=fresh_key()).status_code == 503
    assert value(server, "renzheng_shed_requests_total") == before + 1
