"""Recomputes the whole log from its leaves and says what is damaged, and where."""

from api.evidence.fsck.check import check, count, freeze, steps
from api.evidence.fsck.report import Kept, Report

__all__ = ["Kept", "Report", "check", "count", "freeze", "steps"]
