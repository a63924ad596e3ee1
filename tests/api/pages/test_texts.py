"""The pages' texts: both languages say everything, and nothing is idle."""

import json
import re

from api.pages.assets import files

SOURCES = {name: one.content.decode() for name, one in files().items() if name.endswith((".js", ".html"))}
TABLES = {of: json.loads(files()[f"texts/{of}.json"].content) for of in ("zh", "en")}
# `t("key")`, `data-text="key"`, and the titles of documents.
_NAMED = re.compile(r'\bt\("(\w+)"|data-(?:text|label|hint|title)="(\w+)"')
_QUOTED = re.compile(r'"(\w+)"')


def named() -> set[str]:
    return {next(filter(None, found)) for source in SOURCES.values() for found in _NAMED.findall(source)}


def test_both_languages_have_the_same_keys_in_order() -> None:
    assert list(TABLES["zh"]) == list(TABLES["en"]) == sorted(TABLES["zh"])


def test_every_text_that_is_named_is_there() -> None:
    assert len(named()) > 80, "the scan has to find what is there"
    assert named() <= set(TABLES["zh"])


def test_every_text_is_used() -> None:
    """Some keys stand in tables of the code and not in the call itself."""
    quoted = {word for source in SOURCES.values() for word in _QUOTED.findall(source)}
    assert not sorted(set(TABLES["zh"]) - quoted)


def test_texts_are_in_their_language() -> None:
    for key, text in TABLES["zh"].items():
        assert key == "comma" or re.search("[\u4e00-\u9fff]", text) or text.startswith("{"), key
    for key, text in TABLES["en"].items():
        assert not re.search("[\u3000-\u9fff]", text), key


def test_both_languages_fill_in_the_same() -> None:
    for key, text in TABLES["zh"].items():
        assert set(re.findall(r"{\w+}", text)) == set(re.findall(r"{\w+}", TABLES["en"][key])), key


def test_no_text_speaks_of_scores() -> None:
    for table in TABLES.values():
        assert not [text for text in table.values() if re.search(r"(?i)score|similarity|FMR|相似度|分数|得分", text)]
