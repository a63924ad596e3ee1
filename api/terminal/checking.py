"""Checking a card against what a terminal holds."""

from datetime import datetime

from .answer import Answer, Verdict
from .card import Card
from .clock import age_s, is_stale
from .holding import Holding, View
from .journal import Delta
from .naming import card_tag
from .parameters import STALE_AFTER_S


def check(holding: Holding, card: Card, stale_after_s: float = STALE_AFTER_S) -> Answer:
    """The answer for a card, from memory alone. It never raises for what a card says."""
    # The view first: whatever the follower adds meanwhile, the number named is then the lower one.
    seq, as_of, view = holding.seq, holding.as_of, holding.view
    if view is None or seq is None or as_of is None:
        return Answer(Verdict.REVIEW, "no_data", None, None, None, True)
    now = holding.service_time()
    age = age_s(as_of, now)
    stale = is_stale(age, stale_after_s)
    # Where the clock lies, what had expired when the list was made has expired.
    reason = _fault(view, card, now or max(as_of, holding.clock.wall()), as_of)
    if reason is None and stale:
        reason = "stale"
    verdict = Verdict.NOT_LISTED if reason is None else Verdict.REVIEW
    return Answer(verdict, reason or "not_listed", seq, as_of, age, stale)


def _fault(view: View, card: Card, now: datetime, as_of: datetime) -> str | None:
    if not card.has_sound_number():
        return "card_unreadable"
    try:
        tag = card_tag(view.key, card.number, card.issuer, card.valid_from, card.valid_to)
    except UnicodeEncodeError:
        return "card_unreadable"
    found = view.look_up(tag)
    if isinstance(found, Delta):
        if found.invalid:
            return found.status
    elif found:
        return "listed"
    return card.fault_by_date(max(now, as_of))
