"""The people of the register, as a search sees them: one record for each number, its newest face, turned.

Cards of one number are one identity, whoever registered them, and are never compared with each other. Of an identity
only the newest face counts, and of each finger the newest template; what other engines made is left out. People go in
the order of their numbers' keyed hashes, which is the same at every reading.

They lie in a folder of the search's own, under the home, until it ends: vectors that mean nothing elsewhere (see
`biometrics.face.transform`), the numbers' keyed hashes, the templates' identifiers. A search that was broken off goes
on with them. Of one finger a sketch lies there (see `biometrics.duplicates.sketch`), which is not turned; the templates
of fingers stay in the database, and are read for those who look alike.
"""

import hashlib
import logging
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from api.cards.templates import context
from api.duplicates.parameters import CHUNK
from api.matching import transforms
from api.matching.captures import FingerPosition, Modality, Reference
from api.matching.comparison import Template
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys.envelopes import keys_of, open_sealed
from api.storage.recordkeys.store import FoundKeys
from biometrics.duplicates import POSITIONS, Entries, Register, RegisterError
from biometrics.errors import BiometricError
from biometrics.face import FaceTemplate, Transform
from biometrics.finger import FingerTemplate

_log = logging.getLogger(__name__)

_NUMBERS, _TEMPLATES, _DIGEST, _REGISTER = "numbers", "templates", "digest", "register"
_NUMBER, _ID = np.dtype("V32"), np.dtype("V16")

# Everybody's newest face, the positions of their fingers, and of the first of these the newest template.
_FACES = text(
    """
    SELECT DISTINCT ON (c.number_index)
        c.number_index, t.id, t.card_id, t.modality, t.position, t.engine, t.template_sealed, f.positions,
        s.id AS finger_id, s.card_id AS finger_card, s.position AS finger_position, s.template_sealed AS finger_sealed
    FROM templates AS t JOIN cards AS c ON c.id = t.card_id
    LEFT JOIN (
        SELECT c.number_index, array_agg(DISTINCT t.position ORDER BY t.position) AS positions
        FROM templates AS t JOIN cards AS c ON c.id = t.card_id
        WHERE t.modality = 'finger' AND t.engine = :finger_engine GROUP BY c.number_index
    ) AS f ON f.number_index = c.number_index
    LEFT JOIN (
        SELECT DISTINCT ON (c.number_index) c.number_index, t.id, t.card_id, t.position, t.template_sealed
        FROM templates AS t JOIN cards AS c ON c.id = t.card_id
        WHERE t.modality = 'finger' AND t.engine = :finger_engine
        ORDER BY c.number_index, array_position(CAST(:positions AS text[]), t.position), t.created_at DESC, t.id
    ) AS s ON s.number_index = c.number_index
    WHERE t.modality = 'face' AND t.engine = :face_engine
    ORDER BY c.number_index, t.created_at DESC, t.id
    """
)
_FINGERS = text(
    """
    SELECT DISTINCT ON (c.number_index, t.position)
        c.number_index, t.id, t.card_id, t.modality, t.position, t.engine, t.template_sealed
    FROM templates AS t JOIN cards AS c ON c.id = t.card_id
    WHERE t.modality = 'finger' AND t.engine = :engine AND c.number_index = ANY(:numbers)
    ORDER BY c.number_index, t.position, t.created_at DESC, t.id
    """
)
_COUNTS = text(
    """
    SELECT count(*) FILTER (WHERE of_engine) AS people, count(*) FILTER (WHERE NOT of_engine) AS left_out
    FROM (
        SELECT bool_or(t.engine = :engine) AS of_engine
        FROM templates AS t JOIN cards AS c ON c.id = t.card_id
        WHERE t.modality = 'face' GROUP BY c.number_index
    ) AS everybody
    """
)
_HOLDING = text(
    """
    SELECT DISTINCT c.number_index
    FROM templates AS t JOIN cards AS c ON c.id = t.card_id
    WHERE t.modality = 'face' AND t.engine = :engine AND c.number_index = ANY(:numbers)
    """
)


