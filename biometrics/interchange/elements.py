"""XML of unknown origin as a small tree, within bounds that hold while it is parsed.

Documents with a type definition are refused, and entities with them: nothing is expanded, and nothing fetched
(`defusedxml`). Elements of other namespaces than the one asked for are passed over with what is in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from biometrics.errors import InvalidRecord
from biometrics.interchange.parameters import (
    FED_BYTES,
    MAX_ATTRIBUTES,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_ENVELOPE_BYTES,
    MAX_NAME,
    MAX_TAG_BYTES,
)
from biometrics.interchange.reader import MALFORMED


@dataclass
class Element:
    """An element by its local name. `text` is what stands in it outside of its children, without the white space
    around."""

    name: str
    attributes: Mapping[str, str]
    children: list[Element] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        """See the class."""
        return "".join(self.pieces).strip()

    def first(self, name: str) -> Element | None:
        """The first child of a name, None without one."""
        return next((one for one in self.children if one.name == name), None)


def parse(data: bytes, namespace: str) -> Element:
    """The root of a document; elements without a namespace count as those of `namespace`.

    Raises InvalidRecord: `record_too_large`; `record_malformed` for what is no such XML, has a type definition, goes
    deeper or on for longer than any record, or has longer tags or names or more attributes.
    """
    if len(data) > MAX_ENVELOPE_BYTES:
        raise InvalidRecord("record_too_large", f"more than {MAX_ENVELOPE_BYTES} bytes")
    target = _Target(namespace)
    parser = XMLParser(target=target, forbid_dtd=True)
    try:
        _feed(parser, data)
        parser.close()
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        # `from None`: a parser's message may quote what the file holds. LookupError is an unknown encoding.
        raise InvalidRecord(MALFORMED, "it is no such XML") from None
    if target.root is None:
        raise InvalidRecord(MALFORMED, "its outermost element is another")
    return target.root


def _feed(parser: XMLParser, data: bytes) -> None:
    """In pieces, so that a tag without an end is noticed before the parser makes something of it. Text is passed on as
    it comes, however long it is."""
    for start in range(0, len(data), FED_BYTES):
        piece = data[start : start + FED_BYTES]
        parser.feed(piece)
        if start + len(piece) - parser.parser.CurrentByteIndex > MAX_TAG_BYTES:
            raise InvalidRecord(MALFORMED, "a tag is too long")


class _Target:
    """What the parser tells of the document, as it goes."""

    def __init__(self, namespace: str) -> None:
        self.root: Element | None = None
        self._prefix: Final = f"{{{namespace}}}"
        self._open: list[Element] = []
        self._foreign = self._count = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) + self._foreign >= MAX_DEPTH:
            raise InvalidRecord(MALFORMED, "it is too deep or has too many elements")
        if len(attributes) > MAX_ATTRIBUTES:
            raise InvalidRecord(MALFORMED, "it has too many attributes")
        if any(len(name) > MAX_NAME for name in (tag, *attributes)):
            raise InvalidRecord(MALFORMED, "a name is too long")
        name = tag.removeprefix(self._prefix)
        if self._foreign or name.startswith("{"):
            self._foreign += 1
            return
        element = Element(name, attributes)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _: str) -> None:
        """An element ends."""
        if self._foreign:
            self._foreign -= 1
        else:
            self._open.pop()

    def data(self, text: str) -> None:
        """Text of the innermost element."""
        if not self._foreign and self._open:
            self._open[-1].pieces.append(text)

    def close(self) -> None:
        """The document ends."""
