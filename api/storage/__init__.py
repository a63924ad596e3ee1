"""PostgreSQL: the embedded server, connections, tables, migrations, keys and sealed values."""
