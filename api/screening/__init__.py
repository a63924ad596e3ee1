"""The list of known impostors, and the screening of every verification against it."""
