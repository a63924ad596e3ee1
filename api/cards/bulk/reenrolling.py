"""Moves the faces of registered cards to the recogniser in use: new templates of pictures that are supplied again.

Templates of two recognisers never compare, and none can be made of the other. So whoever changes the pack (or comes
from an older engine) supplies the pictures again: a folder with `CARD.jpg`, or a folder `CARD/` of several, CARD being
the card's identifier; or a CSV with the columns `card` and `picture`, a line a picture. A card is a transaction, with
its event and leaf. A card whose template is of this recogniser already is passed over, which is what makes a run that
was broken off go on where it was.

Cards that came from a file hold no face. They are given their first one in the same way where that is asked for: it is
another event, and only of cards that are good.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from api.cards import holdings, register, templates
from api.cards.bulk.reading import FileUnusable
from api.cards.leaves import event_leaf
from api.cards.lifecycle import Event, EventNotPossible
from api.cards.refusals import CODES
from api.cards.register import CardUnknown
from api.evidence import leaves
from api.institutions import credentials
from api.institutions.caller import Caller
from api.institutions.sight import cards_seen
from api.matching import duplicates
from api.matching.comparison import EnrolledTemplate
from api.matching.digests import digest_of
from api.matching.engines import SAME_PERSON_FMR
from api.storage.database import Database
from api.storage.keys import Keys
from api.storage.tables import cards
from api.storage.tables import templates as stored
from biometrics.errors import InvalidImage, NotAssessable
from biometrics.face import FaceEngine, FaceTemplate
from biometrics.face.parameters import SUFFICIENT_SIDE
from biometrics.images import decode
from biometrics.scoring.calibration import Calibration

MOST_PICTURES = 10
_KINDS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".jp2"})

OnFault = Callable[[str, str], None]
"""Told of what is left out: the card's identifier as it was given, and the code."""


@dataclass(frozen=True)
class Pictures:
    """The pictures of one card."""

    card: str
    files: tuple[Path, ...] = field(repr=False)


@dataclass(frozen=True)
class Tally:
    """How many cards got a new template, had one already, and were left out."""

    made: int = 0
    there: int = 0
    left_out: int = 0


class _Left(Exception):
    """A card is left out; the text is the code."""


def supplied(source: Path) -> Iterator[Pictures]:
    """The pictures of a folder or a CSV, card by card. Raises FileUnusable."""
    if source.is_dir():
        yield from _of_folder(source)
        return
    files: dict[str, list[Path]] = {}
    try:
        with source.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            if not {"card", "picture"} <= set(lines.fieldnames or ()):
                raise FileUnusable(
                    "首行须列出 card 和 picture 两列。 The first line must name the columns card and picture."
                )
            for line in lines:
                files.setdefault((line["card"] or "").strip(), []).append(source.parent / (line["picture"] or ""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise FileUnusable("不是 CSV 文件。 It is no CSV file.") from error
    yield from (Pictures(card, tuple(some)) for card, some in files.items())


def re_enrol(
    database: Database,
    keys: Keys,
    caller: Caller,
    engine: FaceEngine,
    calibration: Calibration,
    source: Path,
    on_fault: OnFault,
    on_progress: Callable[[Tally], None] = lambda _: None,
    *,
    first: bool = False,
) -> Tally:
    """Give every card of `source` a face template of `engine`, with `first` also those that hold none.

    Raises FileUnusable, KeyRevoked and DatabaseUnavailable. Left out, each with its code: `card_unknown` (also another
    authority's), `no_reference` (the card holds no face, and `first` was not asked for), `card_not_valid` (it holds
    none and is not good), `capture_missing` (the picture cannot be read, or there are too many), a code of
    `InvalidImage` or `NotAssessable`, `pictures_disagree` (the card's pictures are not of one person).
    """
    tally = Tally()
    for pictures in supplied(source):
        try:
            if _move(database, keys, caller, engine, calibration, pictures, first=first):
                tally = replace(tally, made=tally.made + 1)
            else:
                tally = replace(tally, there=tally.there + 1)
        except _Left as error:
            tally = replace(tally, left_out=tally.left_out + 1)
            on_fault(pictures.card, str(error))
        on_progress(tally)
    return tally


def _of_folder(folder: Path) -> Iterator[Pictures]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            files = tuple(sorted(file for file in entry.iterdir() if file.suffix.lower() in _KINDS))
            yield Pictures(entry.name, files)
        elif entry.suffix.lower() in _KINDS:
            yield Pictures(entry.stem, (entry,))


def _move(
    database: Database,
    keys: Keys,
    caller: Caller,
    engine: FaceEngine,
    calibration: Calibration,
    pictures: Pictures,
    *,
    first: bool,
) -> bool:
    """One card; False where there is nothing to do."""
    try:
        card_id = UUID(pictures.card)
    except ValueError as error:
        raise _Left("card_unknown") from error
    held = _held(database, caller, card_id)
    if held == engine.engine:
        return False
    if held is None and not first:
        raise _Left("no_reference")
    made, digests = _template(engine, calibration, pictures)
    enrolled = EnrolledTemplate("face", None, engine.engine, made.to_bytes(), float(made.quality))
    with database.begin() as connection:
        credentials.hold(connection, caller)
        try:
            # Under the card's lock: somebody may have given it a face meanwhile.
            recorded = register.report(connection, card_id, _event(held), None, caller)
        except (CardUnknown, EventNotPossible) as error:
            raise _Left(CODES[type(error)]) from error
        if held is None and templates.has_face(connection, card_id):
            raise _Left("face_enrolled")
        templates.replace_face(connection, keys, card_id, enrolled)
        recorded = holdings.record(connection, keys, recorded)
        duplicates.keep(connection, keys, digests)
        leaf = event_leaf(caller, recorded)
        leaves.append(connection, keys, "card_event", recorded.id, recorded.recorded_at, leaf)
    return True


def _event(held: str | None) -> Event:
    return Event.FACE_ADDED if held is None else Event.FACE_RE_ENROLLED


def _held(database: Database, caller: Caller, card_id: UUID) -> str | None:
    """The engine of the card's face template, None where it holds none."""
    face = (stored.c.card_id == cards.c.id) & (stored.c.modality == "face")
    with database.begin() as connection:
        row = connection.execute(
            select(stored.c.engine)
            .select_from(cards.outerjoin(stored, face))
            .where(cards.c.id == card_id, cards_seen(caller))
        ).first()
    if row is None:
        raise _Left("card_unknown")
    engine: str | None = row.engine
    return engine


def _template(
    engine: FaceEngine, calibration: Calibration, pictures: Pictures
) -> tuple[FaceTemplate, tuple[bytes, ...]]:
    """One template of all the pictures, and the pictures' digests."""
    if not 0 < len(pictures.files) <= MOST_PICTURES:
        raise _Left("capture_missing")
    made: list[FaceTemplate] = []
    digests: list[bytes] = []
    for file in pictures.files:
        try:
            rgb = decode(file.read_bytes(), sufficient_side=SUFFICIENT_SIDE).rgb
            made.append(engine.extract_pixels(rgb))
        except OSError as error:
            raise _Left("capture_missing") from error
        except InvalidImage as error:
            raise _Left(error.code) from error
        except NotAssessable as error:
            raise _Left(error.reason) from error
        digests.append(digest_of(rgb))
    for first, second in combinations(made, 2):
        if calibration.assess(engine.compare(first, second)).fmr > SAME_PERSON_FMR:
            raise _Left("pictures_disagree")
    return engine.consolidate(made), tuple(dict.fromkeys(digests))
