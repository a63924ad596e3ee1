"""Whose verifications, cards, listed impostors and duplicates a caller sees: conditions for statements over the tables.

Kept in one place, so that a list and a single object cannot differ. What is not seen is not there.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, false, or_, select, true

from api.institutions.caller import Caller
from api.institutions.institutions import within
from api.institutions.roles import READ_ALL_ACCOUNTS, READ_ALL_IMPOSTORS, READ_BRANCHES, Scope
from api.storage.tables import (
    cards,
    duplicate_cases,
    duplicate_members,
    holds,
    impostors,
    overrides,
    principals,
    transactions,
    verifications,
)


def verifications_seen(caller: Caller) -> ColumnElement[bool]:
    """Terminals see what they decided themselves; operators what their institution did, and where they stood at the
    counter; others who may read verifications those of their institution and its branches."""
    if Scope.READ_VERIFICATIONS not in caller.scopes:
        own = verifications.c.terminal_id == caller.principal_id
        return own if Scope.VERIFY in caller.scopes else false()
    if caller.role in READ_BRANCHES:
        return within(verifications.c.institution_id, caller.institution_id)
    return or_(
        verifications.c.institution_id == caller.institution_id,
        verifications.c.operator_id == caller.principal_id,
    )


def cards_seen(caller: Caller) -> ColumnElement[bool]:
    """The cards that the caller's institution, or a branch of it, registered."""
    registrars = select(principals.c.id).where(within(principals.c.institution_id, caller.institution_id))
    return cards.c.registered_by.in_(registrars)


def impostors_seen(caller: Caller) -> ColumnElement[bool]:
    """Entries of the impostor list that the caller's institution, or a branch of it, made; an authority sees all."""
    if caller.role in READ_ALL_IMPOSTORS:
        return true()
    return within(impostors.c.institution_id, caller.institution_id)


def duplicates_seen(caller: Caller) -> ColumnElement[bool]:
    """Cases in which somebody holds a card that the caller's institution, or a branch of it, registered."""
    own = select(duplicate_members.c.case_id).join(cards, cards.c.number_index == duplicate_members.c.number_index)
    return duplicate_cases.c.id.in_(own.where(cards_seen(caller)))


def accounts_seen(caller: Caller, institution: ColumnElement[UUID]) -> ColumnElement[bool]:
    """What is accounted for at the institution in the column: one's own and its branches'; a regulator's is all."""
    if Scope.READ_ACCOUNTS not in caller.scopes:
        return false()
    return true() if caller.role in READ_ALL_ACCOUNTS else within(institution, caller.institution_id)


def transactions_seen(caller: Caller) -> ColumnElement[bool]:
    """Terminals see what they reported themselves; others as `accounts_seen`."""
    if Scope.REPORT_TRANSACTIONS in caller.scopes:
        return transactions.c.terminal_id == caller.principal_id
    return accounts_seen(caller, transactions.c.institution_id)


def overrides_seen(caller: Caller) -> ColumnElement[bool]:
    """Operators see their institution's and those that they entered; others as `accounts_seen`."""
    if Scope.READ_ACCOUNTS in caller.scopes:
        return accounts_seen(caller, overrides.c.institution_id)
    if Scope.OVERRIDE not in caller.scopes:
        return false()
    own = overrides.c.institution_id == caller.institution_id
    return or_(own, overrides.c.entered_by == caller.principal_id)


def holds_seen(caller: Caller) -> ColumnElement[bool]:
    """Legal holds that the caller's institution, or a branch of it, put on."""
    return within(holds.c.institution_id, caller.institution_id)
