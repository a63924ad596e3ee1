"""The policy file: what is in force, and what is refused, with a text that says why."""

import hashlib
from importlib.resources import files
from pathlib import Path

import pytest

from api.verification import policy
from api.verification.policy import PolicyInvalid

BUILT_IN = files("api.verification").joinpath("policy.toml").read_bytes()


def test_the_built_in_policy_has_the_default_numbers() -> None:
    rules = policy.load(None)
    assert set(rules.channels) == {"counter", "kiosk"}
    for channel in rules.channels.values():
        assert (channel.pass_fmr, channel.review_fmr) == (1e-4, 1e-2)
        assert channel.max_attempts == 3
    assert rules.guessing.model_dump() == {"max_failures": 10, "window_s": 86400, "lock_s": 86400}
    assert rules.channels["counter"].required == {"face"}
    assert rules.channels["kiosk"].required == {"face", "liveness"}


def test_the_version_names_the_file_and_its_content(tmp_path: Path) -> None:
    written = tmp_path / "policy.toml"
    written.write_bytes(BUILT_IN)
    copy = policy.load(written)
    assert copy == policy.load(None)
    assert copy.version == f"2026-11-5+{hashlib.sha256(BUILT_IN).hexdigest()[:12]}"
    written.write_bytes(BUILT_IN.replace(b"max_attempts = 3", b"max_attempts = 4", 1))
    assert policy.load(written).version != copy.version, "a change that forgot the version is still told apart"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("", "= broken", "policy.toml"),
        ('version = "2026-11-5"', "", "version"),
        ('version = "2026-11-5"', 'version = ""', "version"),
        ("pass_fmr = 1e-4", "pass_fmr = 0", "pass_fmr"),
        ("pass_fmr = 1e-4", "pass_fmr = 1.0", "pass_fmr"),
        ("pass_fmr = 1e-4", "pass_fmr = nan", "pass_fmr"),
        ("pass_fmr = 1e-4", "pass_fmr = 0.5", "review_fmr"),
        ("pass_fmr = 1e-4", "passfmr = 1e-4", "passfmr"),
        ("pass_fmr = 1e-4", "", "pass_fmr"),
        ("max_attempts = 3", "max_attempts = 0", "max_attempts"),
        ("attempt_window_s = 900", "attempt_window_s = -1", "attempt_window_s"),
        ('required = ["face"]', 'required = ["iris"]', "required"),
        ('["face", "liveness"]', '["face"]', "liveness"),
        ("[channels.kiosk]", "[channels.web]", "channels"),
        ("[chip_photo]", "[chip_picture]", "chip_photo"),
        ("[guessing]", "[gambling]", "guessing"),
        ("max_failures = 10", "max_failures = 0", "max_failures"),
        ("max_failures = 10", "max_failures = 2.5", "max_failures"),
        ("\nwindow_s = 86400", "\nwindow_s = 0", "window_s"),
        ("lock_s = 86400", "lock_s = 1e12", "lock_s"),
        ("lock_s = 86400", "", "lock_s"),
        ("[chip_photo]", "[extra]\nx = 1\n[chip_photo]", "extra"),
        ("contrary_odds = 100", "contrary_odds = 1", "contrary_odds"),
        ("contrary_odds = 100", "contrary_odds = inf", "contrary_odds"),
        ("[chip_photo]", "[channels.counter.purposes.loan]\npass_fmr = 0.5\n[chip_photo]", "review_fmr"),
        ("[chip_photo]", "[channels.counter.purposes.loan]\nmax_attempts = 9\n[chip_photo]", "max_attempts"),
        ("[chip_photo]", "[channels.counter.purposes.Loan]\npass_fmr = 1e-5\n[chip_photo]", "small letters"),
        ("[chip_photo]", '[channels.kiosk.purposes.loan]\nrequired = ["face"]\n[chip_photo]', "liveness"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(tmp_path: Path, old: str, new: str, word: str) -> None:
    text = BUILT_IN.decode()
    assert old in text
    written = tmp_path / "policy.toml"
    written.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyInvalid) as refused:
        policy.load(written)
    assert str(written) in str(refused.value)
    assert word in str(refused.value)


def test_a_purpose_has_rules_of_its_own_and_the_channels_for_the_rest(tmp_path: Path) -> None:
    more = b'[channels.counter.purposes.loan]\npass_fmr = 1e-6\nrequired = ["face", "finger"]\n'
    written = tmp_path / "policy.toml"
    written.write_bytes(BUILT_IN + more)
    counter = policy.load(written).channels["counter"]
    for spelled in ("loan", "LOAN"):
        loan = counter.of(spelled)
        assert (loan.pass_fmr, loan.required) == (1e-6, frozenset({"face", "finger"}))
        assert (loan.review_fmr, loan.max_attempts, loan.contrary_odds) == (1e-2, 3, 100)
    assert counter.of("account_opening") == counter
    assert counter.of("loans").pass_fmr == 1e-4


def test_a_file_from_before_contrary_odds_is_still_read(tmp_path: Path) -> None:
    written = tmp_path / "policy.toml"
    written.write_bytes(BUILT_IN.replace(b"contrary_odds = 100\n", b""))
    assert policy.load(written).channels["counter"].contrary_odds == 100


def test_a_policy_for_one_channel_is_refused(tmp_path: Path) -> None:
    text = BUILT_IN.decode()
    kiosk = text[text.index("[channels.kiosk]") : text.index("[chip_photo]")]
    written = tmp_path / "policy.toml"
    written.write_text(text.replace(kiosk, ""), encoding="utf-8")
    with pytest.raises(PolicyInvalid, match="both channels"):
        policy.load(written)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolicyInvalid, match="nowhere"):
        policy.load(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'version = "\xe9"')
    with pytest.raises(PolicyInvalid, match=r"latin\.toml"):
        policy.load(tmp_path / "latin.toml")
