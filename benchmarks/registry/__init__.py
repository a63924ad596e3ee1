"""How many decisions a second registers of many cards allow."""
