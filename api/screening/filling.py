"""A gallery of the whole list: from a snapshot on disk and what changed since, else from the database, with word of how
far it is."""

import fcntl
import logging
import os
import shutil
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from api.feed.snapshots.publishing import deployment_id
from api.matching import transforms
from api.matching.captures import Modality
from api.screening import records
from api.screening.faces import Faces, ListedFace
from api.screening.fingers import Fingers
from api.screening.gallery import ImpostorGallery
from api.screening.parameters import BAR, BUILD_TIMEOUT_S, PROGRESS_S
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.recordkeys.envelopes import read_ahead
from biometrics.face import Transform
from biometrics.gallery import SnapshotError, load, save

_log = logging.getLogger(__name__)

_ONE_LOOK = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
_ROWS = 1000


@dataclass
class _Said:
    """Draws how many entries are in the gallery, now and then and in the end: a line of the log, whoever reads it."""

    expected: int
    done: int = 0
    due: float = 0.0

    def __call__(self, more: int) -> None:
        self.done += more
        if time.monotonic() >= self.due or self.done >= self.expected:
            drawn = min(BAR, BAR * self.done // max(self.expected, 1))
            bar = "#" * drawn + "." * (BAR - drawn)
            _log.info("the impostors' gallery is made: [%s] %d of %d faces", bar, self.done, self.expected)
            self.due = time.monotonic() + PROGRESS_S


class Filler:
    """Fills a gallery. `folder` holds the snapshots, one of each deployment."""

    def __init__(self, database: Database, keys: Keys, gallery: ImpostorGallery, folder: Path) -> None:
        self._database = database
        self._keys = keys
        self._gallery = gallery
        self._folder = folder
        self._deployment = ""
        self._saved = -1

    def fill(self) -> None:
        """Read the list as it is now. Raises `DatabaseUnavailable`."""
        transforms.prepare(self._database, self._keys)
        # The whole list may take longer to read than any request waits.
        unhurried = Database(self._database.url, pool_size=1, timeout_s=BUILD_TIMEOUT_S)
        try:
            with unhurried.begin() as connection:
                connection.execute(_ONE_LOOK)
                self._fill(connection)
        finally:
            unhurried.close()

    def save(self) -> None:
        """Write a snapshot if the list changed since the last one, and nobody else writes. Raises OSError."""
        faces = self._gallery.faces
        if faces is None or faces.gallery.sequence == self._saved:
            return
        with self._alone() as alone:
            if alone:
                save(faces.gallery, self._path(faces.transform.name))
                self._saved = faces.gallery.sequence

    def _fill(self, connection: Connection) -> None:
        self._gallery.gone.clear()
        sequence = records.last(connection)
        faces = None
        with closing(self._faces(connection)) as listed:
            first = next(listed, None)
        if first is not None:
            faces = self._all_faces(connection, sequence, first)
        elif self._folder.exists():
            _tidy(self._of_deployment(), None)
        self._tell_of_others(connection)
        fingers = self._fingers(connection)
        lost = self._lost(connection, {"face": 0 if faces is None else len(faces), "finger": len(fingers)})
        self._gallery.fill(faces, fingers, sequence, records.mark(connection, sequence), lost)

    def _lost(self, connection: Connection, read: Mapping[Modality, int]) -> frozenset[Modality]:
        """The modalities of which nothing could be read, though the list holds some. What is missing is told."""
        expected = records.listed(connection)
        wanted = {modality: expected.get((modality, engine), 0) for modality, engine in self._gallery.engines}
        for modality, listed in wanted.items():
            if read.get(modality, 0) < listed:
                missing = listed - read.get(modality, 0)
                _log.error("%d of %d impostors' %s templates do not open and find nobody", missing, listed, modality)
        return frozenset(one for one, listed in wanted.items() if listed and not read.get(one, 0))

    def _all_faces(self, connection: Connection, sequence: int, first: ListedFace) -> Faces:
        engine, dimensions = first.template.engine, len(first.template.vector)
        expected = records.listed(connection).get(("face", engine), 0)
        transform = transforms.of_galleries(connection, self._keys)
        faces = self._from_snapshot(connection, sequence, expected, engine, transform)
        if faces is None:
            listed, said = self._faces(connection), _Said(expected)
            # Whatever was written before is not of this gallery.
            self._saved = -1
            faces = Faces.build(transform, listed, expected, dimensions, engine, said)
            faces.gallery.sequence, faces.gallery.mark = sequence, records.mark(connection, sequence)
        return faces

    def _from_snapshot(
        self, connection: Connection, sequence: int, expected: int, engine: str, transform: Transform
    ) -> Faces | None:
        path = self._path(transform.name)
        _tidy(path.parent, path)
        try:
            faces = Faces(load(path, engine), transform)
        except SnapshotError as error:
            if error.code != "snapshot_missing":
                _log.warning("the snapshot of the impostors' gallery cannot be used and is made anew: %s", error.code)
            return None
        self._saved = faces.gallery.sequence
        of_this_list = faces.gallery.mark == records.mark(connection, faces.gallery.sequence)
        if of_this_list and faces.gallery.sequence < sequence:
            missed = self._gallery.read(connection, faces.gallery.sequence)
            faces.change(missed.sequence, missed.faces, missed.removed, missed.mark)
        if not of_this_list or faces.gallery.sequence != sequence or len(faces) != expected:
            # The database was brought back to an earlier state, or the files are another's.
            _log.warning("the snapshot of the impostors' gallery is not of this list and is made anew")
            self._saved = -1
            return None
        return faces

    def _tell_of_others(self, connection: Connection) -> None:
        engines = self._gallery.engines
        others = {of: count for of, count in records.listed(connection).items() if of not in engines}
        if others:
            told = ", ".join(f"{count} of {engine}" for (_, engine), count in sorted(others.items()))
            _log.warning("impostors' templates of other engines are not found; propose them anew: %s", told)

    def _faces(self, connection: Connection) -> Generator[ListedFace, None, None]:
        asked = {"modality": "face"}
        with connection.execute(records.WHOLE, asked, execution_options={"yield_per": _ROWS}) as rows:
            for row, found in read_ahead(self._keys, rows, _sealed):
                face = self._gallery.face_of(row, found)
                if face is not None:
                    yield face

    def _fingers(self, connection: Connection) -> Fingers:
        rows = connection.execute(records.WHOLE, {"modality": "finger"})
        read = read_ahead(self._keys, rows, _sealed)
        fingers = (self._gallery.finger_of(row, found) for row, found in read)
        return Fingers(one for one in fingers if one is not None)

    def _path(self, name: str) -> Path:
        return self._of_deployment() / name

    def _of_deployment(self) -> Path:
        """The folder of this deployment's snapshots: a home may have held another's."""
        if not self._deployment:
            with self._database.begin() as connection:
                self._deployment = str(deployment_id(connection))
        return self._folder / self._deployment

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Replicas that share a home write one after another: each takes away the other's former files."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._folder / "writing.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield True
                return
            yield False
        finally:
            os.close(handle)


def _sealed(row: Any) -> tuple[bytes]:
    return (row.template_sealed,)


def _tidy(folder: Path, kept: Path | None) -> None:
    """Delete snapshots under other transforms, or of another engine: they hold people who may be listed no longer."""
    for path in folder.glob("*"):
        if path.is_dir() and path != kept:
            shutil.rmtree(path, ignore_errors=True)
