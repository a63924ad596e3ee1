"""What a program hands over: folders, keys and days in the forms in which they lie about; nothing silently wrong."""

import base64
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.terminal import Card, FolderInUse, Remote, RemoteFailed, SnapshotRefused, Terminal
from api.terminal import __main__ as command
from api.terminal.answer import Answer, Verdict
from api.terminal.signers import public_key
from api.terminal.telling import told
from tests.api.terminal.worlds import BEGAN, ManualClock, World, WorldRemote, card


def pem(key: Any) -> str:
    raw: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return raw.decode()


def forms(key: Ed25519PublicKey) -> list[Ed25519PublicKey | bytes | str]:
    raw = key.public_bytes_raw()
    text = base64.b64encode(raw).decode()
    return [key, raw, text, f"  {text}\n", pem(key), "\n" + pem(key).replace("\n", "\r\n")]


@pytest.mark.parametrize("form", range(6))
def test_a_signer_in_every_form_verifies_snapshots(form: int, tmp_path: Path) -> None:
    world = World()
    world.change(1, True)
    signer = forms(world.signing.public_key())[form]
    remote: Any = WorldRemote(world)
    with Terminal(str(tmp_path / "folder"), [signer], remote=remote, clock=ManualClock()) as terminal:
        assert terminal.follower is not None
        terminal.follower.once()
        assert terminal.check(card(1)).verdict is Verdict.REVIEW
        assert terminal.check(card(2)).verdict is Verdict.NOT_LISTED


@pytest.mark.parametrize(
    ("signers", "kind"),
    [
        ([], ValueError), ([b"short"], ValueError), (["no key"], ValueError), (["证"], ValueError),
        ([base64.b64encode(bytes(31)).decode()], ValueError), (["-----BEGIN PUBLIC KEY-----\nx"], ValueError),
        ([pem(generate_private_key(SECP256R1()).public_key())], ValueError),
        ([None], TypeError), ([7], TypeError), pytest.param("A" * 43 + "=", TypeError, id="text"),
        pytest.param(b"A" * 32, TypeError, id="bytes"),
    ],
)  # fmt: skip
def test_what_is_no_signer_is_refused_at_once(signers: Any, kind: type[Exception], tmp_path: Path) -> None:
    with pytest.raises(kind):
        Terminal(tmp_path, signers)
    with pytest.raises(kind):
        Terminal(tmp_path, signers, remote=Remote("https://renzheng.example", "key"))
    assert not (tmp_path / "lock").exists(), "nothing is kept from another that is made well"


def test_a_key_stays_the_same() -> None:
    key = World().signing.public_key()
    assert {public_key(one).public_bytes_raw() for one in forms(key)} == {key.public_bytes_raw()}


@pytest.mark.parametrize("first", [date(2020, 1, 1), "2020-01-01", "20200101", " 2020-01-01 "])
@pytest.mark.parametrize("last", [date(2040, 1, 1), "2040-01-01", "20400101", "2040-01-01\n"])
def test_days_of_a_card(first: date | str, last: date | str) -> None:
    made = Card("11010519491231002X", "北京市公安局", first, last)
    assert (made.valid_from, made.valid_to) == (date(2020, 1, 1), date(2040, 1, 1))
    assert replace(made, valid_to=None).valid_to is None
    assert made == Card("11010519491231002X", "北京市公安局", date(2020, 1, 1), date(2040, 1, 1))


@pytest.mark.parametrize("last", [None, "长期", " 长期 "])
def test_a_long_term_card(last: str | None) -> None:
    assert Card("11010519491231002X", "北京市公安局", "2020-01-01", last).valid_to is None


@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [
        ("长期", None, ValueError), (None, None, TypeError), ("", None, ValueError), ("2020-02-30", None, ValueError),
        ("2020-W01-1", None, ValueError), ("01.02.2020", None, ValueError), (20200101, None, TypeError),
        (BEGAN, None, TypeError), ("2020-01-01", BEGAN, TypeError),
        ("2020-01-01", "", ValueError), ("2020-01-01", "2020-13-01", ValueError),
    ],
)  # fmt: skip
def test_what_is_no_day_is_refused_and_not_repeated(first: Any, last: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        Card("11010519491231002X", "北京市公安局", first, last)
    assert "20" not in str(caught.value)
    assert "长期" not in str(caught.value)


def test_number_and_issuer_are_texts() -> None:
    wrong: Any = 110105194912310021
    with pytest.raises(TypeError):
        Card(wrong, "北京市公安局", "2020-01-01", None)
    with pytest.raises(TypeError):
        Card("11010519491231002X", wrong, "2020-01-01", None)


def test_the_key_of_a_file_has_its_line_end_taken_off() -> None:
    assert Remote("https://renzheng.example", "rz-key\n")._headers({})["Authorization"] == "Bearer rz-key"
    for wrong in ("", " \n", "rz-key\nrz-other"):
        with pytest.raises(ValueError, match="no key"):
            Remote("https://renzheng.example", wrong)


def test_the_words_hold_the_time_in_beijing_and_what_was_reported() -> None:
    answer = Answer(Verdict.NOT_LISTED, "not_listed", 7, BEGAN, 1.0, False)
    assert "截至北京时间 2026-11-22 09:00:00，" in answer.words["zh"]
    assert "Up to 2026-11-22 09:00:00, Beijing time," in answer.words["en"]
    assert "stolen" in replace(answer, reason="card_reported_stolen").words["en"]
    assert "{" not in "".join(replace(answer, reason="no_data", as_of_time=None).words.values())


@pytest.mark.parametrize(
    ("error", "reason", "zh", "en"),
    [
        (FolderInUse("x"), "folder_in_use", "另一程序", "Another process"),
        (RemoteFailed("unreachable", "x"), "unreachable", "无法连接", "does not answer"),
        (RemoteFailed("key_invalid", "x"), "key_invalid", "密钥", "unknown or revoked"),
        (RemoteFailed("status_502", "the service answers 502"), "status_502", "服务拒绝", "answers 502"),
        (SnapshotRefused("forged", "x"), "forged", "未予采用", "not used"),
        (SnapshotRefused("unknown_signer", "x"), "unknown_signer", "--signer", "--signer"),
        (PermissionError(13, "x", "/secret"), "disk", "权限", "rights"),
    ],
)
def test_failures_of_the_command_are_told_in_two_languages(error: Exception, reason: str, zh: str, en: str) -> None:
    first, _, second = told(error).partition("\n")
    assert first.startswith(f"{reason}: ")
    assert zh in first
    assert en in second
    assert "/secret" not in first + second


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], "usage_missing"),
        (["frob"], "usage_unknown"),
        (["status"], "usage_missing"),
        (["status", "--folder"], "usage_missing"),
        (["status", "--folder", "a", "--signer", "b", "--frob"], "usage_unknown"),
        (["status", "--folder", "a", "--signer", "b", "--stale-after", "x"], "usage_value_invalid"),
    ],
    ids=str,
)
def test_a_mistaken_command_is_told_in_both_languages(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    told = capsys.readouterr().err
    assert ended.value.code == 2
    line = next(one for one in told.splitlines() if one.startswith("usage_"))
    assert line.startswith(f"{code}: ")
    assert re.search(r"[\u4e00-\u9fff]+。 [A-Z]\w* ", line)
    assert "usage: renzheng-terminal" in told
