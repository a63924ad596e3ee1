"""The catalogue is complete and holds nothing idle: what the sources raise is in it, and what is in it is used."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import api
import biometrics
import models
from api.cards.lifecycle import Status
from api.errors import Entry, ServiceError, catalogue, entry
from api.http import errors
from api.storage.idempotency import RefusedBefore

ROOMS = [Path(str(module.__file__)).parent for module in (api, biometrics, models)]

# Calls that raise or make a code, and where in the call the code stands.
RAISING = {"ServiceError": 0, "bad_value": 0, "InvalidImage": 0, "NotAssessable": 0, "CaptureInvalid": 0, "response": 1}
# Codes that come out of a variable; each was read and stands for codes that are raised elsewhere by name.
PASSED_ON = {
    "api/accountability/transactions/reporting.py": {"ServiceError"},  # the codes of its own `_refuse`
    "api/matching/engines.py": {"CaptureInvalid"},  # InvalidImage's code
    "api/matching/guidance.py": {"CaptureInvalid"},  # InvalidImage's code
    "api/matching/liveness.py": {"CaptureInvalid"},  # InvalidImage's code, of a frame
    "api/http/errors.py": {"response"},  # codes of ServiceError, CaptureInvalid and of the tables checked below
    "api/population/checks.py": {"CaptureInvalid"},  # the code that the comparer gave
    "api/verification/pipeline.py": {"ServiceError"},  # what `freshness.fault` gives
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted(room.rglob("*.py")):
            yield path.relative_to(room.parent).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def name_of(call: ast.Call) -> str:
    called = call.func
    return called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""


def raised() -> Iterator[tuple[str, str, str | None]]:
    """(file, call, code) of every call that makes a code; None where the code is no literal."""
    for file, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (call := name_of(node)) in RAISING and len(node.args) > RAISING[call]:
                yield from ((file, call, code) for code in literals(node.args[RAISING[call]]))


def literals(node: ast.expr) -> list[str | None]:
    """The strings that an expression may be: literals, and both sides of a condition."""
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [code for value in node.values for code in literals(value)]
    return [node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None]


def all_strings() -> set[str]:
    """What the service can say; a client that knows a code does not make it one."""
    return {
        node.value
        for file, tree in sources()
        if not file.startswith(("api/client/", "api/terminal/"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_raised_code_is_in_the_catalogue() -> None:
    found = [(file, code) for file, _, code in raised() if code is not None]
    assert len(found) > 60, "the scan has to find what is there"
    assert not [(file, code) for file, code in found if code not in catalogue()]


def test_every_code_of_a_variable_is_accounted_for() -> None:
    passed_on: dict[str, set[str]] = {}
    for file, call, code in raised():
        if code is None:
            passed_on.setdefault(file, set()).add(call)
    assert passed_on == PASSED_ON


def test_codes_that_reach_the_door_have_a_status() -> None:
    at_the_door = {"ServiceError", "bad_value", "InvalidImage", "CaptureInvalid", "response"}
    codes = {code for _, call, code in raised() if call in at_the_door and code is not None}
    codes |= set(errors._CODES.values()) | set(errors._HTTP_CODES.values())
    assert not [code for code in codes if entry(code).kind != "error" or entry(code).http is None]


def test_reasons_of_the_engines_are_reasons_of_a_modality() -> None:
    reasons = {code for _, call, code in raised() if call == "NotAssessable" and code is not None}
    assert {"no_face", "multiple_faces", "low_quality", "no_finger"} <= reasons
    assert {entry(reason).kind for reason in reasons} == {"modality"}


def test_no_code_is_idle() -> None:
    assert not sorted(set(catalogue()) - all_strings())


@pytest.mark.parametrize(("code", "found"), [pytest.param(code, found, id=code) for code, found in catalogue().items()])
def test_every_code_has_words_in_both_languages(code: str, found: Entry) -> None:
    for text in (found.message, found.operator, *([] if found.holder is None else [found.holder])):
        assert any("\u4e00" <= character <= "\u9fff" for character in text.zh), text.zh
        assert text.zh.endswith("。")
        assert text.en.isascii()
        assert text.en.endswith(".")
    assert (found.http is not None) == (found.kind == "error")
    assert found.http is None or 400 <= found.http < 600
    assert not found.retryable or found.kind == "error"


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
    for code in ("card_reported_lost", "card_reported_stolen", "card_reissued"):
        told = entry(code).holder
        assert told is not None
        assert "不再有效" in told.zh, "a card that is found stays invalid when a new one was issued"
        assert "stays invalid" in told.en


def test_the_service_gives_the_whole_catalogue(anonymous: TestClient) -> None:
    answer = anonymous.get("/v1/errors")
    assert answer.status_code == 200
    assert answer.json() == {code: found.model_dump() for code, found in catalogue().items()}


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
