"""Both ways, kind by kind: what can be emitted is in the catalogue, and what is in the catalogue is emitted.

A code counts as emitted where it leaves a function as an answer, not where its letters happen to stand.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

from api.cards.identity import CardIdentity
from api.cards.lifecycle import Status
from api.errors import catalogue
from api.http import errors
from api.matching.comparison import LivenessResult, ModalityResult, PersonResult
from api.population.asking import Word
from api.population.findings import Answer, Finding
from api.screening.search import HIT, UNAVAILABLE
from api.verification import policy
from api.verification.decision import Decision, decide
from api.verification.document import Document
from api.verification.registers import attested, together
from biometrics.face.packs import PackError
from tests.api.errors import emitted

# Codes that come out of a variable; each was read and stands for codes that are made elsewhere by name.
PASSED_ON = {
    "api/accountability/transactions/reporting.py": {"ServiceError"},  # the codes of its own `_refuse`
    "api/matching/engines.py": {"CaptureInvalid"},  # InvalidImage's code
    "api/matching/guidance.py": {"CaptureInvalid"},  # InvalidImage's code
    "api/matching/liveness.py": {"CaptureInvalid"},  # InvalidImage's code, of a frame
    "api/http/errors.py": {"response"},  # codes of ServiceError, CaptureInvalid and of its tables
    "api/population/checks.py": {"CaptureInvalid"},  # the code that the comparer gave
    "api/verification/pipeline.py": {"ServiceError"},  # what `freshness.fault` gives
}
# Where a test states the status apart from the code.
STATED_APART = {
    "body_incomplete": 400,  # tests/api/http/test_envelope.py
    "idempotency_key_invalid": 400,  # tests/api/verification/test_idempotency.py
    "service_overloaded": 503,  # tests/api/operations/test_admission.py
    "signature_expired": 401,  # tests/api/http/test_signatures.py
}
_TESTS = Path(__file__).parents[2]
TODAY, AT = date(2026, 11, 22), datetime(2026, 11, 22, 12, tzinfo=UTC)
CARD = CardIdentity("11010519491231002X", "某局", date(2016, 3, 1), date(2036, 3, 1))


def of_kind(*kinds: str) -> set[str]:
    return {code for code, found in catalogue().items() if found.kind in kinds}


def at_the_door() -> set[str]:
    """Every code that an answer with an HTTP status of an error may have."""
    named = {code for _, _, code in emitted.calls(emitted.AT_THE_DOOR) if code is not None}
    assert len(named) > 60, "the scan has to find what is there"
    tables = (errors._CODES, errors._HTTP_CODES, errors._FAULTS)
    tabled = {code for table in tables for code in table.values()}
    return named | tabled | set(emitted.returned("api/verification/freshness.py", "fault"))


def test_every_code_of_a_variable_is_accounted_for() -> None:
    passed_on: dict[str, set[str]] = {}
    for file, call, code in emitted.calls(emitted.AT_THE_DOOR):
        if code is None:
            passed_on.setdefault(file, set()).add(call)
    assert passed_on == PASSED_ON


def test_the_errors_with_a_status_are_those_of_the_door() -> None:
    assert at_the_door() == {code for code in of_kind("error") if catalogue()[code].http is not None}


def test_the_statuses_are_those_that_tests_met() -> None:
    """The catalogue's word against the tests': whoever provokes a code says with which status it was answered.

    What pydantic and the decoder find is all told with 422, and mostly among `details`.
    """
    with_status = {code: entry.http for code, entry in catalogue().items() if entry.http is not None}
    stated = {(code, status) for code, status in _stated() if code in with_status}
    met = dict(stated) | STATED_APART
    assert len(dict(stated)) == len(stated), "nothing is answered with two"
    found = {code: 422 for _, _, code in emitted.calls({"bad_value": 0, "InvalidImage": 0}) if code is not None}
    found |= dict.fromkeys(errors._FAULTS.values(), 422)
    assert len(met) > 90
    assert {code: met.get(code, found.get(code)) for code in with_status} == with_status


def _stated() -> Iterator[tuple[str, int]]:
    """Wherever a status stands before a code, as in `assert_error(answer, 409, "card_exists")`; a client's tests play
    the service themselves and show nothing."""
    for path in sorted(_TESTS.rglob("*.py")):
        if not path.is_relative_to(_TESTS / "api" / "client"):
            for status, code in re.findall(r'\b([45][0-9]{2}),\s+"([a-z0-9_]+)"', path.read_text(encoding="utf-8")):
                yield code, int(status)


def test_the_errors_without_one_are_those_of_the_command_line() -> None:
    """It tells of errors of the door too, and of reasons: rows and cards that are left out name their code."""
    told = {code for _, _, code in emitted.calls(emitted.ON_THE_COMMAND_LINE) if code is not None}
    told |= {*emitted.faults(), PackError("").code}
    assert told <= set(catalogue())
    assert told & of_kind("error") - at_the_door() == of_kind("error") - at_the_door()


def test_the_reasons_of_a_modality_are_those_of_the_engines() -> None:
    reasons = {*emitted.reasons(), *emitted.returned("biometrics/face/liveness/burst.py", "_unsound")}
    assert reasons == of_kind("modality")


def test_the_reasons_of_a_person_and_the_advice_are_those_that_decisions_give() -> None:
    """Every way to decide is gone: cards, captures, rules, attempts, liveness, screening, a declined face."""
    made = decisions()
    verdicts = {decision.person_reasons[0] for decision in made}
    assert verdicts == {"match", "inconclusive", "mismatch", "not_assessed"}
    reasons = {reason for decision in made for reason in decision.person_reasons}
    assert reasons - of_kind("modality") == of_kind("person")
    # Told of the whole deployment, in an alert.
    named = {code for _, _, code in emitted.calls({"entry": 0}) if code is not None}
    assert {decision.advice for decision in made} | named == of_kind("advice")


def decisions() -> list[Decision]:
    results = [(1e-6, 10.0, None), (1e-3, 1.0, None), (0.5, -1.0, None), (0.9, -9.0, None), (None, None, "low_quality")]
    faces = [ModalityResult("face", None, reason, llr, fmr) for fmr, llr, reason in results]
    fingers = [ModalityResult("finger", None, reason, llr, fmr) for fmr, llr, reason in results]
    alive = [None, LivenessResult("live"), LivenessResult("attack", "flat_face")]
    people: list[PersonResult | None] = [None]
    for face, finger, liveness in product(faces, fingers, alive):
        rates = [one.fmr for one in (face, finger) if one.fmr is not None]
        people.append(PersonResult((face, finger), fmr=min(rates, default=None), liveness=liveness))
    cards = [Document(status, (status,)) for status in ("valid", "card_not_found", "card_reported_lost")]
    rules = policy.load(None).channels.values()
    made = product(cards, people, rules, (0, 99), (None, HIT, UNAVAILABLE), (False, True))
    return [
        decide(card, person, rule.without_face() if declined else rule, tried, screened, face_declined=declined)
        for card, person, rule, tried, screened, declined in made
    ]


def test_the_codes_of_a_card_are_those_that_two_registers_give_together() -> None:
    statuses = [*Status, "not_yet_valid", "card_expired", "card_not_found"]
    said: list[Answer | None] = [None, Answer(Finding.NO_RECORD)]
    said += [
        Answer(Finding.CONSISTENT, card, status, text, portrait=portrait)
        for card, status, text, portrait in product(Finding, Status, (None, *Finding), (None, *Finding))
    ]
    found = [
        together(Document(own, (own,)), Word("register", AT, answer, is_authority=True), CARD, TODAY)
        for own, answer in product(statuses, said)
    ]
    found.append(attested(Document("valid", ("valid",)), by_chip_photo=True))
    told = {code for document in found for code in (document.status, *document.reasons)}
    assert told == of_kind("document")


def test_the_findings_are_those_of_a_register() -> None:
    assert of_kind("finding") == set(Finding)
