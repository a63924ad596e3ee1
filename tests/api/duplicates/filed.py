"""Cases as a search leaves them, for tests of what comes after it: nothing is compared."""

import hashlib
from uuid import UUID, uuid4

from sqlalchemy import select

from api.duplicates import progress, searches
from api.duplicates.filing import Filing
from api.duplicates.pairs import Pair
from api.duplicates.searches import Beginning, Terms
from api.institutions import acts, principals
from api.service import Service
from api.storage.tables import cards, duplicate_members

SCORES = {
    "fmr": 2.5e-7,
    "extrapolated": True,
    "face": {"score": 0.81, "llr": 8.25},
    "fingers": [{"position": "right_index", "score": 61.5, "llr": 6.5}],
}


def pair_of(first: bytes, second: bytes, kind: str = "same_person") -> Pair:
    """Two people, with templates that nobody else has."""
    low, high = sorted((first, second))
    return Pair(low, high, kind, 14.75, SCORES, hashlib.sha256(uuid4().bytes).digest())


def file_case(service: Service, key: str, *card_ids: str, reference: str = "Q-17", kind: str = "same_person") -> str:
    """A case of the holders of two cards, found by a search of whose key it is; gives its identifier."""
    with service.database.begin() as connection:
        caller = principals.authenticate(connection, key)
        assert caller is not None
        terms = Terms("face-1", "finger-1", 1.0)
        index = hashlib.sha256(uuid4().bytes).digest()
        begun = searches.begin(connection, service.keys, caller, Beginning("test", reference, index, terms, 1e-4, 2, 0))
        named = {"actor_id": caller.principal_id, "institution_id": caller.institution_id, "subject_id": begun.id}
        acts.record(connection, service.keys, "duplicates_search_begun", details=searches.begun(begun), **named)
        progress.begin(connection, begun, bytes(32), 1)
        held = select(cards.c.number_index).where(cards.c.id.in_([UUID(one) for one in card_ids]))
        first, second = connection.execute(held).scalars()
        filed = Filing(connection, service.keys, caller, begun).file([pair_of(first, second, kind)])
        ended = searches.end(connection, begun.id, "finished", damaged=0, opened=filed.opened, changed=filed.changed)
        acts.record(connection, service.keys, "duplicates_search_finished", details=searches.finished(ended), **named)
        made = select(duplicate_members.c.case_id).where(duplicate_members.c.number_index == first)
        (case_id,) = connection.execute(made).scalars()
    return str(case_id)
