"""The report of `renzheng evaluate`: what it is made of, put together and written."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx
from rich.console import Console

from api.cli.client import KEY_VARIABLE, Client, read_key, signing_key_file
from api.cli.failure import CommandFailed

if TYPE_CHECKING:
    from api.evaluation.attempts import TransactionRate
    from api.evaluation.evidence import Site
    from api.evaluation.files import Scored
    from api.evaluation.report import Figure
    from api.evaluation.run import Run
    from biometrics.scoring.bootstrap import Comparisons
    from biometrics.scoring.calibration import Calibration

Modality = Literal["face", "finger"]

_err = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Wanted:
    """What the user asked for; without `folder` there is no report."""

    folder: Path | None
    peers: Sequence[str]
    groups: Path | None
    quality: Path | None
    calibration: str | None
    seed: int
    scores: Path | None = None

    def write(
        self,
        name: str,
        rows: "Sequence[Scored]",
        modality: Modality | None,
        figures: "Sequence[Figure]",
        *,
        engine: str | None = None,
        done: "Run | None" = None,
        distances: bool = False,
        transactions: "Sequence[TransactionRate]" = (),
    ) -> None:
        """Make and write the report; `figures` are all that were found. Raises `CommandFailed`, OSError."""
        if self.folder is None:
            return
        import numpy as np

        from api.evaluation import dossier, files, subjects

        comparisons = subjects.comparisons_of(rows, modality)
        if not (np.isfinite(comparisons.mated).any() and np.isfinite(comparisons.non_mated).any()):
            raise CommandFailed(
                "有一类比对全部失败，没有可绘制的分数。\n"
                "Every comparison of one kind failed: there are no scores to draw."
            )
        try:
            peers = dict(_peer(word, modality) for word in self.peers)
            quality = done.quality if done is not None else {}
            if self.quality is not None:
                quality = files.read_quality(self.quality)
            names = subjects.subject_names(rows, modality)
            calibration = self._calibration(engine)
            material = dossier.Material(
                name,
                comparisons,
                names,
                figures,
                self._facts(engine),
                unit="comparison score (distance, sign changed)" if distances else "comparison score",
                peers=peers,
                calibration=calibration,
                transactions=transactions,
                remarks=_warn_of_fitted(calibration, names),
                quality=_of_mated(rows, quality),
                groupings=_groups(self.groups),
                failures=_causes(done),
                images=0 if done is None else done.images,
                seed=self.seed,
            )
        except files.FileMalformed as error:
            raise CommandFailed(f"所给文件无法评估。\nThis cannot be evaluated: {error}") from error
        with _err.status("Drawing…") as status:
            dossier.of_comparisons(material, lambda step: status.update(f"{step}…")).write(self.folder)
        _err.print(f"{self.folder / dossier.PAGE} is written.", markup=False)

    def _facts(self, engine: str | None) -> list[tuple[str, str]]:
        """What made the page: enough to make it again, and no date, so that it comes out the same."""
        named = {"groups": self.groups, "qualities": self.quality}
        files = (
            {"scores": self.scores}
            | named
            | {word.partition("=")[0]: Path(word.partition("=")[2]) for word in self.peers}
        )
        digests = [(name, f"{path.name}, SHA-256 {_digest(path)}") for name, path in files.items() if path is not None]
        made = [("made by", f"renzheng {version('renzheng')}, seed {self.seed}"), *digests]
        return [("engine", engine), *made] if engine else made

    def _calibration(self, engine: str | None) -> "Calibration | None":
        from biometrics.scoring.calibration import Calibration, shipped
        from biometrics.scoring.errors import of_another

        wanted = self.calibration
        if wanted is None:
            return Calibration.load(engine) if engine in shipped() else None
        path = Path(wanted)
        if path.suffix == ".json":
            if not path.is_file():
                raise CommandFailed(f"没有文件 {path}。\nThere is no file {path}.")
            text = path.read_text(encoding="utf-8")
            found = Calibration.from_json(text, engine or Calibration.engine_named(text, path.name))
        else:
            found = Calibration.load(wanted)
        if engine is None:
            _err.print(
                f"The scores do not say which engine they are of; they are taken for {found.engine}'s.", style="yellow"
            )
        elif engine != found.engine:
            raise of_another(engine, found.engine)
        return found


def _warn_of_fitted(calibration: "Calibration | None", names: "Sequence[str]") -> list[str]:
    """Say, here and in the page, where people are judged whom the calibration was fitted to."""
    from api.evaluation.fitted import overlap

    if calibration is None:
        return []
    found = overlap(calibration, names)
    if found is None:
        text = (
            f"The calibration of {calibration.engine} does not say whom it was fitted to: on those people it looks"
            " better than it is."
        )
    elif found.seen:
        text = (
            f"The calibration of {calibration.engine} was fitted to people of these names: {found.seen} of"
            f" {found.looked_up} that were looked up. If they are the same it looks better than it is; judge it by the"
            " scores of other people."
        )
    else:
        return []
    _err.print(text, style="yellow", markup=False)
    return [text]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def of_site(source: str, key_file: Path | None, folder: Path) -> None:
    """The report of a site's evidence, of a file or of the service itself. Raises `CommandFailed`, OSError."""
    from api.evaluation import dossier, evidence, files, site

    try:
        with _err.status("Reading the leaves…"):
            if source.startswith(("http://", "https://")):
                found, name = _live(source, key_file), httpx.URL(source).netloc.decode()
            else:
                path = Path(source)
                if not path.is_file():
                    raise CommandFailed(f"没有文件 {path}。\nThere is no file {path}.")
                found, name = evidence.read_site(path), path.name.partition(".")[0]
    except files.FileMalformed as error:
        raise CommandFailed(f"所给文件无法评估。\nThis cannot be evaluated: {error}") from error
    site.of_site(found, name).write(folder)
    _err.print(f"{found.whole.verifications:,} verifications; {folder / dossier.PAGE} is written.", markup=False)


