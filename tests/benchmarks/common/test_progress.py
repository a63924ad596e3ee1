"""A line now and then where there is no terminal, none for what is quick."""

import pytest

from benchmarks.common import progress


def test_all_items_pass_through_and_quick_ones_in_silence(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(progress.track(range(5), "Things")) == [0, 1, 2, 3, 4]
    assert capsys.readouterr().err == ""


def test_slow_items_are_counted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_LINE_S", 0.0)
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    assert list(progress.track(iter("ab"), "Letters", total=2)) == ["a", "b"]
    assert capsys.readouterr().err == "Letters: 1 of 2\nLetters: 2 of 2\nLetters: done, 2\n"
