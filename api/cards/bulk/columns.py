"""What a file of cards holds: one row a card, these columns, the same in all formats."""

REQUIRED = ("number", "issuer", "valid_from", "valid_to")
OPTIONAL = ("serial", "type", "text", "status")
COLUMNS = (*REQUIRED, *OPTIONAL)
