"""Our own register's findings, from what was read of it under the lock."""

from api.cards.identity import CardIndexes
from api.matching.comparison import ModalityResult
from api.population.findings import Answer, Finding
from api.verification.document import Document, RegisteredCard


def findings(
    *,
    number_known: bool,
    card: RegisteredCard | None,
    shown: CardIndexes | None,
    document: Document | None,
    portrait_asked: bool,
    portrait: ModalityResult | None,
    match_fmr: float,
) -> Answer:
    """Put what was found on its axes; `shown` and `document` are None where only the number was asked about."""
    number = Finding.CONSISTENT if number_known else Finding.NO_RECORD
    if shown is None or document is None:
        return Answer(number)
    if card is None:
        # The number is there, and no card of it has these dates and this issuer.
        missing = Finding.INCONSISTENT if number_known else Finding.NO_RECORD
        text = None if shown.text is None else Finding.UNDETERMINED
        return Answer(number, missing, None, text, {}, Finding.UNDETERMINED if portrait_asked else None)
    fields = _fields(card, shown)
    return Answer(
        number,
        Finding.INCONSISTENT if "serial_mismatch" in document.reasons else Finding.CONSISTENT,
        document.status,
        None if shown.text is None else _together(fields),
        fields,
        _portrait(portrait, match_fmr) if portrait_asked else None,
        document.since,
    )


def _fields(card: RegisteredCard, shown: CardIndexes) -> dict[str, Finding]:
    if shown.text is None or card.text_index is None:
        return {}
    return {
        name: Finding.CONSISTENT if card.text_index.get(name) == value else Finding.INCONSISTENT
        for name, value in shown.text.items()
    }


def _together(fields: dict[str, Finding]) -> Finding:
    if not fields:
        return Finding.UNDETERMINED
    return Finding.INCONSISTENT if Finding.INCONSISTENT in fields.values() else Finding.CONSISTENT


def _portrait(result: ModalityResult | None, match_fmr: float) -> Finding:
    if result is None or result.fmr is None:
        return Finding.UNDETERMINED
    # Said so that no figure at all counts as different.
    return Finding.CONSISTENT if result.fmr <= match_fmr else Finding.INCONSISTENT
