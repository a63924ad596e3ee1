"""The benchmark of templates in other forms, on made-up fingers: which pairs, what a loss is, that it can show one."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from pathlib import Path

import cbor2
import numpy as np
import pytest
import typer

from benchmarks.common.report import Result
from benchmarks.finger import interchange, interchange_loss
from benchmarks.finger.sets import find_sets
from benchmarks.scores import rates
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.finger.interchange import Format, write
from tests.biometrics.finger.points import captured_again, random_finger

FINGERS, IMPRESSIONS = ("a", "b", "c"), (1, 2, 3)


def templates() -> dict[str, FingerTemplate]:
    return {
        f"{name}_{impression}": captured_again(
            random_finger(seed, 60), turn=0.1 * impression, shift=(2.0 * impression, 1.0), jitter=0.7, seed=impression
        )
        for seed, name in enumerate(FINGERS, 1)
        for impression in IMPRESSIONS
    }


def sourceafis(template: FingerTemplate) -> bytes:
    return cbor2.dumps(
        {
            "version": "3.18.1-java",
            "width": template.width,
            "height": template.height,
            "positionsX": [round(float(x)) for x in template.x],
            "positionsY": [round(float(y)) for y in template.y],
            "directions": [float(one) for one in template.direction],
            "types": "".join("EB"[kind - 1] for kind in template.kind),
        }
    )


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder as the benchmark wants it, whose captures are in the cache already: no network is run."""
    engine = FingerEngine.__new__(FingerEngine)
    monkeypatch.setattr(FingerEngine, "open", lambda: engine)
    monkeypatch.setattr(FingerEngine, "warm_up", lambda _: None)
    monkeypatch.setattr(interchange_loss, "REPLICATES", 40)
    monkeypatch.setattr(interchange, "rate_results", partial(rates.rate_results, replicates=40))
    folders = [tmp_path / "fingerprints" / "made_up", tmp_path / "cache"]
    folders += [tmp_path / "templates" / name for name in interchange.TOOLS.values()]
    for folder in folders:
        folder.mkdir(parents=True)
    captures, cache, theirs, iso = folders
    for name, template in templates().items():
        image = f"the picture {name}".encode()
        (captures / f"{name}.png").write_bytes(image)
        digest = hashlib.sha256(engine.engine.encode() + image).hexdigest()
        (cache / f"{digest}.rzmt").write_bytes(template.to_bytes())
        if not name.startswith("c"):
            (theirs / f"{name}.cbor").write_bytes(sourceafis(template))
            (iso / f"{name}.iso").write_bytes(write([template], Format.ISO_2005))
    return tmp_path


def figures(results: list[Result], name: str) -> dict[str, Result]:
    return {row.metric: row for row in results if row.set == name}


def test_the_whole_benchmark(data: Path) -> None:
    path = data / "figures.json"
    results = interchange.run(data, data / "cache", path)
    assert len(json.loads(path.read_text("utf-8"))["results"]) == len(results)
    for tool in interchange.TOOLS:
        found = figures(results, f"{tool} x own")
        assert (found["eer"].n, found["non_mated_max"].n, found["same_capture_p50"].n) == (6 * 2, 6 * 6, 6)
        assert found["eer"].value == 0.0
        assert found["mated_p50"].value > found["non_mated_max"].value
        assert found["same_capture_p50"].value > found["mated_p50"].value
        assert found["near"].value == 1.0
        assert abs(found["ahead_px_ending"].value) < 0.3
        assert abs(found["turned_deg"].value) < 1.0
        assert found["opposite"].value == 0.0
        assert figures(results, f"{tool} x {tool}")["eer"].n == 6
    assert figures(results, "sourceafis x fingerjetfx")["eer"].n == 12
    assert figures(results, "own x own")["eer"].n == 12
    assert not figures(results, "sourceafis, its own matcher")
    for form in (interchange_loss.AS_MADE, *interchange_loss.FORMS):
        assert figures(results, f"made_up/{form}").keys() == figures(results, f"mean/{form}").keys()
    assert figures(results, "made_up/512 bytes")["shortened"].value == 0.0
    assert figures(results, "made_up/512 bytes")["eer_loss"].value == 0.0