class Stored(NamedTuple):
    """A stored template of a card."""

    id: UUID
    card_id: UUID
    modality: Modality
    position: str | None
    engine: str
    template_sealed: bytes


class Opener(Protocol):
    """What of a `Comparer` the reading of templates needs."""

    def opened(self, reference: Reference) -> Template:
        """See `Comparer.opened`."""


@dataclass(frozen=True)
class People:
    """Everybody with a face of the engine, by position: `register` what is searched, `numbers` (N,) and `templates`
    (N,) the raw bytes of the numbers' keyed hashes and of the templates' identifiers.

    `digest` (32 bytes) stands for all of it; `damaged` is how many faces did not open.
    """

    register: Register
    numbers: NDArray[np.void] = field(repr=False)
    templates: NDArray[np.void] = field(repr=False)
    digest: bytes
    damaged: int

    @classmethod
    def open(cls, folder: Path) -> "People | None":
        """What `read` wrote; None where it did not end, or is damaged."""
        try:
            digest, damaged = (folder / _DIGEST).read_text(encoding="ascii").split()
            register = Register.open(folder / _REGISTER)
            numbers = np.frombuffer((folder / _NUMBERS).read_bytes(), _NUMBER)
            templates = np.frombuffer((folder / _TEMPLATES).read_bytes(), _ID)
            found = cls(register, numbers, templates, bytes.fromhex(digest), int(damaged))
        except (OSError, ValueError, RegisterError):
            return None
        return found if len(register) == len(numbers) == len(templates) else None

    def number(self, position: int) -> bytes:
        """The keyed hash of somebody's number."""
        return bytes(self.numbers[position])

    def template(self, position: int) -> UUID:
        """The face that is compared."""
        return UUID(bytes=bytes(self.templates[position]))


@dataclass(frozen=True)
class Finger:
    """Somebody's newest template of a finger."""

    id: UUID
    template: FingerTemplate = field(repr=False)


def count(connection: Connection, engine: str) -> tuple[int, int]:
    """How many people hold a face of the engine, and how many hold faces of other engines only."""
    row = connection.execute(_COUNTS, {"engine": engine}).one()
    return row.people, row.left_out


def holding(connection: Connection, engine: str, numbers: Collection[bytes]) -> set[bytes]:
    """Those of the people, by the keyed hashes of their numbers, who hold a face of the engine now."""
    asked = {"engine": engine, "numbers": list(numbers)}
    return {bytes(number) for number in connection.execute(_HOLDING, asked).scalars()}


