"""A run that is interrupted goes on where it stopped, and leaves no template behind when it is done."""

from dataclasses import replace
from pathlib import Path

import pytest

from api.evaluation.engines import Engine
from api.evaluation.files import FAILED, Pair
from api.evaluation.kept import Kept
from api.evaluation.run import score_pairs
from tests.api.evaluation.test_run import WordEngine, images, quietly

PAIRS = [Pair("a", "b", True), Pair("b", "c", False), Pair("a", "d", True)]


class Interrupted(Exception):
    """As Ctrl-C, at one image."""


def keeping(words: WordEngine) -> Engine:
    return replace(words.engine(), dump=lambda number: str(number).encode(), load=int)


def test_an_interrupted_run_works_off_only_the_rest(tmp_path: Path) -> None:
    folder = images(tmp_path, a="1", b="5", c="7", d="no_face")
    place = tmp_path / "unfinished"
    first = WordEngine()

    def stopping(image: bytes) -> int:
        if image == b"7":
            raise Interrupted
        return first.extract(image)

    engine = replace(keeping(first), extract=stopping)
    with pytest.raises(Interrupted):
        score_pairs(engine, PAIRS, folder, threads=1, progress=quietly, kept=Kept(place, engine))
    assert place.stat().st_mode & 0o077 == 0, "templates are nobody else's"
    done = {path.name for path in place.iterdir()}
    assert done
    second = WordEngine()
    kept = Kept(place, keeping(second))
    run = score_pairs(keeping(second), PAIRS, folder, threads=1, progress=quietly, kept=kept)
    assert sorted(first.extracted + second.extracted) == [b"1", b"5", b"7", b"no_face"], "none twice, none left out"
    whole = score_pairs(keeping(WordEngine()), PAIRS, folder, threads=2, progress=quietly)
    assert run == whole
    assert [row.score for row in run.scored][2] == FAILED
    kept.discard()
    assert not place.exists()


def test_a_changed_image_or_another_engine_is_worked_off_anew(tmp_path: Path) -> None:
    words = WordEngine()
    kept = Kept(tmp_path / "k", keeping(words))
    kept.keep(b"1", 1)
    kept.keep(b"bad", "low_quality")
    assert (kept.find(b"1"), kept.find(b"bad"), kept.find(b"2")) == (1, "low_quality", None)
    assert Kept(tmp_path / "k", replace(keeping(words), name="words-2")).find(b"1") is None
    assert Kept(tmp_path / "k", replace(keeping(words), made_by="words-1 at 1000 dpi")).find(b"1") is None
    with pytest.raises(ValueError, match="cannot be kept"):
        Kept(tmp_path / "k", words.engine())