def test_sourceafis_own_scores_are_of_the_same_pairs(data: Path) -> None:
    own = templates()
    tools = {tool: {name: one for name, one in own.items() if name[0] != "c"} for tool in interchange.TOOLS}
    scores = data / "scores.csv"
    rows = [(a, b) for a in own for b in own if a < b]
    lines = [
        f"{a},{b},{int(a[0] == b[0])},{50 if a[0] == b[0] else 60 if (a, b) == ('a_1', 'b_1') else 10}" for a, b in rows
    ]
    scores.write_text("\n".join(["reference,probe,mated,score", *lines]), "utf-8")
    found = figures(interchange.others(FingerEngine.open(), own, tools, scores), "sourceafis, its own matcher")
    assert found["eer"].n == 12
    assert (found["mated_p50"].value, found["non_mated_max"].value) == (50.0, 60.0)
    assert found["zerofmr"].value == 1.0


def test_minutiae_of_another_convention_would_show(data: Path) -> None:
    own = templates()
    turned = {
        name: FingerTemplate.of(
            "import:x",
            one.width,
            one.height,
            x=np.clip(one.x + 3 * np.cos(one.direction), 0, one.width),
            y=np.clip(one.y + 3 * np.sin(one.direction), 0, one.height),
            direction=one.direction + np.pi,
            kind=one.kind,
            minutia_quality=one.minutia_quality,
            quality=0,
        )
        for name, one in own.items()
    }
    found = figures(
        interchange.others(FingerEngine.open(), own, dict.fromkeys(interchange.TOOLS, turned), data), "sourceafis x own"
    )
    assert found["opposite"].value == 1.0
    assert found["ahead_px_ending"].value == pytest.approx(3.0, abs=0.1)
    assert found["near"].value > 0.9


def test_a_form_that_loses_everything_shows_a_loss(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def first_seven(template: FingerTemplate) -> FingerTemplate:
        return FingerTemplate.from_bytes(template.to_compact_bytes(26 + 5 * 7))

    monkeypatch.setattr(interchange_loss, "FORMS", {"seven": first_seven, "same": lambda template: template})
    (captures,) = find_sets(data / "fingerprints")
    found = interchange_loss.losses(captures, templates())
    results = [figure.result() for figure in found]
    lost, same = figures(results, "made_up/seven"), figures(results, "made_up/same")
    assert lost["eer_loss"].value > 0.05
    assert lost["eer_loss"].high is not None
    assert lost["shortened"].value == 1.0
    assert (same["eer_loss"].value, same["eer_loss"].low, same["shortened"].value) == (0.0, None, 0.0)
    means = figures([figure.result() for figure in interchange_loss.means(found)], "mean/seven")
    assert {metric: row.value for metric, row in means.items()} == {metric: row.value for metric, row in lost.items()}


def test_the_draws_of_sets_are_averaged_one_by_one() -> None:
    one = interchange_loss.Figure("one", "x", "eer_loss", 0.1, [0.0, 0.1, 0.2], 3)
    two = interchange_loss.Figure("two", "x", "eer_loss", 0.3, [0.4, 0.3, 0.2], 4)
    (mean,) = interchange_loss.means([one, two])
    assert (mean.set, mean.n) == ("mean", 7)
    assert mean.value == pytest.approx(0.2)
    assert mean.drawn == pytest.approx([0.2, 0.2, 0.2])


def test_the_full_form_in_fewer_bytes_fits() -> None:
    (template,) = {len(one): one for one in templates().values()}.values()
    for limit in (512, 256, 128):
        cut = interchange_loss._full(template, limit)
        assert limit - 7 < len(cut.to_bytes()) <= limit or len(cut) == len(template)


def test_data_without_templates_is_a_usage_error(data: Path, tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter):
        interchange.run(tmp_path / "nothing", None, None)
    for path in (data / "templates" / "sourceafis_cbor").iterdir():
        path.rename(path.with_name(f"z{path.name}"))
    with pytest.raises(typer.BadParameter, match="no set holds"):
        interchange.run(data, data / "cache", None)
