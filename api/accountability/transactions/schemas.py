"""The requests and answers of the transactions' routes."""

import re
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from api.accountability.parameters import MOST_AT_ONCE
from api.accountability.transactions import references
from api.accountability.transactions.judging import Cause
from api.accountability.transactions.reporting import Told
from api.cards.schemas import Strict
from api.evidence.schemas import ReceiptAnswer
from api.http.fields import Instant, bad_value

# It stands in the evidence for years, where no name and no number may be.
_KIND = re.compile(r"[a-z](?:[a-z_]|[0-9]{1,5}(?![0-9])){0,63}")


def _reference(value: str) -> str:
    if not references.sound(value):
        raise bad_value("transaction_reference_invalid")
    return value


def _kind(value: str) -> str:
    if _KIND.fullmatch(value) is None or len(value) > 64:
        raise bad_value("transaction_kind_unknown")
    return value


Reference = Annotated[
    str,
    AfterValidator(_reference),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[!-~]{1,64}$",
            "description": "The transaction's own number in your books: once for an institution, no citizen's number.",
        }
    ),
]
Kind = Annotated[
    str,
    AfterValidator(_kind),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]{0,63}$",
            "description": "As the policy names it, such as account_opening.",
        }
    ),
]


class TransactionBody(Strict):
    """A business transaction that was done."""

    reference: Reference
    kind: Kind
    done_at: Instant = Field(description="When it was done, with time zone; within the last 35 days.")
    verification: UUID | None = Field(default=None, description="The check that it rests on, made at this terminal.")

    def told(self) -> Told:
        """The request in the domain's form."""
        return Told(self.reference, self.kind, self.done_at, self.verification)


class TransactionsBody(Strict):
    """Business transactions that were done."""

    transactions: tuple[TransactionBody, ...] = Field(min_length=1, max_length=MOST_AT_ONCE)


class TransactionSummary(BaseModel):
    """A transaction, and whether it lacks its check."""

    id: UUID
    institution_id: UUID
    terminal_id: UUID
    kind: str
    done_at: datetime
    reported_at: datetime
    verification_id: UUID | None = Field(description="The check that it names, which may not be there.")
    check_required: bool = Field(description="Whether the policy asked for a check when it was reported.")
    omission: Cause | None = Field(description="Why it lacks the check that it needed; null: it does not.")
    policy_version: str
    leaf_hash: str = Field(description="Of its leaf: `GET /v1/evidence/inclusion/{leaf_hash}` proves it.")


class TransactionReported(TransactionSummary):
    """A transaction after its report."""

    reported_before: bool = Field(description="Whether this reference was reported earlier, in the same words.")
    receipt: ReceiptAnswer | None = Field(description="Null where it was reported before and its leaf is archived.")


class TransactionsReported(BaseModel):
    """What was recorded, in the order of the report."""

    items: list[TransactionReported]


class TransactionAnswer(TransactionSummary):
    """A transaction with its reference."""

    reference: str | None = Field(description="Null for those who read the accounts of all institutions.")


class TransactionsPage(BaseModel):
    """Transactions, the last done first."""

    items: list[TransactionAnswer]
    next: UUID | None = Field(description="To be sent as `after` for those that follow; null at the end.")