def _live(url: str, key_file: Path | None) -> "Site":
    from api.evaluation import evidence

    key = read_key(key_file, os.environ.get(KEY_VARIABLE))
    with Client(url, key, signing_key_file()) as client:
        rows = evidence.pages(lambda place: client.get("/v1/evidence/leaves", start=place))
        return evidence.site_of(rows, url)


def _peer(word: str, modality: Modality | None) -> "tuple[str, Comparisons]":
    from api.evaluation import files, subjects

    name, equals, file = word.partition("=")
    path = Path(file)
    if not (name and equals):
        raise CommandFailed("--peer 的形式为 名称=文件。\n--peer wants NAME=FILE.")
    if not path.is_file():
        raise CommandFailed(f"没有文件 {path}。\nThere is no file {path}.")
    try:
        return name, subjects.comparisons_of(files.read_scores(path), modality)
    except ValueError as error:
        raise CommandFailed(f"所给文件无法评估。\nThis cannot be evaluated: {path}: {error}") from error


def _of_mated(rows: "Sequence[Scored]", quality: dict[str, float]) -> "Sequence[float] | None":
    """The lower quality of each mated comparison's samples; a failed sample has none, and counts as the worst."""
    if not quality:
        return None
    worst = min(quality.values()) - 1
    mated = [row.pair for row in rows if row.pair.mated]
    return [min(quality.get(pair.reference, worst), quality.get(pair.probe, worst)) for pair in mated]


def _groups(path: Path | None) -> dict[str, dict[str, str]]:
    from api.evaluation import groups

    return {} if path is None else groups.read_groups(path)


def _causes(done: "Run | None") -> dict[str, int]:
    if done is None:
        return {}
    return {f"{failure.reason} ({failure.rate})": count for failure, count in done.failures.items()}
