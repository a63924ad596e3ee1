"""The disk below the home, and below the embedded database."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from api.operations.doctor.findings import Finding, found
from api.operations.doctor.parameters import DISK_ERROR_BYTES, DISK_WARNING_BYTES, DISK_WARNING_SHARE, GIB
from api.operations.doctor.subject import Subject

_MADE = ("impostors", "snapshots")
"""Folders in the home that a replica writes, whose database is elsewhere."""


def home(examined: Subject) -> Iterator[Finding]:
    """It is there, and ours to write in."""
    folder = examined.settings.home
    if not folder.exists():
        yield found("home_missing", path=folder)
    elif not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        yield found("home_unusable", path=folder)
    else:
        # A container's home may be read-only, but for what the service makes there.
        for path in (folder,) if examined.settings.database_url is None else (folder / name for name in _MADE):
            if not os.access(path if path.exists() else folder, os.W_OK):
                yield found("home_read_only", path=path)


def space(examined: Subject) -> Iterator[Finding]:
    """Room to write; where home and database share a disk it is told once."""
    told: set[int] = set()
    for path in (examined.settings.home, *_database(examined)):
        place = _nearest(path)
        device = place.stat().st_dev
        if device in told:
            continue
        told.add(device)
        free, total = shutil.disk_usage(place).free, shutil.disk_usage(place).total
        facts = {"path": path, "free": f"{free / GIB:.1f}"}
        if free < DISK_ERROR_BYTES:
            yield found("disk_full", **facts)
        elif free < DISK_WARNING_BYTES and free < DISK_WARNING_SHARE * total:
            yield found("disk_nearly_full", **facts)


def inodes(examined: Subject) -> Iterator[Finding]:
    """A disk can be full of small files."""
    told = os.statvfs(_nearest(examined.settings.home))
    if told.f_files and told.f_favail < DISK_WARNING_SHARE * told.f_files:
        yield found("disk_few_inodes", path=examined.settings.home, free=told.f_favail)


def _database(examined: Subject) -> list[Path]:
    """The embedded database's folder; where another server keeps its data is not known here."""
    return [examined.settings.database_dir] if examined.settings.database_url is None else []


def _nearest(path: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(one for one in (path, *path.absolute().parents) if one.exists())


CHECKS = (home, space, inodes)
