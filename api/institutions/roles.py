"""Roles, and what each may do. A key may hold less than its principal's role allows, never more."""

from enum import StrEnum


class Role(StrEnum):
    """Who signs in: a device at a counter or kiosk, an issuing authority's system, or a member of staff."""

    TERMINAL = "terminal"
    AUTHORITY = "authority"
    OPERATOR = "operator"
    SUPERVISOR = "supervisor"
    REGULATOR = "regulator"
    EVALUATOR = "evaluator"
    ADMINISTRATOR = "administrator"


class Scope(StrEnum):
    """A right. Whose data it reaches is another question: the caller's institution and its branches, unless said."""

    VERIFY = "verify"
    """Ask for nonces, verify, read one's own decisions."""
    READ_VERIFICATIONS = "read_verifications"
    REGISTER_CARDS = "register_cards"
    REPORT_CARDS = "report_cards"
    READ_CARDS = "read_cards"
    MANAGE_PRINCIPALS = "manage_principals"
    """Terminals, people and their keys."""
    MANAGE_INSTITUTIONS = "manage_institutions"
    """Institutions everywhere, and the first supervisor of each."""
    HANDLE_ALERTS = "handle_alerts"
    READ_EVIDENCE = "read_evidence"
    """Leaves of the evidence log: a regulator's of all institutions, an evaluator's of its own."""
    FOLLOW_FEED = "follow_feed"
    """Every change of a card's status, by the card's tag, and the key of the tags. It names cards to those who read
    them (`READ_CARDS`), their own and their branches'."""
    MANAGE_WEBHOOKS = "manage_webhooks"
    """Where the feed is sent to for one's institution and its branches."""
    MANAGE_IMPOSTORS = "manage_impostors"
    """Put people on the impostor list, approve what somebody else entered, take them off: one's institution's entries
    and its branches', an authority's all."""
    READ_CASES = "read_cases"
    """Read of an entry of the impostor list, and of an alert that names one, which case it belongs to."""
    SEARCH_DUPLICATES = "search_duplicates"
    """Search the whole register against itself for persons with two identities: a right of its own, for it compares
    everybody with everybody. It shows no case by itself."""
    READ_DUPLICATES = "read_duplicates"
    """Read the cases that such searches made, of cards of one's institution and its branches."""
    DECIDE_DUPLICATES = "decide_duplicates"
    """Decide those cases."""
    REPORT_TRANSACTIONS = "report_transactions"
    """Tell of one's business transactions and the checks that they rest on."""
    OVERRIDE = "override"
    """Go on in spite of a decision of one's institution, and say why."""
    APPROVE_OVERRIDES = "approve_overrides"
    """Answer for an override that somebody else entered, as the second person."""
    SERVE_HOLDERS = "serve_holders"
    """Tell holders who were just verified what checks were made of them, and take their disputes."""
    RESOLVE_DISPUTES = "resolve_disputes"
    """Resolve disputes of checks that one's institution or a branch of it made."""
    HOLD_DATA = "hold_data"
    """Keep data past their time, for a court or an authority, and say that a hold may end: what one sees, and the
    records of one's institution and its branches, a regulator's of all. A second person ends it."""
    READ_ACCOUNTS = "read_accounts"
    """What was left out and what was gone past, and the figures of it: one's institution's and its branches', a
    regulator's of all."""


ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.TERMINAL: frozenset({Scope.VERIFY, Scope.FOLLOW_FEED, Scope.REPORT_TRANSACTIONS, Scope.SERVE_HOLDERS}),
    Role.AUTHORITY: frozenset(
        {
            Scope.REGISTER_CARDS,
            Scope.REPORT_CARDS,
            Scope.READ_CARDS,
            Scope.HANDLE_ALERTS,
            Scope.FOLLOW_FEED,
            Scope.MANAGE_WEBHOOKS,
            Scope.MANAGE_IMPOSTORS,
            Scope.READ_CASES,
            Scope.SEARCH_DUPLICATES,
            Scope.READ_DUPLICATES,
            Scope.DECIDE_DUPLICATES,
            Scope.HOLD_DATA,
        }
    ),
    Role.OPERATOR: frozenset({Scope.READ_VERIFICATIONS, Scope.OVERRIDE}),
    Role.SUPERVISOR: frozenset(
        {
            Scope.READ_VERIFICATIONS,
            Scope.MANAGE_PRINCIPALS,
            Scope.HANDLE_ALERTS,
            Scope.MANAGE_WEBHOOKS,
            Scope.MANAGE_IMPOSTORS,
            Scope.READ_CASES,
            Scope.OVERRIDE,
            Scope.APPROVE_OVERRIDES,
            Scope.RESOLVE_DISPUTES,
            Scope.READ_ACCOUNTS,
            Scope.HOLD_DATA,
        }
    ),
    Role.REGULATOR: frozenset({Scope.READ_EVIDENCE, Scope.FOLLOW_FEED, Scope.READ_ACCOUNTS, Scope.HOLD_DATA}),
    Role.EVALUATOR: frozenset({Scope.READ_EVIDENCE}),
    Role.ADMINISTRATOR: frozenset({Scope.MANAGE_INSTITUTIONS, Scope.MANAGE_PRINCIPALS}),
}

