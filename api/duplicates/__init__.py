"""One person, two identities: the register searched against itself, and the cases that people decide."""
