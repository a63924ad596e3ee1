"""Pure computation: bytes and arrays in, templates and scores out. No network, no database, no web, no clock."""
