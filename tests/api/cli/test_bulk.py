"""`renzheng cards import` and `export`, on the database of the shared service."""

import csv
import io
import json
import stat
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from api.cards.bulk import exporting, importing, reading
from api.cli import bulk
from api.errors import entry
from api.institutions import credentials, principals
from api.institutions.roles import Role
from api.service import Service
from tests.api.bodies import new_card
from tests.api.cli.conftest import CommandLine


@pytest.fixture
def line(as_role: Callable[[Role], CommandLine], home: Path) -> CommandLine:
    """The command line of an authority, on the shared service's home."""
    made = as_role(Role.AUTHORITY)
    made.environment |= {"RENZHENG_HOME": str(home), "RENZHENG_DATABASE_URL": None}
    return made


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_what_is_exported_can_be_imported(line: CommandLine, kind: str, tmp_path: Path) -> None:
    cards = [new_card(), new_card(valid_to="长期"), {**new_card(), "status": "card_reported_lost"}]
    file = line.file("cards.jsonl", "\n".join(json.dumps(card) for card in cards))
    result = line("cards", "import", file)
    assert (result.exit_code, result.stdout) == (
        0,
        "登记 3 张，略过 0 行。 3 cards registered, 0 rows left out.\n",
    ), result.output
    out = tmp_path / f"out.{kind}"
    result = line("cards", "export", str(out))
    assert result.exit_code == 0, result.output
    assert result.stdout == f"已将 3 张证件写入 {out}。 3 cards written to {out}.\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    found = [dict(row.values) for row in reading.rows(out) if row.values]
    ids = {row["number"]: row.pop("id") for row in found}
    expected = [{"status": "valid", **card, "type": "resident"} for card in cards]
    by_number = itemgetter("number")
    assert sorted(found, key=by_number) == sorted(expected, key=by_number)
    lost = line("cards", "report", ids[str(cards[0]["number"])], "reported_lost")
    assert lost.exit_code == 0, lost.output
    again = line("cards", "import", str(out))
    assert again.exit_code == 1
    assert again.stdout == "登记 0 张，略过 3 行。 0 cards registered, 3 rows left out.\n"


def test_a_file_that_is_there_is_not_overwritten_in_silence(line: CommandLine, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("of somebody's")
    result = line("cards", "export", str(out))
    assert (result.exit_code, out.read_text()) == (3, "of somebody's")
    assert "--overwrite" in result.stderr
    assert line("cards", "export", str(out), "--overwrite").exit_code == 0
    assert out.read_text().startswith("id,number,") or out.read_text().startswith("number,")
    assert line("cards", "export", str(tmp_path / "none" / "out.csv")).exit_code == 3


@pytest.mark.parametrize("issuer", ["=cmd|' /C calc'!A1", "'=1+1", "+1", "@SUM(A1)"])
def test_no_spreadsheet_runs_what_is_exported(line: CommandLine, tmp_path: Path, issuer: str) -> None:
    card = new_card(issuer=issuer)
    assert line("cards", "import", line.file("cards.jsonl", json.dumps(card))).exit_code == 0
    out = tmp_path / "out.csv"
    assert line("cards", "export", str(out)).exit_code == 0
    (row,) = csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))
    assert row["issuer"] == f"'{issuer}"
    assert [one.values["issuer"] for one in reading.rows(out) if one.values] == [issuer]


def test_faults_are_shown_and_written(line: CommandLine, tmp_path: Path) -> None:
    rows = [json.dumps(new_card()), *["[]"] * 30]
    listed = tmp_path / "faults.csv"
    result = line("cards", "import", line.file("cards.jsonl", "\n".join(rows)), "--faults", str(listed))
    assert result.exit_code == 1
    assert result.stderr.count(": row_malformed\n") == 20
    assert result.stderr.count("row_malformed (30): 该行无法读取") == 1
    assert "The row cannot be read" in result.stderr
    assert listed.read_text().splitlines()[-1] == "31,,row_malformed"
    assert len(listed.read_text().splitlines()) == 30


def test_every_fault_is_explained_in_both_languages(line: CommandLine) -> None:
    card = new_card()
    file = line.file(
        "cards.jsonl", "\n".join(json.dumps(row) for row in ({**card, "number": "1"}, {**card, "type": "x"}))
    )
    result = line("cards", "import", file)
    assert result.exit_code == 1
    for code in ("number_invalid", "card_type_unsupported"):
        text = entry(code).message
        assert f"{code} (1): {text.zh} {text.en}\n" in result.stderr


def test_all_that_is_wrong_with_a_row_is_told(line: CommandLine) -> None:
    wrong = {**new_card(), "valid_from": "2046-11-31", "valid_to": "2020/01/01", "status": "lost"}
    result = line("cards", "import", line.file("cards.jsonl", json.dumps(wrong)))
    assert result.exit_code == 1
    for field, code in (("valid_from", "day_invalid"), ("valid_to", "day_invalid"), ("status", "status_unknown")):
        assert f"第 1 行 line 1: {field}: {code}\n" in result.stderr
    assert "day_invalid (2): 日期须为 YYYY-MM-DD 的有效日期。" in result.stderr
    assert "card_reported_lost" in result.stderr, "the statuses that there are"
    assert result.stdout == "登记 0 张，略过 1 行。 0 cards registered, 1 row left out.\n"


