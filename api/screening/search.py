"""Screening a verification: are the people who showed themselves on the impostor list?

There is no other way to search the list: what is searched for are the probes of a verification, and what comes of it
stands in its decision and its evidence, with the purpose and the number that the list had.
"""

import logging
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from api.matching import transforms
from api.matching.captures import Modality
from api.matching.comparison import PersonResult, Probe
from api.screening import records, templates
from api.screening.gallery import Found
from api.service import Service
from api.storage.errors import StorageError
from api.storage.lines import Line
from api.storage.recordkeys.envelopes import keys_of
from api.storage.recordkeys.store import FoundKeys
from api.verification.request import VerificationRequest
from biometrics.face import FaceTemplate
from biometrics.face.template import similarity

_log = logging.getLogger(__name__)

HIT, UNAVAILABLE = "screening_hit", "screening_unavailable"
UNTOLD = frozenset({HIT, UNAVAILABLE})
"""Reasons that are for the operator, and that no customer is told."""


@dataclass(frozen=True)
class Hit:
    """An entry that a probe matched, and who entered it."""

    impostor_id: UUID
    institution_id: UUID


@dataclass(frozen=True)
class Screening:
    """What a search came to. `sequence`: the number of the list that it knew of; `day`: on which entries were good.

    `not_screened`: there was nothing to search for. `unavailable`: there was, and it could not be done.
    """

    status: Literal["screened", "not_screened", "unavailable"]
    sequence: int
    day: date
    modalities: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()

    @property
    def reason(self) -> str | None:
        """The code that keeps a decision from being PASS; None where nothing does."""
        if self.hits:
            return HIT
        return UNAVAILABLE if self.status == "unavailable" else None

    def as_json(self) -> dict[str, Any]:
        """As it stands in the answer and in the evidence; of whom it hit nothing."""
        return {"status": self.status, "sequence": self.sequence, "modalities": list(self.modalities)}


def wanted(service: Service, sequence: int) -> frozenset[Modality]:
    """Of which captures a search needs probes, as of a number of the list; asked before they are looked at."""
    gallery = service.impostors.gallery
    try:
        if gallery.sequence < sequence:
            with service.database.single() as connection:
                gallery.catch_up(connection, sequence)
    except Exception as error:  # noqa: BLE001 - the search meets it too, and says what comes of it
        _log.error("the impostors' gallery is behind: %s", type(error).__name__)
    return gallery.searched


def screen(service: Service, request: VerificationRequest, person: PersonResult, sequence: int, day: date) -> Screening:
    """Search the list as of a number, or a later one. What cannot be done is `unavailable`, whatever the cause."""
    try:
        gallery = service.impostors.gallery
        if gallery.sequence < sequence:
            with service.database.single() as connection:
                gallery.catch_up(connection, sequence)
        found = gallery.search(person.probes, day)
        if not found.candidates:
            return _screened(request, person, found, day, _Confirmed())
        with service.database.single() as connection:
            return _screened(request, person, found, day, _confirmed(connection, service, found))
    except Exception as error:  # noqa: BLE001 - one gallery's fault must not take the decision with it
        _log.error("a verification was not screened: %s", type(error).__name__)
        return Screening("unavailable", sequence, day)


def renewed(
    line: Line,
    service: Service,
    request: VerificationRequest,
    person: PersonResult | None,
    screened: Screening | None,
    sequence: int,
    day: date,
) -> Screening:
    """The screening as of the moment of the decision: what was approved or removed since the search counts too.

    `person` None: the number is locked; what was found before that stays. Raises what the database raises: then there
    is no decision.
    """
    if screened is not None and (screened.sequence, screened.day) == (sequence, day):
        return screened
    if person is None:
        return Screening("not_screened", sequence, day) if screened is None else screened
    try:
        gallery = service.impostors.gallery
        gallery.catch_up(line.full, sequence)
        found = gallery.search(person.probes, day)
        return _screened(request, person, found, day, _confirmed(line.full, service, found))
    except (StorageError, DBAPIError):
        raise
    except Exception as error:  # noqa: BLE001 - as above
        _log.error("a verification was not screened: %s", type(error).__name__)
        return Screening("unavailable", sequence, day)


class _Confirmed(NamedTuple):
    """The candidates that are hits; `unread`: there is one whose template does not open, and who may be one too."""

    hits: tuple[Hit, ...] = ()
    unread: bool = False


def _screened(
    request: VerificationRequest, person: PersonResult, found: Found, day: date, confirmed: _Confirmed
) -> Screening:
    modalities = tuple(dict.fromkeys(probe.modality for probe in found.probes))
    if confirmed.unread or _missed(request, person):
        return Screening("unavailable", found.sequence, day, modalities, confirmed.hits)
    return Screening("screened" if modalities else "not_screened", found.sequence, day, modalities, confirmed.hits)


def _missed(request: VerificationRequest, person: PersonResult) -> bool:
    """Whether a capture gave no probe for another reason than its own quality."""
    captured: set[tuple[str, str | None]] = {("finger", one.position) for one in request.captures.fingers}
    if request.captures.face is not None:
        captured.add(("face", None))
    probed = {(probe.modality, probe.position) for probe in person.probes}
    return any(
        (one.modality, one.position) in captured - probed and (one.assessed or one.reason == "engine_failed")
        for one in person.modalities
    )


def _confirmed(connection: Connection, service: Service, found: Found) -> _Confirmed:
    """The candidates that are on the list at this moment, and whose templates, compared as any two, match."""
    wanted = sorted({key for _, _, keys in found.candidates for key in keys})
    if not wanted:
        return _Confirmed()
    rows = records.CANDIDATES.run(connection, keys=wanted).fetchall()
    found_keys = keys_of(service.keys, (row.template_sealed for row in rows))
    reached = [
        (Hit(row.id, row.institution_id), _reaches(service, probe, row, threshold, found_keys))
        for probe, threshold, keys in found.candidates
        for row in rows
        if row.listed_seq in keys and row.modality == probe.modality
    ]
    hits = tuple(dict.fromkeys(hit for hit, does in reached if does))
    return _Confirmed(hits, unread=any(does is None for _, does in reached))


def _reaches(service: Service, probe: Probe, row: Any, threshold: float, keys: FoundKeys) -> bool | None:
    """Whether a candidate is a hit; None where the template does not open: nobody is let through by a lost key."""
    if not isinstance(probe.template, FaceTemplate):
        return True  # the accurate comparison was made when it was searched
    reference = templates.opened(service.keys, service.comparer, row, keys)
    if not isinstance(reference, FaceTemplate):
        return None
    return similarity(transforms.like(service.keys, probe.template, reference), reference) >= threshold
