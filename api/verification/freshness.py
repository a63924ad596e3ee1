"""Are the captures fresh: the terminal's own nonce, unused and in time, and a stamp that lies within its life."""

from datetime import timedelta

from api.settings import Settings
from api.verification.nonces import Found
from api.verification.request import VerificationRequest


def fault(settings: Settings, request: VerificationRequest, nonce: Found) -> str | None:
    """The code of what makes the captures unacceptable as fresh ones; None when they are."""
    ahead = timedelta(seconds=settings.capture_max_ahead_s)
    if request.captured_at < nonce.now - timedelta(seconds=settings.capture_max_age_s):
        return "capture_stale"
    if request.captured_at > nonce.now + ahead:
        return "capture_from_future"
    if nonce.issued_at is None or nonce.expires_at is None:
        return "nonce_unknown"
    if nonce.used:
        return "nonce_reused"
    if nonce.expires_at <= nonce.now:
        return "nonce_expired"
    # Taken before anybody could know the nonce: a stored capture. A terminal's clock may be off by as much as ahead.
    return "capture_stale" if request.captured_at < nonce.issued_at - ahead else None
