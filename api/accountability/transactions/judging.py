"""Did this business need a check, and does the check that it names carry it? Pure: rows in, a cause or none out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from uuid import UUID

from api.accountability.parameters import CLOCK_SKEW_S
from api.verification.policy import KindPolicy, TransactionsPolicy


class Cause(StrEnum):
    """Why a transaction that needed a check is an omission."""

    NO_CHECK = "no_check"
    CHECK_UNKNOWN = "check_unknown"
    CHECK_OF_ANOTHER_TERMINAL = "check_of_another_terminal"
    CHECK_OF_ANOTHER_PURPOSE = "check_of_another_purpose"
    CHECK_AFTER_TRANSACTION = "check_after_transaction"
    CHECK_TOO_OLD = "check_too_old"
    CHECK_USED = "check_used"
    CHECK_NOT_PASSED = "check_not_passed"
    OVERRIDE_TOO_LATE = "override_too_late"


@dataclass(frozen=True)
class Business:
    """A transaction as a terminal tells of it: what kind, when it was done, and which check it rests on."""

    terminal_id: UUID
    institution_id: UUID
    kind: str
    done_at: datetime
    verification_id: UUID | None


@dataclass(frozen=True)
class Check:
    """What is known of the verification that a transaction names. `used`: another transaction rests on it already;
    `overridden_at`: when a second person approved that somebody went past it."""

    terminal_id: UUID
    institution_id: UUID
    decision: str
    purpose: str
    decided_at: datetime
    used: bool = False
    overridden_at: datetime | None = None


def rule_of(policy: TransactionsPolicy, kind: str) -> KindPolicy | None:
    """What the policy says of a kind; None where it does not know the kind and refuses such."""
    known = policy.kinds.get(kind)
    if known is not None or policy.unknown == "refuse":
        return known
    check: Literal["required", "not_required"] = policy.unknown
    return KindPolicy(check=check)


def omission(business: Business, rule: KindPolicy, check: Check | None, max_age_s: int) -> Cause | None:
    """Why the business lacks its check, None where it has it or needs none; the first cause that holds is told.

    `max_age_s` is the policy's, for kinds that have none of their own. What another house checked is not there.
    """
    if rule.check == "not_required":
        return None
    if business.verification_id is None:
        return Cause.NO_CHECK
    if check is None or check.institution_id != business.institution_id:
        return Cause.CHECK_UNKNOWN
    latest = business.done_at + timedelta(seconds=CLOCK_SKEW_S)
    earliest = business.done_at - timedelta(seconds=rule.max_age_s or max_age_s)
    faults = {
        Cause.CHECK_OF_ANOTHER_TERMINAL: check.terminal_id != business.terminal_id,
        Cause.CHECK_OF_ANOTHER_PURPOSE: rule.purposes is not None and check.purpose.lower() not in rule.purposes,
        Cause.CHECK_AFTER_TRANSACTION: check.decided_at > latest,
        Cause.CHECK_TOO_OLD: check.decided_at < earliest,
        Cause.CHECK_USED: check.used,
        Cause.CHECK_NOT_PASSED: check.decision != "PASS" and check.overridden_at is None,
        Cause.OVERRIDE_TOO_LATE: check.overridden_at is not None and check.overridden_at > latest,
    }
    return next((cause for cause, holds in faults.items() if holds), None)
