"""Templates of an unfinished run, so that it goes on where it stopped. They are biometrics: gone when it ends."""

import hashlib
import shutil
from pathlib import Path
from threading import get_ident
from typing import Any

from api.evaluation.engines import Engine

_FAILED = b"failed "


class Kept:
    """A folder with one file for each image that is done, named by what made it and the image's bytes.

    So a changed image, or another engine, is worked off anew. Only the user may read it.
    """

    def __init__(self, folder: Path, engine: Engine) -> None:
        if engine.dump is None or engine.load is None:
            raise ValueError(f"templates of {engine.name} cannot be kept")
        self._folder, self._dump, self._load = folder, engine.dump, engine.load
        self._made_by = engine.made_by or engine.name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def done(self) -> int:
        """How many images are done: their files are whole, others have an ending."""
        return sum(not path.suffix for path in self._folder.iterdir())

    def find(self, image: bytes) -> Any:
        """The template, a reason as `str` for an image that gave none, or None for an image that was not done."""
        try:
            content = self._path(image).read_bytes()
        except FileNotFoundError:
            return None
        return content[len(_FAILED) :].decode() if content.startswith(_FAILED) else self._load(content)

    def keep(self, image: bytes, template: Any) -> None:
        """Keep a template, or a reason as `str`; whole or not at all."""
        content = _FAILED + template.encode() if isinstance(template, str) else self._dump(template)
        path = self._path(image)
        # Two threads may work off two copies of one image.
        unfinished = path.with_suffix(f".{get_ident()}")
        unfinished.write_bytes(content)
        unfinished.replace(path)

    def discard(self) -> None:
        """The run is finished."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, image: bytes) -> Path:
        return self._folder / hashlib.sha256(self._made_by.encode() + b"\0" + image).hexdigest()
