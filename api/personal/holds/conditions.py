"""Whether a row is held, as SQL: for what removes rows by the thousand."""

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True)
class Reach:
    """By what a row of `t` is held, as SQL over it: the hashes of the persons' numbers (an expression or a query), the
    institution whose record it is, the identifiers of cases that it belongs to. None: by nothing of the kind."""

    persons: str | None = None
    institution: str | None = None
    cases: tuple[str, ...] = ()


NOTHING = Reach()

_LOCK = "hashtextextended('holds', 0)"
_REMOVING = text(f"SELECT pg_advisory_xact_lock_shared({_LOCK})")
_PLACING = text(f"SELECT pg_advisory_xact_lock({_LOCK})")


def removing(connection: Connection) -> None:
    """For who removes, before what is held is looked for: until the transaction ends nobody is told that a hold stands.

    Else a hold could be put on, and answered, between the look and the commit. Before the number's register is entered.
    """
    connection.execute(_REMOVING)


def placing(connection: Connection) -> None:
    """For who puts a hold on: those who are removing are waited for, and who comes later finds it."""
    connection.execute(_PLACING)


def held(reach: Reach) -> str:
    """A condition: a hold that is not lifted keeps the row. An institution's keeps its branches' records too."""
    ways = [] if reach.persons is None else [f"hold.number_index IN ({reach.persons})"]
    if reach.institution is not None:
        path = f"SELECT unnest(place.path) FROM institutions AS place WHERE place.id = ({reach.institution})"  # noqa: S608 - our own words
        ways.append(f"(hold.subject = 'institution' AND hold.subject_id IN ({path}))")
    ways += [f"hold.subject_id = {case}" for case in reach.cases]
    if not ways:
        return "false"
    return f"EXISTS (SELECT FROM holds AS hold WHERE hold.state <> 'lifted' AND ({' OR '.join(ways)}))"
