"""`renzheng calibrate`: what it writes is what the service reads, and scores of another version are refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from sqlalchemy import select

from api.institutions.roles import Role
from api.matching.engines import BiometricComparer
from api.service import Service
from api.storage.tables import evidence, evidence_texts
from biometrics.face import FaceEngine
from biometrics.finger import FingerEngine
from biometrics.scoring import Calibration, held_out
from tests.api.bodies import register, verify
from tests.api.cli.conftest import CommandLine
from tests.api.conftest import NewClient
from tests.api.matching.test_engines import Faces, Fingers, photograph, square
from tests.biometrics.scoring.samples import normal_tail, true_llr

HEADER = "reference,probe,mated,score"


@pytest.fixture(autouse=True)
def few_replicates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "REPLICATES", 20)


def gaussian_file(renzheng: CommandLine, name: str, seed: int, engine: str | None = None) -> str:
    """Scores of 30 fingers x 4 impressions: N(3, 1) mated, N(0, 1) non-mated."""
    random = np.random.default_rng(seed)
    samples = [(finger, f"f{finger}_{impression}") for finger in range(30) for impression in range(4)]
    more = "" if engine is None else f",{engine}"
    rows = [HEADER + ("" if engine is None else ",engine")]
    for place, (finger, reference) in enumerate(samples):
        for other, probe in samples[place + 1 :]:
            score = random.normal(3.0 if finger == other else 0.0)
            rows.append(f"{reference},{probe},{int(finger == other)},{score:.6f}{more}")
    return renzheng.file(name, "\n".join(rows) + "\n")


def test_the_calibration_is_the_true_one_and_says_where_it_comes_from(renzheng: CommandLine) -> None:
    files = [gaussian_file(renzheng, "scores_one.csv", 1, "gauss-1"), gaussian_file(renzheng, "two.csv", 2)]
    out = renzheng.folder / "new" / "gauss-1.json"
    arguments = ["--scores", files[0], "--scores", files[1], "--out", str(out), "--pack", "leader", "--note", "drawn"]
    result = renzheng("calibrate", "--engine", "gauss-1", *arguments)
    assert result.exit_code == 0, result.output
    found = Calibration.from_json(out.read_text(encoding="utf-8"), "gauss-1")
    assert found.assess(1.0).fmr == pytest.approx(normal_tail(1.0), rel=0.1)
    assert found.assess(2.0).llr == pytest.approx(true_llr(2.0), abs=0.8)
    facts = found.provenance
    assert [(one["set"], one["subjects"], one["mated"]) for one in facts["sets"]] == [
        ("one", 30, 180),
        ("two", 30, 180),
    ]
    assert facts["note"] == "drawn"
    assert facts["pack"]["name"] == "leader"
    assert facts["when"]
    assert {one["set"] for one in facts["held_out"]} == {
        "one/subjects", "two/subjects", "one/other_sets", "two/other_sets",
    }  # fmt: skip
    assert "cllr" in result.stdout
    assert "measured" in result.stderr
    assert "do not say which engine they are of" in result.stderr
    assert "two.csv" in result.stderr
    assert "scores_one.csv" not in result.stderr


def test_scores_of_another_version_are_refused(renzheng: CommandLine) -> None:
    file = gaussian_file(renzheng, "s.csv", 1, "gauss-1")
    out = renzheng.folder / "x.json"
    result = renzheng("calibrate", "--engine", "gauss-2", "--scores", file, "--out", str(out))
    assert result.exit_code == 3
    assert "'gauss-1', not of 'gauss-2'" in result.stderr
    assert not out.exists()


def test_several_engines_in_one_file_are_refused(renzheng: CommandLine) -> None:
    file = Path(gaussian_file(renzheng, "s.csv", 1, "gauss-1"))
    file.write_text(file.read_text() + "f1_0,f1_1,1,3.0,gauss-2\n")
    result = renzheng("calibrate", "--engine", "gauss-1", "--scores", str(file), "--out", str(renzheng.folder / "x"))
    assert result.exit_code == 3
    assert "2 engines in one file" in result.stderr


def test_too_little_to_fit_is_said_not_fitted(renzheng: CommandLine) -> None:
    file = renzheng.file("s.csv", HEADER + "\na_1,a_2,1,3\na_1,b_1,0,0\n")
    result = renzheng("calibrate", "--engine", "gauss-1", "--scores", file, "--out", str(renzheng.folder / "x.json"))
    assert result.exit_code == 3
    assert "2 subjects are too few. It takes 10 at least" in result.stderr
    assert "Traceback" not in result.output


def test_folders_above_the_subjects_are_not_part_of_their_names(renzheng: CommandLine) -> None:
    """Unless they tell subjects apart, as with two sets of fingers that are numbered alike."""
    plain = Path(gaussian_file(renzheng, "s.csv", 1))
    lines = plain.read_text().splitlines()[1:]
    below = ["all/db/" + line.replace(",", ",all/db/", 1) for line in lines]
    twice = ["db1/" + line.replace(",", ",db1/", 1) for line in lines]
    twice += ["db2/" + line.replace(",", ",db2/", 1) for line in lines]
    people = []
    for rows in (lines, below, twice):
        file, out = renzheng.file("t.csv", "\n".join([HEADER, *rows]) + "\n"), renzheng.folder / "x.json"
        result = renzheng("calibrate", "--engine", FingerEngine.engine, "--scores", file, "--out", str(out))
        assert result.exit_code == 0, result.output
        (one,) = json.loads(out.read_text())["provenance"]["sets"]
        people.append((one["subjects"], one["people"]))
    assert people[0] == people[1]
    assert people[2][0] == 60
    assert not set(people[2][1]) & set(people[0][1])


def test_no_rate_is_printed_as_0_and_what_is_not_supported_is_said(renzheng: CommandLine) -> None:
    """12 people of two samples each whose scores never overlap: no error anywhere."""
    samples = [(person, f"f{person}_{one}") for person in range(12) for one in range(2)]
    rows = [HEADER]
    for place, (person, reference) in enumerate(samples):
        for other, probe in samples[place + 1 :]:
            score = 2.5 + place % 3 / 10 if person == other else (7 * place + other) % 11 / 10
            rows.append(f"{reference},{probe},{int(person == other)},{score}")
    file = renzheng.file("s.csv", "\n".join(rows) + "\n")
    result = renzheng("calibrate", "--engine", "gauss-1", "--scores", file, "--out", str(renzheng.folder / "x.json"))
    assert result.exit_code == 0, result.output
    row = next(line for line in result.stdout.splitlines() if "fnmr_at_stated_1e-2" in line)
    assert "< 25" in row
    assert "0 – 25.000" in row
    assert "0.000" not in result.stdout
    assert "due an FMR of 1e-2, 1e-3, 1e-4" in result.stderr
    assert "3,000, 30,000, 300,000" in result.stderr


class TestInTheService:
    """From a score file to a decision that names what was fitted to it."""

    @pytest.fixture
    def own(self, renzheng: CommandLine, service: Service) -> Service:
        scores = gaussian_file(renzheng, "lobby.csv", 1, FaceEngine.engine)
        out = renzheng.folder / "calibrations" / "lobby.json"
        result = renzheng("calibrate", "--engine", FaceEngine.engine, "--scores", scores, "--out", str(out))
        assert result.exit_code == 0, result.output
        engines = cast(FaceEngine, Faces()), cast(FingerEngine, Fingers())
        return replace(service, comparer=BiometricComparer(*engines, threads=1, calibrations=out.parent))

    def test_the_decision_and_its_evidence_name_it(
        self, own: Service, new_client: NewClient, renzheng: CommandLine
    ) -> None:
        _, card = register(new_client(Role.AUTHORITY, service=own), face=square(9))
        answer = verify(new_client(service=own), card, face=photograph(9))
        written = Calibration.from_json(
            (renzheng.folder / "calibrations" / "lobby.json").read_text(encoding="utf-8"), FaceEngine.engine
        )
        assert answer["calibrations"] == {
            FaceEngine.engine: written.version,
            FingerEngine.engine: Calibration.load(FingerEngine.engine).version,
        }
        # A cosine of 1 means little where strangers' scores are N(0, 1).
        assert answer["person"]["llr"] == pytest.approx(written.assess(1.0).llr, abs=1e-3)
        assert answer["decision"] == "REFUSE"
        with own.database.begin() as connection:
            leaf = connection.execute(
                select(evidence_texts.c.leaf)
                .join(evidence, evidence.c.seq == evidence_texts.c.seq)
                .where(evidence.c.subject_id == answer["id"])
            ).scalar_one()
        assert json.loads(leaf)["calibrations"] == answer["calibrations"]


def test_an_engine_of_ours_is_not_calibrated_for_another_pack(renzheng: CommandLine) -> None:
    file = gaussian_file(renzheng, "s.csv", 1)
    out = str(renzheng.folder / "x.json")
    result = renzheng("calibrate", "--engine", FaceEngine.engine, "--scores", file, "--out", out, "--pack", "leader")
    assert result.exit_code == 3
    assert "runs the pack sface" in result.stderr
