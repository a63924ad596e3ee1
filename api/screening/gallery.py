"""A replica's gallery of the impostor list: kept in step with the list's number, searched, never asked for anything
else.

Whoever searches names the number of the list that the search has to know of, as the database told it in the same
request; a gallery that is behind reads what changed before it searches. So what was approved or removed counts for the
next request at every replica, whether or not anybody told it.
"""

import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection

from api.matching import transforms
from api.matching.captures import Modality
from api.matching.comparison import Comparer, Probe
from api.screening import records, templates
from api.screening.faces import Faces, ListedFace
from api.screening.fingers import Fingers, ListedFinger
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.envelopes import keys_of
from api.storage.recordkeys.store import FoundKeys
from api.storage.sealing import record_key_of
from biometrics.face import FaceTemplate, Transform
from biometrics.finger import FingerTemplate
from biometrics.gallery.parameters import EXACT_UP_TO
from biometrics.gallery.threshold import hit_threshold
from biometrics.scoring.calibration import Calibration

_log = logging.getLogger(__name__)


class NotReady(Exception):
    """The gallery does not hold the list yet, or not what is asked for."""


@dataclass
class Changes:
    """What happened on the list up to a number, whose `mark` tells it from another list's (see `records.mark`);
    `transform` is for the first face of a gallery that has none yet."""

    sequence: int = 0
    mark: str = ""
    faces: list[ListedFace] = field(default_factory=list)
    fingers: list[ListedFinger] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    transform: Transform | None = None


class Held(NamedTuple):
    """What a gallery holds, and up to which number of the list; -1 before it was filled. `lost`: of which modalities
    the list holds templates, and not one of them could be read."""

    faces: Faces | None
    fingers: Fingers
    sequence: int
    mark: str = ""
    lost: frozenset[Modality] = frozenset()


class _Threshold(NamedTuple):
    """The score from which a comparison is a hit, of a calibration and among so many entries."""

    calibration: Calibration
    entries: int
    score: float


@dataclass(frozen=True)
class Found:
    """A search: the number of the list that it knew of, what was looked for, and for each probe that found any the
    entries' numbers, with the threshold (a comparison score) that they may reach."""

    sequence: int
    probes: tuple[Probe, ...] = field(repr=False)
    candidates: tuple[tuple[Probe, float, list[int]], ...] = field(repr=False)


