"""The tree made again from the leaves' hashes, tile by tile, each compared with the stored one."""

from sqlalchemy import Connection, func, select

from api.evidence import merkle, tiles
from api.evidence.fsck.report import Report
from api.evidence.parameters import HASH_BYTES, TILE_WIDTH
from api.storage.tables import evidence_tiles


class Tree:
    """Its right edge. A tile is compared when it is full, or when the log ends."""

    def __init__(self, connection: Connection, report: Report) -> None:
        self._connection = connection
        self._report = report
        self._frontier = merkle.Frontier()
        self._open: list[bytearray] = []
        self._index: list[int] = []

    @property
    def size(self) -> int:
        """Leaves so far."""
        return self._frontier.size

    def add(self, digest: bytes) -> None:
        """Add a leaf's hash."""
        self._frontier.add(digest)
        self._add(digest, 0)

    def add_missing(self) -> None:
        """Go on as if the leaf of the next place were there: with the hash that the tile has, so that the damage does
        not hide what comes after it."""
        index, offset = divmod(self.size, TILE_WIDTH)
        found = (self._stored(0, index) or b"")[offset * HASH_BYTES : (offset + 1) * HASH_BYTES]
        self.add(found.ljust(HASH_BYTES, b"\0"))

    def root(self) -> bytes:
        """The root over everything added."""
        return self._frontier.root()

    def finish(self) -> None:
        """Compare the tiles that are not full, and see that there are no others."""
        for level, content in enumerate(self._open):
            if content:
                self._compare(level)
        stored: int = self._connection.execute(select(func.count()).select_from(evidence_tiles)).scalar_one()
        if stored != self._report.tiles:
            self._report.add(f"tiles: {stored} are stored, the leaves make {self._report.tiles}")

    def _add(self, digest: bytes, level: int) -> None:
        if level == len(self._open):
            self._open.append(bytearray())
            self._index.append(0)
        self._open[level] += digest
        if len(self._open[level]) == TILE_WIDTH * HASH_BYTES:
            self._compare(level)
            full = tiles.fold(self._open[level])
            self._open[level] = bytearray()
            self._index[level] += 1
            self._add(full, level + 1)

    def _compare(self, level: int) -> None:
        index, made = self._index[level], bytes(self._open[level])
        found = self._stored(level, index)
        self._report.tiles += 1
        if found is None:
            self._report.add(f"tile {level}/{index}: it is missing")
        elif found != made:
            offset = next((at for at in range(len(made)) if made[at : at + 1] != found[at : at + 1]), len(made))
            self._report.add(f"tile {level}/{index}: hash {offset // HASH_BYTES} is not what the leaves make")

    def _stored(self, level: int, index: int) -> bytes | None:
        found: bytes | None = self._connection.execute(
            select(evidence_tiles.c.hashes).where(evidence_tiles.c.level == level, evidence_tiles.c.index == index)
        ).scalar_one_or_none()
        return found
