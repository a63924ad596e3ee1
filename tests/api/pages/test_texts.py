"""The pages' texts: both languages say everything, and nothing is idle."""

import json
import re
from collections.abc import Iterable
from pathlib import Path
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
from api.errors import catalogue
from api.http.signin import CONSOLE
from api.institutions.roles import ROLE_SCOPES, Role
from api.operations.doctor.findings import words as findings
from api.pages.assets import files
from api.pages.routes import PAGES
from api.personal.consent import Basis
from api.standing.schemas import PackAnswer
from api.verification import policy
from tests.api.pages.test_files import closure, needed, sections

ROOT = Path(__file__).parents[3]
SOURCES = {name: one.content.decode() for name, one in files().items() if name.endswith((".js", ".html"))}
TABLES = {
    name.removeprefix("texts/").removesuffix(".json"): json.loads(one.content)
    for name, one in files().items()
    if name.startswith("texts/")
}
# Whose table it is: everybody's, that of counter and kiosk, the console's, the start page's.
OWN = ("", "terminal.", "console.", "start.")
ZH, EN = ({key: text for own in OWN for key, text in TABLES[f"{own}{of}"].items()} for of in ("zh", "en"))
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
    for own in OWN:
        assert list(TABLES[f"{own}zh"]) == list(TABLES[f"{own}en"]) == sorted(TABLES[f"{own}zh"])
    assert len(ZH) == sum(len(TABLES[f"{own}zh"]) for own in OWN), "no text is said twice"


def test_every_text_that_is_named_is_there() -> None:
    assert {one for source in SOURCES.values() for one in _PREFIX.findall(source)} == set(WORDS)
    assert len(named()) > 150, "the scan has to find what is there"
    assert named() <= set(ZH)


@pytest.mark.parametrize("page", PAGES.values())
def test_a_page_does_with_the_texts_that_it_loads(page: str) -> None:
    loaded = needed(page) | (closure(sections()) if page == "console.html" else set())
    there = {key for name in loaded if name.endswith(".zh.json") or name == "texts/zh.json" for key in _table(name)}
    said = {next(filter(None, found)) for name in loaded & set(SOURCES) for found in _NAMED.findall(SOURCES[name])}
    assert len(said) > 10, "the scan has to find what is there"
    assert not said - there


def _table(name: str) -> list[str]:
    return list(TABLES[name.removeprefix("texts/").removesuffix(".json")])


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
    for table in (TABLES[f"{own}{of}"] for own in ("", "terminal.", "start.") for of in ("zh", "en")):
        assert not [text for text in table.values() if re.search(r"(?i)score|similarity|FMR|相似度|分数|得分", text)]


# Words that were in use beside the chosen ones (docs/pages.md, "Words"), by the chosen one.
DISCARDED = {
    "放行": "越权放行|结论之外",
    "存证日志": "证据日志",
    "拒绝": "不予办理",
    "人工复核": "(?<!人工)复核",
}
_HAN = "[\u3400-\u9fff]"
# What Chinese punctuation stands by itself and never half-width beside a character; a blank after it is one too many.
_UNSOUND = re.compile(
    "|".join(
        [
            "[。，；：？！、）”」》] |  | [。，；：？！、（）]",
            rf"{_HAN}[,;:?!()]|[,;:?!()]{_HAN}|{_HAN}\.(?!\w)|{_HAN}['\"]|['\"]{_HAN}",
        ]
    )
)


def chinese() -> dict[str, str]:
    """Every Chinese text that the pages and the service tell, with where it stands."""
    told = dict(ZH)
    for code, found in catalogue().items():
        told |= {f"{code}.{name}": text["zh"] for name, text in found.model_dump().items() if isinstance(text, dict)}
    for code, finding in findings().items():
        told |= {f"{code}.{name}": text["zh"] for name, text in finding.model_dump().items() if isinstance(text, dict)}
    assert len(told) > 1000, "the scan has to find what is there"
    return told


def test_one_word_for_one_thing() -> None:
    for chosen, others in DISCARDED.items():
        assert not {key: text for key, text in chinese().items() if re.search(others, text)}, chosen


def test_the_glossary_of_the_document_has_the_chosen_words() -> None:
    glossary = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8").split("## Words")[1].split("\n## ")[0]
    for chosen in DISCARDED:
        assert f"| {chosen} |" in glossary


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.zh.md"])
def test_the_documents_use_the_chosen_words(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert not [others for others in DISCARDED.values() if re.search(others, text)]


def test_chinese_texts_have_chinese_punctuation() -> None:
    # The form of an address is written as an address.
    plain = {key: re.sub(r"\w+://[^\s。]+", "PostgreSQL", text) for key, text in chinese().items()}
    assert not {key: text for key, text in plain.items() if _UNSOUND.search(text)}
    for wrong in ("已取走。 请重试", "请重试, 再来", "依据(可不填)", "请重试.", "人证  一致", "“好” 的"):
        assert _UNSOUND.search(wrong), "the scan has to find what is wrong"


def test_nothing_puts_a_blank_between_two_texts_of_the_service() -> None:
    """Sentences are put together by `together`, which knows that Chinese sets none apart."""
    for name, source in SOURCES.items():
        assert not re.search(r"\bsaid\([^`]*\)\} \$\{|\}  ?\$\{said\(|\bt\([^`]*\)\} \$\{(?:t|said)\(", source), name
