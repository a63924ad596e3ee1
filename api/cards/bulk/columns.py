"""What a file of cards holds: one row a card, these columns, the same in all formats.

`id` is the register's own name of the card, by which its events are reported: exports write it, imports pass it over.
"""

REQUIRED = ("number", "issuer", "valid_from", "valid_to")
OPTIONAL = ("serial", "type", "text", "status", "id")
COLUMNS = (*REQUIRED, *OPTIONAL)
