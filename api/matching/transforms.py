"""The deployment's transforms of faces (ISO/IEC 24745, see `biometrics.face.transform`): which one is used for what is
stored now, and those by name that stored templates are under.

Each stands for a key in the store of record keys. Templates name theirs, so that several live side by side while
templates are renewed; those from before there were any name none, and are compared as they are.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, insert, select, text, update

from api.matching.comparison import EnrolledTemplate
from api.storage.database import Database
from api.storage.errors import SealBroken
from api.storage.keys import Keys
from api.storage.recordkeys import KeyGone, standing
from api.storage.tables import face_transforms
from biometrics.errors import InvalidTemplate
from biometrics.face import FaceTemplate, Transform
from biometrics.face.template import transform_of

# One at a time makes one.
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('face transforms', 0))")
# Held to the end of the transaction: who begins a renewal waits for those that store something under the former one.
_CURRENT = select(face_transforms.c.id).where(face_transforms.c.superseded_at.is_(None))
_RENEWED = (
    select(face_transforms.c.id)
    .where(face_transforms.c.renewed_at.is_not(None))
    .order_by(face_transforms.c.renewed_at.desc())
    .limit(1)
)


def prepare(database: Database, keys: Keys) -> None:
    """Have a transform for what will be stored. Raises `DatabaseUnavailable`, `MasterKeyUnavailable`."""
    with database.begin() as connection:
        if _usable(keys, connection.execute(_CURRENT).scalar_one_or_none()) is None:
            current(connection, keys)


def current(connection: Connection, keys: Keys) -> Transform:
    """What turns a template that is stored in this transaction; made where there is none.

    One whose key is gone (the database is of an earlier day than the store) is followed by a new one. Raises
    `DatabaseUnavailable`, `MasterKeyUnavailable`.
    """
    found = _usable(keys, connection.execute(_CURRENT.with_for_update(read=True)).scalar_one_or_none())
    if found is None:
        connection.execute(_ALONE)
        found = _usable(keys, connection.execute(_CURRENT).scalar_one_or_none())
    if found is None:
        found = supersede(connection, keys, renewed_at=connection.execute(select(func.clock_timestamp())).scalar_one())
    return found


def supersede(connection: Connection, keys: Keys, renewed_at: datetime | None = None) -> Transform:
    """Make the transform for all that is stored from the end of this transaction on.

    `renewed_at` None: what is stored already is to be renewed. Raises as `current`.
    """
    connection.execute(_ALONE)
    made, _ = keys.of_records.make()
    former = update(face_transforms).where(face_transforms.c.superseded_at.is_(None))
    connection.execute(former.values(superseded_at=func.clock_timestamp()))
    connection.execute(insert(face_transforms).values(id=made, renewed_at=renewed_at))
    return named(keys, made.hex)


def of_galleries(connection: Connection, keys: Keys) -> Transform:
    """What turns the vectors of galleries: that under which everything was renewed last, so that a gallery is made anew
    once for a renewal. Raises as `named`; not `KeyGone` after `prepare`."""
    renewed = _usable(keys, connection.execute(_RENEWED).scalar_one_or_none())
    return renewed or named(keys, connection.execute(_CURRENT).scalar_one().hex)


def name_of_galleries(connection: Connection) -> str | None:
    """The name of what `of_galleries` gives."""
    key_id = connection.execute(_RENEWED).scalar_one_or_none()
    return None if key_id is None else key_id.hex


def named(keys: Keys, name: str) -> Transform:
    """A transform by the name that templates have. Raises `KeyGone`, `SealBroken`, `DatabaseUnavailable`,
    `MasterKeyUnavailable`."""
    try:
        key_id = UUID(hex=name)
    except ValueError as error:
        raise SealBroken("a template names no transform of ours") from error
    return standing.of(keys, key_id, "face transform", lambda secret: Transform(name, secret))


def of_stored(keys: Keys, content: bytes) -> Transform | None:
    """The transform of a stored template; None for what was not turned. Raises as `named`, and `SealBroken` for a face
    template that is damaged."""
    try:
        name = transform_of(content)
    except InvalidTemplate as error:
        raise SealBroken("a face template is damaged") from error
    return named(keys, name) if name else None


def for_storage(
    connection: Connection, keys: Keys, enrolled: Sequence[EnrolledTemplate]
) -> list[tuple[bytes, UUID | None]]:
    """The bytes of templates as they are to be stored in this transaction: faces turned, with the transform's
    identifier. Raises as `current`, and InvalidTemplate for a damaged face."""
    faces = [transform_of(one.template) is not None for one in enrolled]
    transform = current(connection, keys) if any(faces) else None
    return [
        (one.template, None) if transform is None or not face else under(transform, one.template)
        for one, face in zip(enrolled, faces, strict=True)
    ]


def under(transform: Transform, content: bytes) -> tuple[bytes, UUID]:
    """A face template that was not turned, as it is stored under a transform. Raises InvalidTemplate."""
    return transform.turn(FaceTemplate.from_bytes(content)).to_bytes(), UUID(hex=transform.name)


def original(keys: Keys, content: bytes) -> bytes:
    """A stored template as it was made, to the last bit. Raises as `of_stored`."""
    transform = of_stored(keys, content)
    return content if transform is None else transform.back(FaceTemplate.from_bytes(content)).to_bytes()


def moved(keys: Keys, template: FaceTemplate, transform: Transform) -> FaceTemplate:
    """A stored template under another transform. Raises as `named`."""
    if template.transform not in {"", transform.name}:
        template = named(keys, template.transform).back(template)
    return transform.turn(template)


def like(keys: Keys, probe: FaceTemplate, reference: FaceTemplate) -> FaceTemplate:
    """A probe, turned as a stored template is. Raises as `named`."""
    return named(keys, reference.transform).turn(probe) if reference.transform else probe


def _usable(keys: Keys, key_id: UUID | None) -> Transform | None:
    try:
        return None if key_id is None else named(keys, key_id.hex)
    except KeyGone:
        return None
