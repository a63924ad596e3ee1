"""Evidence that a check was made: a signed leaf for every act, in an append-only Merkle log that anybody can check."""
