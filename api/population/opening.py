"""The other register that the settings name, opened at start."""

import re

from api.population.findings import PopulationRegister
from api.population.remote import RemoteRegister
from api.settings import Settings

_KEY = re.compile(r"[\x21-\x7e]{1,512}")


class RegisterKeyUnusable(Exception):
    """The key for the other register cannot be read from its file, or is none; the text says which file."""


def open_register(settings: Settings) -> PopulationRegister | None:
    """The register, None where none is configured. Nothing is asked yet. Raises `RegisterKeyUnusable`."""
    url, path = settings.register_url, settings.register_key_file
    if url is None or path is None:
        return None
    try:
        key = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RegisterKeyUnusable(f"{path}: the register's key cannot be read: {type(error).__name__}") from error
    if _KEY.fullmatch(key) is None:
        raise RegisterKeyUnusable(f"{path}: this holds no key; one line with the key is expected")
    return RemoteRegister(url, key, timeout_s=settings.register_timeout_s)
