"""A decision as the metrics count it: what was decided, where, and for which reasons; nothing of whom."""

from typing import Any

from api.operations.metrics import counters


def decision(answer: dict[str, Any], channel: str) -> None:
    """Count a decision that was committed, from its answer: each of its reasons once."""
    reasons = {reason for axis in ("document", "person") for reason in answer[axis]["reasons"]}
    counters.decided(answer["decision"], channel, reasons)