class ImpostorGallery:
    """Shared among threads. `fpir`: how often a search may hit somebody who is not listed (see `hit_threshold`)."""

    def __init__(self, keys: Keys, comparer: Comparer, fpir: float) -> None:
        self._keys = keys
        self._comparer = comparer
        self._fpir = fpir
        self._changing = threading.Lock()
        # Replaced as a whole, so that nobody takes a newer number for what is older.
        self._held = Held(None, Fingers(), -1)
        self._thresholds: dict[Modality, _Threshold] = {}
        # Keys without which something of the list did not open: they may come back out of a backup.
        self.gone: set[UUID] = set()

    @property
    def faces(self) -> Faces | None:
        """The faces, None before the first one."""
        return self._held.faces

    @property
    def fingers(self) -> Fingers:
        """The fingers."""
        return self._held.fingers

    @property
    def sequence(self) -> int:
        """Up to which number the gallery knows the list, at least."""
        return self._held.sequence

    @property
    def searched(self) -> frozenset[Modality]:
        """Of which captures probes are wanted: fingers cost a hundred times a search, and few lists hold any."""
        own: frozenset[Modality] = frozenset({"face", "finger"} if len(self.fingers) else {"face"})
        return own | self.lost

    @property
    def lost(self) -> frozenset[Modality]:
        """What is not searched, for none of the list's templates could be read: their keys are gone, as like as not."""
        return self._held.lost

    @property
    def engines(self) -> frozenset[tuple[Modality, str]]:
        """The modalities that are searched, with the engines in use."""
        return frozenset((modality, one.engine) for modality, one in self._comparer.calibrations.items())

    def is_of(self, connection: Connection) -> bool:
        """Whether what the gallery knows is of the list that the database has: not after that was brought back."""
        held = self._held
        return records.mark(connection, held.sequence) == held.mark

    def fill(
        self,
        faces: Faces | None,
        fingers: Fingers,
        sequence: int,
        mark: str = "",
        lost: frozenset[Modality] = frozenset(),
    ) -> None:
        """Put what was read of the whole list in the place of what is there."""
        with self._changing:
            self._held = Held(faces, fingers, sequence, mark, lost)

    def catch_up(self, connection: Connection, sequence: int) -> None:
        """Know of everything up to a number of the list, at least. Raises `NotReady`, `DatabaseUnavailable`."""
        if self.sequence >= sequence:
            return
        with self._changing:
            if self.sequence < 0:
                raise NotReady
            if self.sequence >= sequence:
                return
            changes = self.read(connection, self.sequence)
            if changes.sequence < sequence:
                # Asked of a standby, or of another database: what it says is older than what was heard.
                raise NotReady
            self._apply(changes)

    def rebuild(self, connection: Connection) -> None:
        """Make the faces' gallery anew where it wants to be: searches and changes go on meanwhile."""
        faces = self.faces
        if faces is None or not _wants_rebuilding(faces):
            return
        fresh = Faces(faces.gallery.rebuilt(), faces.transform)
        with self._changing:
            missed = self.read(connection, fresh.gallery.sequence)
            fresh.change(missed.sequence, missed.faces, missed.removed, missed.mark)
            if self.faces is not faces:
                return
            fingers = [one for one in missed.fingers if one.key > self.sequence]
            both = self.fingers.changed(fingers, missed.removed)
            self._held = Held(fresh, both, missed.sequence, missed.mark, self.lost)
        _log.info("the impostors' gallery was made anew: %d faces", len(fresh))

    def search(self, probes: Iterable[Probe], day: date) -> Found:
        """Whom the probes may show. Raises `NotReady`."""
        faces, fingers, sequence, _, lost = self._held
        given = tuple(probes)
        # A list of which nothing can be read is not an empty one: nobody is let through by lost keys.
        if sequence < 0 or any(probe.modality in lost for probe in given):
            raise NotReady
        candidates = []
        for probe in given:
            template = probe.template
            if isinstance(template, FaceTemplate):
                threshold = self._threshold(probe, 0 if faces is None else len(faces))
                keys = [] if faces is None else faces.candidates(template, threshold, day)
            else:
                threshold = self._threshold(probe, len(fingers))
                keys = fingers.candidates(template, threshold)
            if keys:
                candidates.append((probe, threshold, keys))
        return Found(sequence, given, tuple(candidates))

    def read(self, connection: Connection, after: int) -> Changes:
        """What happened after a number."""
        rows = records.CHANGES.run(connection, after=after).fetchall()
        changes = Changes(rows[0].sequence, records.mark(connection, rows[0].sequence))
        found = keys_of(self._keys, (row.template_sealed for row in rows if row.template_id is not None))
        for row in rows:
            if row.unlisted_seq is not None:
                changes.removed.append(row.listed_seq)
            elif row.template_id is not None:
                self._sort_in(changes, row, found)
        if self.faces is None and changes.faces:
            changes.transform = transforms.of_galleries(connection, self._keys)
        return changes

    def face_of(self, row: Any, found: FoundKeys) -> ListedFace | None:
        """The face in a row, None for one that no engine in use can compare."""
        template = self._of_an_engine_in_use(row, found)
        if not isinstance(template, FaceTemplate):
            return None
        try:
            transform = transforms.named(self._keys, template.transform) if template.transform else None
        except SealBroken:
            _log.error("an impostor's template %s is under a transform that is gone", row.template_id)
            with suppress(ValueError):
                self.gone.add(UUID(hex=template.transform))
            return None
        return ListedFace(row.listed_seq, template, row.expires_on, transform)

    def finger_of(self, row: Any, found: FoundKeys) -> ListedFinger | None:
        """The finger in a row, None as above."""
        template = self._of_an_engine_in_use(row, found)
        return ListedFinger(row.listed_seq, template) if isinstance(template, FingerTemplate) else None

    def _sort_in(self, changes: Changes, row: Any, found: FoundKeys) -> None:
        if row.modality == "face" and (face := self.face_of(row, found)) is not None:
            changes.faces.append(face)
        elif row.modality == "finger" and (finger := self.finger_of(row, found)) is not None:
            changes.fingers.append(finger)

    def _of_an_engine_in_use(self, row: Any, found: FoundKeys) -> FaceTemplate | FingerTemplate | None:
        calibration = self._comparer.calibrations.get(row.modality)
        if calibration is None or row.engine != calibration.engine:
            return None
        template = templates.opened(self._keys, self._comparer, row, found)
        key_id = record_key_of(row.template_sealed)
        if template is None and key_id is not None and found.get(key_id) is None:
            self.gone.add(key_id)
        return template

    def _apply(self, changes: Changes) -> None:
        # What may fail comes first: a change that is told again must find either everything of it or nothing.
        fingers = self.fingers.changed(changes.fingers, changes.removed)
        faces = self.faces
        if faces is None and changes.transform is not None:
            first = changes.faces[0].template
            faces = Faces.of(changes.transform, first.engine, len(first.vector))
        if faces is not None:
            faces.change(changes.sequence, changes.faces, changes.removed, changes.mark)
        self._held = Held(faces, fingers, changes.sequence, changes.mark, self.lost)

    def _threshold(self, probe: Probe, entries: int) -> float:
        calibration = self._comparer.calibrations.get(probe.modality)
        if calibration is None:
            raise NotReady
        # The list seldom changes between two searches.
        known = self._thresholds.get(probe.modality)
        if known is None or known.calibration is not calibration or known.entries != entries:
            score = hit_threshold(calibration, self._fpir, entries).score
            known = self._thresholds[probe.modality] = _Threshold(calibration, entries, score)
        return known.score


def _wants_rebuilding(faces: Faces) -> bool:
    # Removed faces go out of memory and out of the next snapshot at once where that costs little.
    condition = faces.gallery.condition()
    return condition.wants_rebuilding or (condition.removed > 0 and condition.entries <= EXACT_UP_TO)
