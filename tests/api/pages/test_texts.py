"""The pages' texts: both languages say everything, and nothing is idle."""

import json
import re
from collections.abc import Iterable
from typing import get_args

import pytest

import api.duplicates.words as duplicates
import api.screening.words as screening
from api.accountability.holders import disputes
from api.accountability.overrides import rules as overrides
from api.accountability.scorecards import patterns
from api.accountability.scorecards.figures import ALWAYS
from api.accountability.scorecards.schemas import PeersAnswer
from api.accountability.transactions.judging import Cause
from api.cards.lifecycle import Event
from api.duplicates.schemas import DuplicatePair
from api.http.signin import CONSOLE
from api.institutions.roles import ROLE_SCOPES, Role
from api.pages.assets import files
from api.personal.consent import Basis
from api.standing.schemas import PackAnswer
from api.verification import policy

SOURCES = {name: one.content.decode() for name, one in files().items() if name.endswith((".js", ".html"))}
TABLES = {
    name.removeprefix("texts/").removesuffix(".json"): json.loads(one.content)
    for name, one in files().items()
    if name.startswith("texts/")
}
ZH, EN = ({**TABLES[of], **TABLES[f"console.{of}"]} for of in ("zh", "en"))
# `t("key")`, `data-text="key"`, and the titles of documents.
_NAMED = re.compile(r'\bt\("(\w+)"|data-(?:text|label|hint|title)="(\w+)"')
_QUOTED = re.compile(r'"(\w+)"')
# t(`event_${event}`): a text for each of the service's own words.
_PREFIX = re.compile(r"\bt\(`(\w+_)\$\{")
WORDS: dict[str, Iterable[str]] = {
    "cause_": Cause,
    "disputed_": disputes.State,
    "do_": (Event.REPORTED_LOST, Event.REPORTED_STOLEN, Event.FOUND),
    "duplicate_": duplicates.State,
    "duplicate_kind_": duplicates.CaseKind,
    "entry_": screening.State,
    "entry_do_": ("approve", "refuse", "review", "remove"),
    "event_": Event,
    "ground_": screening.Ground,
    "outcome_": duplicates.Outcome,
    "override_": overrides.State,
    "override_do_": ("approve", "refuse"),
    "override_lead_": ("approve", "refuse"),
    "pack_": get_args(PackAnswer.model_fields["state"].annotation),
    "pair_": get_args(DuplicatePair.model_fields["kind"].annotation),
    "role_": {role for role in Role if ROLE_SCOPES[role] & CONSOLE},
}
# Tables of the code that have to know all of the service's words.
TABLED: dict[str, Iterable[str]] = {
    "console/policy.js": policy.load(None).transactions.kinds,
    "console/figures.js": ALWAYS,
    "basis.js": set(Basis) - {Basis.NOT_STATED},
    "reasons.js": (*overrides.Reason, *disputes.Reason),
    "console/scorecards.js": (*patterns.RATES, *get_args(PeersAnswer.model_fields["channel"].annotation)),
    "console/cases.js": ("card_guessing", "holder_deceased_elsewhere", "impostor_hit"),
}


def named() -> set[str]:
    found = {next(filter(None, found)) for source in SOURCES.values() for found in _NAMED.findall(source)}
    return found | {f"{prefix}{word}" for prefix, words in WORDS.items() for word in words}


@pytest.mark.parametrize("name", TABLED)
def test_a_table_of_the_code_knows_every_word(name: str) -> None:
    keys = set(re.findall(r'^ +"?([\w.]+)"?: \(\)', SOURCES[name], re.MULTILINE))
    keys |= set(re.findall(r'[{,] "?([\w.]+)"?: \(\)', SOURCES[name]))
    assert set(TABLED[name]) <= keys


def test_both_languages_have_the_same_keys_in_order() -> None:
    for own in ("", "console."):
        assert list(TABLES[f"{own}zh"]) == list(TABLES[f"{own}en"]) == sorted(TABLES[f"{own}zh"])
    assert not set(TABLES["zh"]) & set(TABLES["console.zh"]), "no text is said twice"


def test_every_text_that_is_named_is_there() -> None:
    assert {one for source in SOURCES.values() for one in _PREFIX.findall(source)} == set(WORDS)
    assert len(named()) > 150, "the scan has to find what is there"
    assert named() <= set(ZH)


def test_other_pages_do_without_the_consoles_texts() -> None:
    own = set(TABLES["console.zh"])
    for name, source in SOURCES.items():
        if "console" not in name:
            assert not own & {next(filter(None, found)) for found in _NAMED.findall(source)}, name


def test_every_text_is_used() -> None:
    """Some keys stand in tables of the code and not in the call itself."""
    quoted = {word for source in SOURCES.values() for word in _QUOTED.findall(source)}
    assert not sorted(set(ZH) - quoted - named())


def test_texts_are_in_their_language() -> None:
    for key, text in ZH.items():
        assert key == "comma" or re.search("[\u4e00-\u9fff]", text) or text.startswith("{"), key
    for key, text in EN.items():
        assert not re.search("[\u3000-\u9fff]", text), key


def test_both_languages_fill_in_the_same() -> None:
    for key, text in ZH.items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", EN[key])), key


def test_no_text_of_customers_and_tellers_speaks_of_scores() -> None:
    """Staff at the console see figures; the tables of the kiosk and the counter have no words for them."""
    for table in (TABLES["zh"], TABLES["en"]):
        assert not [text for text in table.values() if re.search(r"(?i)score|similarity|FMR|相似度|分数|得分", text)]
