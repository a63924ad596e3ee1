"""What can go wrong with a model pack; every text says what to do about it."""


class ModelError(Exception):
    """A model pack cannot be had, trusted or used.

    `code` is stable and meant for machines; the text is for the person at the console and names the remedy.
    """

    code = "model_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class UnknownPack(ModelError):
    """The catalogue holds no such pack, or the pack no such file."""

    code = "pack_unknown"


class PackMissing(ModelError):
    """The pack is not installed."""

    code = "pack_missing"


class PackDamaged(ModelError):
    """An installed file is absent or its SHA-256 is not the recorded one."""

    code = "pack_damaged"


class PackOutdated(ModelError):
    """The installed pack was made by another version of the catalogue or of the converter."""

    code = "pack_outdated"


class HashMismatch(ModelError):
    """A fetched or offered file is not the one that the catalogue pins."""

    code = "hash_mismatch"


class ArchiveDamaged(ModelError):
    """A fetched archive cannot be read, or lacks the file that the pack needs."""

    code = "archive_damaged"


class FetchFailed(ModelError):
    """No configured package index delivered the pinned file."""

    code = "fetch_failed"


class ConversionFailed(ModelError):
    """A network does not have the structure that its conversion was written for."""

    code = "conversion_failed"


class NotFetchable(ModelError):
    """The pack stands in no package registry; it is added from a directory."""

    code = "pack_not_fetchable"


class UnknownDirectory(ModelError):
    """The directory offered to `renzheng models add` holds no known pack."""

    code = "directory_unknown"


class InstallFailed(ModelError):
    """The pack could not be written to disk."""

    code = "install_failed"
