"""The model packs that this version knows, and how they stand on this machine."""

from typing import Literal

from api.errors.catalogue import Text
from api.standing.schemas import PackAnswer, PackFileAnswer
from models import catalogue, store
from models.catalogue import Pack
from models.errors import ModelError, PackMissing
from models.manifest import Manifest


def known() -> list[PackAnswer]:
    """Every pack of the catalogue. Reads manifests and no networks: an answer must not hash a hundred megabytes."""
    return [_shown(pack) for pack in catalogue.packs()]


def _shown(pack: Pack) -> PackAnswer:
    state, manifest = _stands(pack)
    held = {} if manifest is None else manifest.files
    return PackAnswer(
        name=pack.name,
        version=pack.version,
        purpose=pack.purpose,
        purpose_words=Text(zh=pack.purpose_zh, en=pack.purpose),
        licence=pack.licence,
        research_only=pack.research_only,
        default=pack.default,
        state=state,
        source=str(pack.source),
        files=[
            PackFileAnswer(name=one.name, sha256=held[one.name].sha256 if one.name in held else None)
            for one in pack.files
        ],
    )


def _stands(pack: Pack) -> tuple[Literal["installed", "missing", "outdated", "damaged"], Manifest | None]:
    try:
        manifest = store.read_manifest(pack.name)
    except PackMissing:
        return "missing", None
    except ModelError:
        return "damaged", None
    return "installed" if manifest.version == pack.version else "outdated", manifest
