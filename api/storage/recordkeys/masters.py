"""The master keys that this process can use: files, the environment, a key management service.

Old and new are accepted side by side, and the store says which one wraps what is new: so no replica has to be restarted
for a rotation, and none wraps under a key that another one does not have yet.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from api.settings import Settings, keys_in_text
from api.storage.errors import KeyUnavailable, MasterKeyUnavailable
from api.storage.keys import KEY_BYTES, Keys, secret_file
from api.storage.recordkeys.transit import TransitMasterKey
from api.storage.recordkeys.wrapping import LocalMasterKey, MasterKey, master_id

_FILE = "master-{}.key"
_FIRST, _NEW = "master.key", ".master.new"


class MasterKeys:
    """By their names; the first is used where nothing else was ever chosen.

    A name that is not known is looked for in `folder` again: a file that was put there a moment ago counts.
    """

    def __init__(self, given: Iterable[MasterKey], folder: Path | None = None) -> None:
        self._known = {one.id: one for one in given}
        self._folder = folder
        self.first = next(iter(self._known))

    def named(self, name: str) -> MasterKey:
        """A master key. Raises `MasterKeyUnavailable` for one that this process does not have."""
        found = self._known.get(name) or self._of_file(name)
        if found is None:
            raise MasterKeyUnavailable(f"the master key {name} is not among those of this process")
        self._known[name] = found
        return found

    def names(self) -> list[str]:
        """Those that are known, and those of files."""
        files = [] if self._folder is None else self._folder.glob(_FILE.format("*"))
        return sorted({*self._known, *(path.stem.partition("-")[2] for path in files)})

    def _of_file(self, name: str) -> MasterKey | None:
        if self._folder is None or not name.isalnum():
            return None
        path = self._folder / _FILE.format(name)
        try:
            secret = path.read_bytes()
        except OSError:
            return None
        return LocalMasterKey(secret) if len(secret) == KEY_BYTES and master_id(secret) == name else None


def of_deployment(settings: Settings, keys: Keys) -> MasterKeys:
    """Those that the settings name, `keys/master.key` first. Raises `KeyUnavailable`."""
    given: list[MasterKey] = [LocalMasterKey(keys.master)]
    if settings.master_keys is not None:
        given += [LocalMasterKey(one) for one in keys_in_text(settings.master_keys.get_secret_value())]
    if settings.transit_url is not None:
        given.append(TransitMasterKey.open(settings))
    return MasterKeys(given, settings.keys_dir)


def new_file(folder: Path) -> str:
    """Make a master key in a file of its own, which is on disk when this returns; gives its name.

    Raises `KeyUnavailable`.
    """
    waiting = folder / _NEW
    name = master_id(secret_file(waiting))
    try:
        waiting.rename(folder / _FILE.format(name))
    except OSError as error:
        raise KeyUnavailable(f"the new master key cannot be put into its place: {error.strerror}") from error
    return name


def remove_file(folder: Path, name: str, chosen: str) -> bool:
    """Delete the file of a master key that wraps nothing any more; whether there was one.

    In the place of `master.key`, which is made where it is missing, comes the `chosen` one, or where that is in no file
    one that wraps nothing. Raises `KeyUnavailable`.
    """
    first, path = folder / _FIRST, folder / _FILE.format(name)
    there = path.exists()
    path.unlink(missing_ok=True)
    if master_id(secret_file(first)) != name:
        return there
    other = folder / _FILE.format(chosen)
    new = folder / _NEW
    if other.exists():
        new.unlink(missing_ok=True)
        os.link(other, new)
    else:
        secret_file(new)
    new.replace(first)
    return True
