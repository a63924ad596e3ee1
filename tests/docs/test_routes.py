"""Routes that the pages name are there, and docs/api.md names every kind."""

import re

import pytest
from fastapi.routing import APIRoute

from api.http.app import ROUTERS
from tests.docs.pages import PAGES, spans, statements, text_of

ROUTES = {
    (method, re.sub(r"\{\w+\}", "{}", route.path))
    for router in ROUTERS
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in route.methods or ()
}
PATHS = {path for _, path in ROUTES}


def template(path: str) -> str:
    """A path as it is written in a page: `{id}`, `LEAF_HASH` and `$CARD_ID` stand for anything, a query for nothing."""
    parts = path.partition("?")[0].rstrip("/").split("/")
    return "/".join("{}" if re.fullmatch(r"\{\w+\}|[A-Z][A-Z_]+|\$\w+|…", part) else part for part in parts)


@pytest.mark.parametrize("page", PAGES)
def test_routes_that_a_page_names_are_there(page: str) -> None:
    named = {
        (method, template(path))
        for span in spans(page)
        for method, path in re.findall(r"^(GET|POST|PUT|PATCH|DELETE) (/v1/[^\s`]*)", span)
        if not path.endswith("…")
    }
    assert named <= ROUTES, named - ROUTES


@pytest.mark.parametrize("page", PAGES)
def test_addresses_in_commands_are_there(page: str) -> None:
    asked = {
        template(path)
        for one in statements(page)
        for path in re.findall(r"(?:127\.0\.0\.1:8470|renzheng\.example)(/v1/[^\s\"']*)", one)
    }
    assert asked <= PATHS, asked - PATHS


def test_the_table_of_routes_names_every_kind_of_route() -> None:
    table = text_of("docs/api.md").partition("| route | what |")[2].partition("\n\n")[0]
    named = {template(one) for one in re.findall(r"(/(?:v1/)?[a-z{}/]+)", table)}
    first = {path.split("/")[2] for path in PATHS if path.startswith("/v1/")}
    missing = {one for one in first if not any(path.startswith(f"/v1/{one}") for path in named)}
    assert missing == set()


def test_a_path_is_read_as_it_is_meant() -> None:
    assert template("/v1/cards/{id}/events") == "/v1/cards/{}/events"
    assert template("/v1/evidence/inclusion/LEAF_HASH?size=SIZE") == "/v1/evidence/inclusion/{}"
    assert template("/v1/cards/$CARD_ID/events") == "/v1/cards/{}/events"
    assert template("/v1/feed?after=0") == "/v1/feed"
