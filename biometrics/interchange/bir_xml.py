"""A BIR in XML, as ISO/IEC 19785-3 lays it out (edition 2) and MOSIP writes it, with MOSIP's `others` behind.

`read` takes the elements of a BIR in any order, for writers are found that have one of their own, and passes over what
it does not know; `write` keeps the order of the schema.

The standard has binary forms of the envelope too, for smart cards (BER-TLV) and for a fixed record. They are not here:
a chip's minutiae come without an envelope (`biometrics.finger.interchange`), and no system that this one stands beside
writes the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from xml.etree import ElementTree as Tree

from biometrics.errors import InvalidRecord
from biometrics.interchange import bir_values as values
from biometrics.interchange.birs import BdbInfo, Bir, BirInfo, Level, Purpose, Quality, RegisteredId, Version
from biometrics.interchange.elements import Element, parse
from biometrics.interchange.parameters import MAX_BIRS
from biometrics.interchange.reader import MALFORMED

NAMESPACE = "http://standards.iso.org/iso-iec/19785/-3/ed-2/"
Value = TypeVar("Value")


def read(data: bytes) -> Bir:
    """The envelope in a document. Raises InvalidRecord: `record_too_large`, `record_malformed` (see `elements.parse`),
    the latter also for a value that is none of its kind, and for more than 256 envelopes in one."""
    root = parse(data, NAMESPACE)
    if root.name != "BIR":
        raise InvalidRecord(MALFORMED, "its outermost element is another")
    bir = _bir(root)
    if _count(bir) > MAX_BIRS:
        raise InvalidRecord(MALFORMED, "too many envelopes")
    return bir


def write(bir: Bir) -> bytes:
    """The document of an envelope, UTF-8. Raises ValueError for a text that XML cannot hold."""
    element = _element("BIR", _of_bir(bir))
    element.set("xmlns", NAMESPACE)
    document: bytes = Tree.tostring(element, encoding="UTF-8", xml_declaration=True)
    return document


def _count(bir: Bir) -> int:
    return 1 + sum(_count(child) for child in bir.children)


def _get(element: Element, name: str, convert: Callable[[Element], Value]) -> Value | None:
    found = element.first(name)
    return None if found is None else convert(found)


def _bir(element: Element) -> Bir:
    return Bir(
        info=_get(element, "BIRInfo", _info) or BirInfo(),
        bdb_info=_get(element, "BDBInfo", _bdb_info),
        bdb=_get(element, "BDB", values.block),
        children=tuple(_bir(one) for one in element.children if one.name == "BIR"),
        version=_get(element, "Version", _version),
        cbeff_version=_get(element, "CBEFFVersion", _version),
        security=_get(element, "SB", values.block),
        security_format=_get(element, "SBInfo", lambda one: _get(one, "Format", _registered)),
        others=tuple(
            (values.short(entry.attributes.get("key", ""), "key"), values.text(entry))
            for one in element.children
            if one.name == "others"
            for entry in one.children
            if entry.name == "entry"
        ),
    )


def _info(element: Element) -> BirInfo:
    return BirInfo(
        integrity=bool(_get(element, "Integrity", values.truth)),
        creator=_get(element, "Creator", values.text),
        index=_get(element, "Index", values.identifier),
        payload=_get(element, "Payload", values.block),
        created=_get(element, "CreationDate", values.time),
        not_before=_get(element, "NotValidBefore", values.time),
        not_after=_get(element, "NotValidAfter", values.time),
    )


def _bdb_info(element: Element) -> BdbInfo:
    return BdbInfo(
        types=_get(element, "Type", values.words) or (),
        subtypes=_get(element, "Subtype", values.words) or (),
        format=_get(element, "Format", _registered),
        level=_get(element, "Level", lambda one: values.one_of(Level, one)),
        purpose=_get(element, "Purpose", lambda one: values.one_of(Purpose, one)),
        quality=_get(element, "Quality", _quality),
        encrypted=_get(element, "Encryption", values.truth),
        index=_get(element, "Index", values.identifier),
        challenge_response=_get(element, "ChallengeResponse", values.block),
        created=_get(element, "CreationDate", values.time),
        not_before=_get(element, "NotValidBefore", values.time),
        not_after=_get(element, "NotValidAfter", values.time),
        product=_get(element, "Product", _registered),
        capture_device=_get(element, "CaptureDevice", _registered),
        extraction_algorithm=_get(element, "FeatureExtractionAlgorithm", _registered),
        comparison_algorithm=_get(element, "ComparisonAlgorithm", _registered),
        compression_algorithm=_get(element, "CompressionAlgorithm", _registered),
    )


def _version(element: Element) -> Version:
    return Version(_get(element, "Major", values.number) or 0, _get(element, "Minor", values.number) or 0)


def _registered(element: Element) -> RegisteredId:
    return RegisteredId(_get(element, "Organization", values.text) or "", _get(element, "Type", values.text) or "")


def _quality(element: Element) -> Quality:
    score = _get(element, "Score", values.number)
    if score is not None and score > 100:
        raise values.wrong("Score")
    algorithm = _get(element, "Algorithm", _registered) or RegisteredId("", "")
    return Quality(algorithm, score, _get(element, "QualityCalculationFailed", values.text))


# What is written: pairs of a name and a value, or of a name and such pairs; None is left out.
Content = list[tuple[str, object]]


def _of_bir(bir: Bir) -> Content:
    return [
        ("Version", _of_version(bir.version)),
        ("CBEFFVersion", _of_version(bir.cbeff_version)),
        ("BIRInfo", _of_info(bir.info)),
        ("BDBInfo", None if bir.bdb_info is None else _of_bdb_info(bir.bdb_info)),
        ("SBInfo", None if bir.security_format is None else [("Format", _of_registered(bir.security_format))]),
        *(("BIR", _of_bir(child)) for child in bir.children),
        ("BDB", bir.bdb),
        ("SB", bir.security),
        ("others", [(key, value) for key, value in bir.others] or None),
    ]


def _of_info(info: BirInfo) -> Content:
    return [
        ("Creator", info.creator),
        ("Index", info.index),
        ("Payload", info.payload),
        ("Integrity", info.integrity),
        ("CreationDate", info.created),
        ("NotValidBefore", info.not_before),
        ("NotValidAfter", info.not_after),
    ]


def _of_bdb_info(info: BdbInfo) -> Content:
    return [
        ("ChallengeResponse", info.challenge_response),
        ("Index", info.index),
        ("Format", _of_registered(info.format)),
        ("Encryption", info.encrypted),
        ("CreationDate", info.created),
        ("NotValidBefore", info.not_before),
        ("NotValidAfter", info.not_after),
        ("Type", info.types or None),
        ("Subtype", info.subtypes or None),
        ("Level", info.level),
        ("Product", _of_registered(info.product)),
        ("CaptureDevice", _of_registered(info.capture_device)),
        ("FeatureExtractionAlgorithm", _of_registered(info.extraction_algorithm)),
        ("ComparisonAlgorithm", _of_registered(info.comparison_algorithm)),
        ("CompressionAlgorithm", _of_registered(info.compression_algorithm)),
        ("Purpose", info.purpose),
        ("Quality", None if info.quality is None else _of_quality(info.quality)),
    ]


def _of_version(version: Version | None) -> Content | None:
    return None if version is None else [("Major", version.major), ("Minor", version.minor)]


def _of_registered(one: RegisteredId | None) -> Content | None:
    return None if one is None else [("Organization", one.organization), ("Type", one.type)]


def _of_quality(quality: Quality) -> Content:
    told: tuple[str, object] = ("Score", quality.score)
    if quality.score is None:
        told = ("QualityCalculationFailed", quality.failed or "failed")
    return [("Algorithm", _of_registered(quality.algorithm)), told]


def _element(name: str, content: Content) -> Tree.Element:
    element = Tree.Element(name)
    for inner, value in content:
        if name == "others":
            entry = Tree.SubElement(element, "entry", key=values.written(inner))
            entry.text = values.written(value)
        elif isinstance(value, list):
            element.append(_element(inner, value))
        elif value is not None:
            Tree.SubElement(element, inner).text = values.written(value)
    return element
