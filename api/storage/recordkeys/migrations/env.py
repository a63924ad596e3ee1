"""Alembic's entry for the store of record keys: runs in the connection that `api.storage.migrate` hands over."""

from alembic import context

from api.storage.recordkeys.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
