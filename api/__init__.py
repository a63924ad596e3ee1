"""The service: cards and their status, verification, evidence, storage, HTTP and the command line."""
