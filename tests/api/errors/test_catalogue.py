"""The catalogue's texts: whole in both languages, each for whom it is meant, and true of commands, settings and pages.

That it holds every code and no idle one is in `test_emitted.py`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import typer
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

from api.cards.lifecycle import Status
from api.cli.main import app as command_line
from api.errors import Entry, ServiceError, catalogue, entry
from api.errors.catalogue import Text
from api.http import errors
from api.http.app import ROUTERS
from api.settings import Settings
from api.storage.idempotency import RefusedBefore

ROOT = Path(__file__).parents[3]
TEXTS = ("message", "cause", "operator", "next", "holder")


def texts(found: Entry) -> Iterator[Text]:
    yield from (text for name in TEXTS if (text := getattr(found, name)) is not None)


def everything() -> str:
    return "\n".join(f"{text.zh}\n{text.en}" for found in catalogue().values() for text in texts(found))


@pytest.mark.parametrize(("code", "found"), [pytest.param(code, found, id=code) for code, found in catalogue().items()])
def test_every_code_has_words_in_both_languages(code: str, found: Entry) -> None:
    for text in texts(found):
        assert any("\u4e00" <= character <= "\u9fff" for character in text.zh), text.zh
        assert text.zh.endswith("。")
        assert text.en.isascii()
        assert text.en.endswith(".")
        assert "|" not in text.zh + text.en, "it stands in a table"
    assert (found.room is not None) == (found.kind == "error")
    assert found.http is None or (found.kind == "error" and 400 <= found.http < 600)
    assert not found.retryable or found.kind == "error"


def test_cause_and_next_are_the_codes_own() -> None:
    """No filler: nobody is told the same of two codes, nor twice of one."""
    own = [text for found in catalogue().values() for one in (found.cause, found.next) for text in (one.zh, one.en)]
    assert [text for text, times in Counter(own).items() if times > 1] == []
    for code, found in catalogue().items():
        told = [text.en for text in texts(found)]
        assert len(set(told)) == len(told), code


def test_commands_that_the_texts_name_are_commands() -> None:
    known = {" ".join(words) for words in _commands(typer.main.get_command(command_line))}
    named = re.findall(r"renzheng ((?:[a-z][a-z-]*)(?: [a-z][a-z-]*)?)((?: --[a-z-]+)*)", everything())
    assert len(named) > 50
    for words, _ in named:
        assert words in known or words.split()[0] in known, words
    options = {option for _, found in named for option in found.split()}
    assert options <= {name for one in _options(typer.main.get_command(command_line)) for name in one}


def test_settings_routes_and_pages_that_the_texts_name_are_there() -> None:
    told = everything()
    settings = set(re.findall(r"RENZHENG_([A-Z][A-Z_]*[A-Z])", told))
    of_the_command_line = {"SIGNING_KEY"}
    assert len(settings) > 15
    assert {name.lower() for name in settings - of_the_command_line} <= Settings.model_fields.keys()
    routes = {
        (method, re.sub(r"\{[a-z_]+\}", "{id}", route.path))
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    named = re.findall(r"(GET|POST|DELETE) (/v1/[a-z/{}_]*)", told)
    assert len(named) > 10
    assert {(method, re.sub(r"\{[a-z_]+\}", "{id}", path)) for method, path in named} <= routes
    pages = set(re.findall(r"docs/[a-z-]+\.md", told))
    assert len(pages) > 12
    assert [page for page in pages if not (ROOT / page).is_file()] == []


def _commands(group: object, *above: str) -> Iterator[tuple[str, ...]]:
    for name, command in getattr(group, "commands", {}).items():
        yield (*above, name)
        yield from _commands(command, *above, name)


def _options(command: object) -> Iterator[list[str]]:
    yield from (one.opts for one in getattr(command, "params", ()))
    for inner in getattr(command, "commands", {}).values():
        yield from _options(inner)


def test_texts_for_people_hold_no_figures() -> None:
    """The end user never sees a score."""
    shown = [found.message for found in catalogue().values() if found.kind != "error"]
    shown += [found.holder for found in catalogue().values() if found.holder is not None]
    assert shown
    assert not [text for text in shown if any(character.isdigit() for character in text.zh + text.en)]


def test_the_document_codes_are_those_of_the_contract() -> None:
    contract = (
        "valid not_yet_valid card_expired card_reported_lost card_reported_stolen card_reissued card_cancelled "
        "holder_deceased card_not_found text_mismatch chip_photo_mismatch serial_mismatch chip_photo_unconfirmed "
        "register_unavailable"
    )
    assert {code for code, found in catalogue().items() if found.kind == "document"} == set(contract.split())
    assert set(Status) <= set(contract.split())


def test_every_status_of_a_card_says_what_its_holder_does_next() -> None:
    statuses = {*Status, "not_yet_valid", "card_expired", "card_not_found"}
    assert {code for code, found in catalogue().items() if found.holder is not None} == statuses | {
        "register_unavailable", "text_mismatch", "serial_mismatch", "chip_photo_mismatch", "chip_photo_unconfirmed",
        "not_enrolled",
    }  # fmt: skip
    for told in (entry("card_reissued").holder, entry("holder_get_new_card").next):
        assert told is not None
        assert "不再有效" in told.zh, "a card that is found stays invalid when a new one was issued"
        assert "stays invalid" in told.en


def test_a_holder_is_told_the_case_at_hand_and_no_other() -> None:
    """A lost card that lies on the reader was found: that is another step than for one that is still away."""
    lost = {code for code, found in catalogue().items() if found.shown is not None}
    assert lost == {Status.LOST, Status.STOLEN}
    for code in lost:
        found = entry(code)
        assert found.shown is not None
        assert found.holder is not None
        for told in (found.shown, found.holder):
            assert "；" not in told.zh
            assert ";" not in told.en
        assert "补领" not in found.shown.zh, "that is for who has the card no more"
        assert "登记" in found.shown.zh
        assert "补领" in found.holder.zh


def test_the_service_gives_the_whole_catalogue(anonymous: TestClient) -> None:
    answer = anonymous.get("/v1/errors")
    assert answer.status_code == 200
    assert answer.json() == {code: found.model_dump() for code, found in catalogue().items()}
    brief = anonymous.get("/v1/errors?brief=true").json()
    texts = ("message", "operator")
    assert brief == {code: {name: told[name] for name in texts} for code, told in answer.json().items()}


def test_an_unknown_status_names_those_that_there_are() -> None:
    told = entry("status_unknown").message
    for language in (told.zh, told.en):
        assert [status for status in Status if status not in language] == []


def test_an_unknown_code_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        entry("no_such_code")
    assert str(ServiceError("not_found")) == "not_found"


def test_every_error_of_a_room_has_a_handler_or_is_internal() -> None:
    """What the rooms raise on purpose reaches the door with a code of its own."""
    modules = (
        "api.storage.errors",
        "api.storage.idempotency",
        "api.cards.register",
        "api.cards.lifecycle",
        "api.institutions.credentials",
        "api.institutions.institutions",
        "api.institutions.principals",
        "api.institutions.rotation",
    )
    # A refusal that was kept bears the code of what was refused.
    handled = (*errors._CODES, RefusedBefore)
    # Told apart before the service runs, and never by a request.
    at_start = {
        "StorageError",
        "KeyUnavailable",
        "SealBroken",
        "DatabaseAddressInvalid",
        "KeyStoreForeign",
        "KeyStoreUnusable",
    }
    for module in map(import_module, modules):
        for kind in vars(module).values():
            if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.__name__:
                assert kind.__name__ in at_start or issubclass(kind, handled), kind
