"""What MOSIP sends: `{version, request}`, in which `request` is base64 of a JSON object.

That object is parsed within bounds of its own, for those of the HTTP body see base64 alone.
"""

import base64
import binascii
import json
from typing import Any

from api.biosdk.parameters import MAX_BRACKETS, MAX_QUOTES, SPECIFICATION
from api.biosdk.statuses import unknown_version, unreadable


def opened(body: bytes) -> dict[str, Any]:
    """The object inside a request. Raises RequestRefused: another specification, or nothing that can be read."""
    outer = _object(body)
    if outer.get("version") != SPECIFICATION:
        raise unknown_version()
    inner = outer.get("request")
    if not isinstance(inner, str):
        raise unreadable()
    try:
        return _object(base64.b64decode(inner, validate=True))
    except (binascii.Error, ValueError):
        raise unreadable() from None


def _object(data: bytes) -> dict[str, Any]:
    if data.count(b"{") + data.count(b"[") > MAX_BRACKETS or data.count(b'"') > MAX_QUOTES:
        raise unreadable()
    try:
        # ValueError stands for no JSON, no UTF-8 and numbers of thousands of digits alike.
        found = json.loads(data)
    except (ValueError, RecursionError):
        raise unreadable() from None
    if not isinstance(found, dict):
        raise unreadable()
    return found
