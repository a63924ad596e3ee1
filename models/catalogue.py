"""The catalogue: which packs there are, under which licence, from where, and how their bytes are recognised."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from .errors import UnknownPack


@dataclass(frozen=True)
class InputContract:
    """What a network wants to be fed: tensor name, shape (float32; names are free dimensions) and its meaning."""

    name: str
    shape: tuple[int | str, ...]
    meaning: str


@dataclass(frozen=True)
class ModelFile:
    """One network of a pack, or the weights of one that this project computes itself: these take no `input`.

    `member` is its path in the source; `member_sha256` the hash there and `sha256` the hash as installed, both hex and
    both None where the catalogue pins no bytes (research-only packs); `conversion` names a recipe of `conversion`.
    """

    name: str
    member: str
    conversion: str
    member_sha256: str | None
    sha256: str | None
    input: InputContract | None

    @property
    def suffix(self) -> str:
        """The ending of the installed file's name."""
        return ".onnx" if self.input else ".safetensors"


@dataclass(frozen=True)
class RegistrySource:
    """A file of the configured package index: project, file name, hex SHA-256 and size in bytes."""

    project: str
    filename: str
    sha256: str
    size: int
    kind: Literal["registry"] = "registry"

    def __str__(self) -> str:
        return f"package index: {self.filename}"


@dataclass(frozen=True)
class DirectorySource:
    """A pack without a place in a package index; `origin` says whose work it is."""

    origin: str
    kind: Literal["directory"] = "directory"

    def __str__(self) -> str:
        return f"directory: {self.origin}"


@dataclass(frozen=True)
class Pack:
    """A set of networks that are installed together.

    `purpose` says in English what it is for, `purpose_zh` in Chinese. `research_only` packs may not be used
    commercially; `default` ones are fetched when no name is given.
    """

    name: str
    version: str
    purpose: str
    purpose_zh: str
    licence: str
    research_only: bool
    default: bool
    source: RegistrySource | DirectorySource
    files: tuple[ModelFile, ...]

    @property
    def remedy(self) -> str:
        """The sentence that tells how to get the pack, or get it again."""
        if self.source.kind == "registry":
            return f"Fetch it: renzheng models pull {self.name}"
        return "Add it from a directory that holds its files: renzheng models add DIR"

    def file(self, name: str) -> ModelFile:
        """The file called `name`. Raises UnknownPack."""
        for file in self.files:
            if file.name == name:
                return file
        known = ", ".join(file.name for file in self.files)
        raise UnknownPack(f"The pack '{self.name}' has no file '{name}'. It has: {known}.")


def packs() -> tuple[Pack, ...]:
    """Every pack of the catalogue, in its order."""
    return tuple(_load().values())


def default_packs() -> tuple[Pack, ...]:
    """The packs that the service needs, all free for commercial use."""
    return tuple(pack for pack in packs() if pack.default)


def find(name: str) -> Pack:
    """The pack called `name`. Raises UnknownPack, whose text lists the names there are."""
    try:
        return _load()[name]
    except KeyError:
        known = ", ".join(_load())
        raise UnknownPack(
            f"There is no model pack '{name}'. Known packs: {known} (see: renzheng models list)."
        ) from None


@functools.cache
def _load() -> dict[str, Pack]:
    text = resources.files(__package__).joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {pack.name: pack for pack in map(_pack, tomllib.loads(text)["pack"])}


def _pack(entry: dict[str, Any]) -> Pack:
    source = dict(entry["source"])
    kind = source.pop("kind")
    return Pack(
        name=entry["name"],
        version=entry["version"],
        purpose=entry["purpose"],
        purpose_zh=entry["purpose_zh"],
        licence=entry["licence"],
        research_only=entry.get("research_only", False),
        default=entry.get("default", False),
        source=RegistrySource(**source) if kind == "registry" else DirectorySource(**source),
        files=tuple(map(_file, entry["file"])),
    )


def _file(entry: dict[str, Any]) -> ModelFile:
    contract = entry.get("input")
    return ModelFile(
        name=entry["name"],
        member=entry["member"],
        conversion=entry["conversion"],
        member_sha256=entry.get("member_sha256"),
        sha256=entry.get("sha256"),
        input=contract and InputContract(contract["name"], tuple(contract["shape"]), contract["meaning"]),
    )