def test_cards_that_a_files_death_made_invalid_are_told(line: CommandLine) -> None:
    card = new_card()
    assert line("cards", "import", line.file("old.jsonl", json.dumps(card))).exit_code == 0
    new = {**card, "valid_from": "2026-03-01", "valid_to": "2046-03-01", "status": "holder_deceased"}
    result = line("cards", "import", line.file("new.jsonl", json.dumps(new)))
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "登记 1 张，略过 0 行。 1 card registered, 0 rows left out.",
            "登记库中另有 1 张同号证件记为死亡。 1 card of the same number in the register is recorded dead too.",
        ],
    ), result.output


@pytest.mark.parametrize("role", [Role.TERMINAL, Role.SUPERVISOR])
def test_only_an_authority_may(as_role: Callable[[Role], CommandLine], home: Path, role: Role) -> None:
    line = as_role(role)
    line.environment |= {"RENZHENG_HOME": str(home), "RENZHENG_DATABASE_URL": None}
    file = line.file("cards.jsonl", json.dumps(new_card()))
    for words in (("import", file), ("export", str(line.folder / "a.csv"))):
        result = line("cards", *words)
        assert result.exit_code == 3
        assert "not an issuing authority's" in result.stderr


def test_a_file_that_is_none_is_told(line: CommandLine) -> None:
    result = line("cards", "import", line.file("cards.txt", "x"))
    assert result.exit_code == 3
    assert "ends in .csv" in result.stderr
    assert line("cards", "export", str(line.folder / "a.xlsx")).exit_code == 3
    assert not list(line.folder.glob(".a*"))


def test_a_terminal_shows_a_bar_up_to_the_last_row(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(bulk, "console", Console(file=shown, force_terminal=True, width=120))
    file = line.file("cards.jsonl", "".join(f"{json.dumps(new_card())}\n" for _ in range(3)))
    assert line("cards", "import", file).exit_code == 0
    assert "100%" in shown.getvalue()
    assert "行 rows 3 · 登记 registered 3 · 略过 left out 0" in shown.getvalue()


@pytest.fixture
def in_chunks(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], str]:
    """A file of 25 cards, read in chunks of ten; something happens before the third is written. Gives its path."""

    def make(happens: Callable[[], None]) -> str:
        monkeypatch.setattr(importing, "CHUNK", 10)
        real, chunks = importing._sound, 0

        def sound(*arguments: Any) -> Any:
            nonlocal chunks
            chunks += 1
            if chunks == 3:
                happens()
            return real(*arguments)

        monkeypatch.setattr(importing, "_sound", sound)
        return line.file("cards.jsonl", "".join(f"{json.dumps(new_card())}\n" for _ in range(25)))

    return make


def test_an_import_that_is_broken_off_says_how_far_it_got(
    line: CommandLine, in_chunks: Callable[[Callable[[], None]], str]
) -> None:
    def ctrl_c() -> None:
        raise KeyboardInterrupt

    file = in_chunks(ctrl_c)
    result = line("cards", "import", file)
    assert result.exit_code == 130, result.output
    assert "文件前 20 行已处理，登记 20 张，略过 0 行；再次执行同一命令即从该处继续" in result.stderr
    assert "20 rows of the file dealt with, 20 cards registered, 0 rows left out. The same command" in result.stderr
    again = line("cards", "import", file)
    assert (again.exit_code, again.stdout) == (
        0,
        "此前已处理前 20 行；合计： The first 20 rows were dealt with before. In all:\n"
        "登记 25 张，略过 0 行。 25 cards registered, 0 rows left out.\n",
    )


def test_broken_off_at_once_it_says_that_nothing_was_done(line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def ctrl_c(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(importing, "_tell", ctrl_c)
    result = line("cards", "import", line.file("cards.jsonl", json.dumps(new_card())))
    assert result.exit_code == 130
    assert "Broken off before anything was done now" in result.stderr


def test_an_import_whose_key_is_revoked_stops_and_says_so(
    line: CommandLine, service: Service, in_chunks: Callable[[Callable[[], None]], str]
) -> None:
    def revoke() -> None:
        with service.database.begin() as connection:
            caller = principals.authenticate(connection, str(line.environment["RENZHENG_KEY"]))
            assert caller is not None
            credentials.revoke(connection, service.keys, caller.key_id, caller.institution_id, actor_id=None)

    result = line("cards", "import", in_chunks(revoke))
    assert result.exit_code == 3, result.output
    assert f"key_invalid: {entry('key_invalid').message.zh} {entry('key_invalid').message.en}" in result.stderr
    assert "20 rows of the file dealt with" in result.stderr


def test_an_export_whose_key_is_revoked_meanwhile_writes_no_file(
    line: CommandLine, service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = exporting._rows

    def rows(connection: Any, keys: Any, caller: Any) -> Any:
        yield from real(connection, keys, caller)
        with service.database.begin() as other:
            credentials.revoke(other, service.keys, caller.key_id, caller.institution_id, actor_id=None)

    monkeypatch.setattr(exporting, "_rows", rows)
    result = line("cards", "export", str(tmp_path / "out.csv"))
    assert result.exit_code == 3
    assert "key_invalid" in result.stderr
    assert list(tmp_path.iterdir()) == []
