"""Whether a row is held, as SQL: for what removes rows by the thousand."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Reach:
    """By what a row of `t` is held, as SQL over it: the hashes of the persons' numbers (an expression or a query), the
    institution whose record it is, the identifiers of cases that it belongs to. None: by nothing of the kind."""

    persons: str | None = None
    institution: str | None = None
    cases: tuple[str, ...] = ()


NOTHING = Reach()


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
