"""The storage of what a search found so far: its blocks that are done, and the pairs of people in them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from api.duplicates import searches
from api.duplicates.pairs import Pair
from api.duplicates.searches import SearchMoved
from api.storage.tables import duplicate_blocks, duplicate_candidates, duplicate_searches


def begin(connection: Connection, search: Row[Any], digest: bytes, blocks: int) -> Row[Any]:
    """Note which register is searched; gives the search's row. What was found in another one is forgotten."""
    forget(connection, search.id)
    return searches.change(connection, search.id, register_digest=digest, blocks=blocks)


def forget(connection: Connection, search_id: UUID) -> None:
    """Delete the blocks and pairs of a search."""
    for table in (duplicate_blocks, duplicate_candidates):
        connection.execute(delete(table).where(table.c.search_id == search_id))


def done(connection: Connection, search_id: UUID) -> set[int]:
    """The blocks that are searched."""
    blocks = select(duplicate_blocks.c.block).where(duplicate_blocks.c.search_id == search_id)
    return set(connection.execute(blocks).scalars())


def note(connection: Connection, search_id: UUID, block: int, pairs: Sequence[Pair]) -> None:
    """Keep what a block found, and that it is done. Raises `SearchMoved` where it was, or the search has ended."""
    held = select(duplicate_searches.c.state).where(duplicate_searches.c.id == search_id).with_for_update()
    noted = (
        upsert(duplicate_blocks)
        .values(search_id=search_id, block=block)
        .on_conflict_do_nothing()
        .returning(duplicate_blocks.c.block)
    )
    if connection.execute(held).scalar_one() != "running" or connection.execute(noted).first() is None:
        raise SearchMoved
    if pairs:
        connection.execute(insert(duplicate_candidates), [{"search_id": search_id, **one.row()} for one in pairs])


def found(connection: Connection, search_id: UUID) -> list[Pair]:
    """The pairs that a search found so far, the strongest first."""
    rows = connection.execute(
        select(duplicate_candidates)
        .where(duplicate_candidates.c.search_id == search_id)
        .order_by(duplicate_candidates.c.llr.desc(), duplicate_candidates.c.first, duplicate_candidates.c.second)
    )
    return [Pair.of_row(row) for row in rows]