def forget(folder: Path) -> None:
    """Take a search's folder away."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


class Reading:
    """Reads everybody out of the database into a folder, once."""

    def __init__(self, keys: Keys, opener: Opener, face_engine: str, finger_engine: str, threads: int) -> None:
        self._keys = keys
        self._opener = opener
        self._engines = {"face_engine": face_engine, "finger_engine": finger_engine}
        self._threads = threads
        self._digest = hashlib.sha256()
        self._damaged = 0

    def read(self, connection: Connection, folder: Path, progress: Callable[[int], None]) -> People:
        """Read as of one moment. `progress` is told of so many people more. Raises `DatabaseUnavailable`, OSError."""
        forget(folder)
        folder.mkdir(parents=True, mode=0o700)
        engine = self._engines["face_engine"]
        with ExitStack() as stack:
            numbers, templates = (stack.enter_context((folder / name).open("wb")) for name in (_NUMBERS, _TEMPLATES))
            transform = transforms.of_galleries(connection, self._keys)
            blocks = self._blocks(connection, transform, numbers.write, templates.write)
            first = next(blocks, None)
            if first is None:
                Register.build(folder / _REGISTER, engine, ())
            else:
                Register.build(
                    folder / _REGISTER,
                    engine,
                    chain((first,), blocks),
                    dimensions=first.vectors.shape[1],
                    threads=self._threads,
                    progress=progress,
                )
        (folder / _DIGEST).write_text(f"{self._digest.hexdigest()} {self._damaged}", encoding="ascii")
        found = People.open(folder)
        if found is None:
            raise OSError(f"the files in {folder} are not as they were written")
        return found

    def _blocks(
        self,
        connection: Connection,
        transform: Transform,
        write_number: Callable[[bytes], Any],
        write_template: Callable[[bytes], Any],
    ) -> Iterator[Entries]:
        position = 0
        with connection.execute(
            _FACES, {**self._engines, "positions": list(POSITIONS)}, execution_options={"yield_per": CHUNK}
        ) as rows:
            for partition in rows.partitions():
                # In one journey for all of the partition.
                found = keys_of(self._keys, _sealed(partition))
                faces = [(row, face) for row in partition if (face := self._face(row, found, transform)) is not None]
                if not faces:
                    continue
                for row, _ in faces:
                    write_number(row.number_index)
                    write_template(row.id.bytes)
                    told = [row.number_index.hex(), str(row.id), str(row.finger_id), *(row.positions or ())]
                    self._digest.update(" ".join(told).encode() + b"\n")
                keys = np.arange(position, position + len(faces), dtype=np.int64)
                position += len(faces)
                vectors = np.stack([face.vector for _, face in faces])
                yield Entries(keys, vectors, [self._fingers(row, found) for row, _ in faces])

    def _face(self, row: Any, found: FoundKeys, transform: Transform) -> FaceTemplate | None:
        """Somebody's face under the transform; most are stored under it, but for what a renewal has not come to yet."""
        face = opened(self._keys, self._opener, row, found)
        if isinstance(face, FaceTemplate):
            try:
                return transforms.moved(self._keys, face, transform)
            except SealBroken:
                _log.error("a template %s is under a transform that is gone", row.id)
        self._damaged += 1
        return None

    def _fingers(self, row: Any, found: FoundKeys) -> dict[str, FingerTemplate | None]:
        """Somebody's positions, the first of them with its template."""
        given: dict[str, FingerTemplate | None] = dict.fromkeys(row.positions or ())
        if row.finger_id is not None:
            engine = self._engines["finger_engine"]
            place = row.finger_position
            first = Stored(row.finger_id, row.finger_card, "finger", place, engine, row.finger_sealed)
            template = opened(self._keys, self._opener, first, found)
            given[place] = template if isinstance(template, FingerTemplate) else None
        return given


def _sealed(rows: Iterable[Any]) -> Iterator[bytes]:
    for row in rows:
        yield row.template_sealed
        if row.finger_sealed is not None:
            yield row.finger_sealed


def fingers(
    connection: Connection, keys: Keys, opener: Opener, engine: str, numbers: Sequence[bytes]
) -> dict[bytes, dict[str, Finger]]:
    """The fingers of some people, by the keyed hashes of their numbers; what does not open is not there."""
    found: dict[bytes, dict[str, Finger]] = {number: {} for number in numbers}
    if not found:
        return found
    rows = connection.execute(_FINGERS, {"engine": engine, "numbers": list(found)}).all()
    known = keys_of(keys, (row.template_sealed for row in rows))
    for row in rows:
        template = opened(keys, opener, row, known)
        if isinstance(template, FingerTemplate):
            found[bytes(row.number_index)][row.position] = Finger(row.id, template)
    return found


def opened(keys: Keys, opener: Opener, row: Any, found: FoundKeys) -> Template | None:
    """A stored template, `found` being the keys of `keys_of`; None, and a line in the log, where it does not open."""
    modality: Modality = row.modality
    try:
        content = open_sealed(keys, row.template_sealed, context(row.id, row.card_id), found)
        position = None if row.position is None else FingerPosition(row.position)
        return opener.opened(Reference(modality, position, row.engine, content))
    except (SealBroken, BiometricError, ValueError) as error:
        _log.error("a template %s cannot be used: %s", row.id, type(error).__name__)
        return None