# Whose key a counter terminal may send beside its own: the member of staff who stands there.
AT_THE_COUNTER = frozenset({Role.OPERATOR})

# Whom each role makes, and gives keys to. What somebody may give is bounded by `grantable` too.
MAKES: dict[Role, frozenset[Role]] = {
    Role.SUPERVISOR: frozenset({Role.TERMINAL, Role.OPERATOR, Role.SUPERVISOR}),
    Role.ADMINISTRATOR: frozenset(
        {Role.AUTHORITY, Role.SUPERVISOR, Role.REGULATOR, Role.EVALUATOR, Role.ADMINISTRATOR}
    ),
}

# Roles that act on, or read, what belongs to the whole deployment: made only by who manages all of it.
DEPLOYMENT_WIDE = frozenset({Role.AUTHORITY, Role.REGULATOR, Role.ADMINISTRATOR})

# Whom each role disables, and whose keys it revokes: an administrator stops a stolen key wherever it is.
ENDS: dict[Role, frozenset[Role]] = {
    Role.SUPERVISOR: MAKES[Role.SUPERVISOR],
    Role.ADMINISTRATOR: frozenset(Role),
}

# What makes an administrator who can undo every mistake, and of whom one has to stay.
FULL_ADMINISTRATION = frozenset({Scope.MANAGE_INSTITUTIONS, Scope.MANAGE_PRINCIPALS})


def makes(role: Role, scopes: frozenset[Scope]) -> frozenset[Role]:
    """The roles that somebody of `role`, signed in with `scopes`, makes and gives keys to: who reaches no further than
    their own institution makes nobody who does."""
    made = MAKES.get(role, frozenset())
    return made if Scope.MANAGE_INSTITUTIONS in scopes else made - DEPLOYMENT_WIDE


def grantable(role: Role, scopes: frozenset[Scope], to: Role) -> frozenset[Scope]:
    """The rights that somebody of `role`, signed in with `scopes`, may give to somebody of the role `to`.

    Rights that are the giver's own role's are given only where the key in use holds them, so that a narrow key cannot
    make a wider one; the others (a supervisor does not verify, but answers for the terminals) as the role allows.
    """
    if to not in makes(role, scopes):
        return frozenset()
    return ROLE_SCOPES[to] - (ROLE_SCOPES[role] - scopes)


READ_BRANCHES = frozenset({Role.SUPERVISOR})
"""Whose `READ_VERIFICATIONS` reaches the branches of their institution; others' ends at their own."""

READ_ALL_EVIDENCE = frozenset({Role.REGULATOR})
"""Who reads the evidence of all institutions, where `READ_EVIDENCE` is held."""

READ_ALL_IMPOSTORS = frozenset({Role.AUTHORITY})
"""Who reaches the entries of the impostor list that any institution made."""

READ_ALL_ACCOUNTS = frozenset({Role.REGULATOR})
"""Who reads the accounts of all institutions, where `READ_ACCOUNTS` is held."""
