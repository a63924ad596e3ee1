"""The step that lets faces be turned: up and down with what is there, and not down once a face was turned."""

import pytest
from sqlalchemy import text

from api.storage import migrate
from tests.api.conftest import NewDatabase
from tests.api.storage.test_migrate import populated, rows


def test_it_goes_down_until_a_face_was_turned(new_database: NewDatabase) -> None:
    database = populated(new_database)
    migrate.upgrade(database, "0020")
    before = rows(database)
    migrate.upgrade(database, "0021")
    migrate.downgrade(database, "0020")
    assert rows(database) == before
    migrate.upgrade(database, "0021")
    with database.begin() as connection:
        connection.execute(text("UPDATE templates SET transform_id = gen_random_uuid()"))
    with pytest.raises(RuntimeError, match="an older version cannot compare"):
        migrate.downgrade(database, "0020")
