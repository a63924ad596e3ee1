"""Overrides: somebody goes on in spite of REVIEW or REFUSE, says why, and a second person answers for it too."""
