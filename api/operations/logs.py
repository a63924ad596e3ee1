"""What the process writes to its error stream, as text or as JSON: every line of ours and of libraries in one form.

Of a record go out its time, level, logger and message, the facts of a request (`requests.py`), and of an exception its
type and place. An exception's text may hold what a customer sent, and so may whatever else a library hangs on a record:
neither leaves. That is why the formatter is ours: a library's writes both unless each is taken out by its name.
"""

import json
import logging
import logging.config
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal

Form = Literal["text", "json"]
REQUEST = "request_facts"
"""The attribute of a record that holds the facts of a request."""

# They write an address for every question to another register and every message sent, or each migration.
_QUIET = ("alembic", "httpx", "httpcore")


class TextFormatter(logging.Formatter):
    """A line for people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line; facts behind the message, as `name=value`."""
        told = [f"{self.formatTime(record)} {record.levelname} {record.name} {record.getMessage()}"]
        told += [f"{name}={value}" for name, value in facts_of(record).items()]
        if (failed := exception_of(record)) is not None:
            told.append(f"exception={failed['type']} at={failed['at']}")
        return _one_line(" ".join(told))


class JsonFormatter(logging.Formatter):
    """A line for machines: one JSON object (RFC 8259), times in UTC (RFC 3339)."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **facts_of(record),
        }
        if (failed := exception_of(record)) is not None:
            told["exception"] = failed
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def set_up(form: Form, level: str) -> None:
    """Everything that is logged goes to the error stream in one form, warnings of libraries too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    for former in root.handlers[:]:
        if isinstance(former.formatter, TextFormatter | JsonFormatter):
            root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """The facts of a request, none for other records."""
    told = getattr(record, REQUEST, None)
    return told if isinstance(told, dict) else {}


def exception_of(record: logging.LogRecord) -> dict[str, str] | None:
    """An exception's type and the place that raised it; never its text."""
    if not record.exc_info or record.exc_info[0] is None:
        return None
    kind, _, trace = record.exc_info
    return {"type": kind.__name__, "at": place(trace)}


def place(trace: TracebackType | None) -> str:
    """File and line of the innermost frame."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _one_line(text: str) -> str:
    """A record is a line: what it quotes must not make another one."""
    return text.replace("\r", "\\r").replace("\n", "\\n")
