"""The service as a whole: its rate, and what it promises under faults."""
