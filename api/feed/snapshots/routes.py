"""`GET /v1/feed/snapshot`: the newest snapshot, whole or from a byte on."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from starlette.responses import Response

from api.errors import ServiceError
from api.feed.routes import FollowerDep
from api.feed.snapshots import publishing
from api.feed.snapshots.parameters import BLOCK_BYTES, RETRY_AFTER_S
from api.feed.snapshots.publishing import Published
from api.http.limits import LIMITED
from api.http.signin import ServiceDep
from api.terminal.naming import key_id

router = APIRouter(prefix="/v1/feed", tags=["feed"])

_RANGE = re.compile(r"bytes=([0-9]{1,18})-([0-9]{0,18})")
_MEDIA_TYPE = "application/octet-stream"
_FILE = {"content": {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}}


@router.get(
    "/snapshot",
    response_class=Response,
    responses={
        200: {**_FILE, "description": "The file, in the form of docs/offline.md; 206: the part that was asked for."},
    },
    dependencies=LIMITED,
    summary="All invalid cards at one number of the feed, as a signed filter",
)
def snapshot(
    service: ServiceDep,
    caller: FollowerDep,  # noqa: ARG001 - the right is the caller's
    if_none_match: Annotated[str, Header(description="The `ETag` of the one that is known.")] = "",
    range_: Annotated[str, Header(alias="Range", description="`bytes=N-`, to go on after N bytes.")] = "",
    if_range: Annotated[str, Header(description="The `ETag` of the one that was begun.")] = "",
) -> Response:
    """Follow the feed from its number on. Verify it before use, as `api/terminal` does. Every replica sends the same
    bytes; `Repr-Digest` is of the whole file, also where a part is sent (RFC 9530)."""
    with service.database.begin() as connection:
        newest = publishing.newest(connection, key_id(service.keys.feed))
    if newest is None:
        raise ServiceError("snapshot_not_ready", retry_after_s=RETRY_AFTER_S)
    tag = f'"{newest.sha256.hex()}"'
    headers = {"ETag": tag, "Accept-Ranges": "bytes"}
    if _names(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    path = service.snapshots.copies.file(newest)
    headers["Repr-Digest"] = _digest(newest.sha256)
    part = _part(range_, newest) if if_range in {"", tag} else None
    if part is None:
        headers["Content-Digest"] = _digest(newest.sha256)
        return _sent(path, range(newest.size), headers, 200)
    headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{newest.size}"
    # No digest of a part: whoever asks for many would have the rest of the file read for each.
    return _sent(path, part, headers, 206)


def _sent(path: Path, part: range, headers: dict[str, str], status: int) -> Response:
    headers["Content-Length"] = str(len(part))
    return StreamingResponse(_blocks(path, part), status, headers, _MEDIA_TYPE)


def _blocks(path: Path, part: range) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(part.start)
        left = len(part)
        while left and (block := file.read(min(left, BLOCK_BYTES))):
            left -= len(block)
            yield block


def _part(asked: str, newest: Published) -> range | None:
    """The part that was asked for; None for the whole: what is no range of one part is passed over, as it may be."""
    form = _RANGE.fullmatch(asked)
    if form is None or int(form[1]) >= newest.size:
        return None
    last = min(int(form[2]), newest.size - 1) if form[2] else newest.size - 1
    return range(int(form[1]), last + 1) if last >= int(form[1]) else None


def _names(if_none_match: str, tag: str) -> bool:
    named = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return "*" in named or tag in named


def _digest(sha256: bytes) -> str:
    return f"sha-256=:{base64.b64encode(sha256).decode()}:"
