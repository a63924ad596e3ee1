"""Interchange: templates of other makers in, ours out.

`read` takes any known format, tells which it is, and gives our kind of template. What it read from another format has
an engine id of its own (`import:` and the format), so that nothing takes it for one of ours by accident:
`FingerEngine.compare` refuses it, and no calibration is for it. Who wants the comparison asks for it:

    engine.compare(probe, engine.prepare_imported(reference))

The score is on the same scale, and `benchmarks/RESULTS.md` says what it is worth: less than between two of our own,
since two extractors don't see the same minutiae. All formats mean the same by a minutia's place and direction (see
`geometry`); what they say beyond minutiae (ridge counts, cores, deltas, certificates, times) is left out, and so it is
from what `write` makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from biometrics.errors import InvalidTemplate
from biometrics.finger.interchange import ansi_2004, ansi_2009, iso_2005, iso_2011, iso_card, sourceafis
from biometrics.finger.interchange.formats import Format
from biometrics.finger.interchange.sniffing import sniff
from biometrics.finger.interchange.view import FingerPosition, Impression, View
from biometrics.finger.parameters import MAX_RECORD_BYTES
from biometrics.finger.template import FingerTemplate

__all__ = ["FingerPosition", "Format", "Impression", "View", "read", "read_views", "sniff", "write"]

_READ: Final[dict[Format, Callable[[bytes], tuple[View, ...]]]] = {
    Format.OWN: lambda data: (View(FingerTemplate.from_bytes(data)),),
    Format.OWN_COMPACT: lambda data: (View(FingerTemplate.from_bytes(data)),),
    Format.ISO_2005: iso_2005.read,
    Format.ISO_2011: iso_2011.read,
    Format.ISO_CARD_NORMAL: lambda data: iso_card.read(data, Format.ISO_CARD_NORMAL),
    Format.ISO_CARD_COMPACT: lambda data: iso_card.read(data, Format.ISO_CARD_COMPACT),
    Format.ANSI_2004: ansi_2004.read,
    Format.ANSI_2009: ansi_2009.read,
    Format.SOURCEAFIS: sourceafis.read,
}
_WRITE: Final[dict[Format, Callable[[tuple[View, ...]], bytes]]] = {
    Format.OWN: lambda views: _only(views, Format.OWN).to_bytes(),
    Format.OWN_COMPACT: lambda views: _only(views, Format.OWN_COMPACT).to_compact_bytes(),
    Format.ISO_2005: iso_2005.write,
    Format.ISO_2011: iso_2011.write,
    Format.ISO_CARD_NORMAL: lambda views: iso_card.write(views, Format.ISO_CARD_NORMAL),
    Format.ISO_CARD_COMPACT: lambda views: iso_card.write(views, Format.ISO_CARD_COMPACT),
    Format.ANSI_2004: ansi_2004.write,
    Format.ANSI_2009: ansi_2009.write,
}
_MOST_VIEWS = 255


def read(data: bytes, form: Format | None = None) -> tuple[FingerTemplate, ...]:
    """The templates in a file of any known format, one or more; see `read_views`."""
    return tuple(view.template for view in read_views(data, form))


def read_views(data: bytes, form: Format | None = None) -> tuple[View, ...]:
    """As `read`, with the finger and the impression that the record states.

    `form` is only needed for a card's bare minutiae, which begin with nothing that could be recognised.

    Raises InvalidTemplate. `template_format_unknown`, `template_format_ambiguous` and `template_version_unsupported`:
    see `sniff`. `template_too_large`: more bytes than any person's record. `template_malformed`: it ends too soon,
    holds no view, or a value is none of the format's. `template_out_of_range`: a resolution that no scanner has, or
    a capture larger than a template can say.
    """
    if len(data) > MAX_RECORD_BYTES:
        raise InvalidTemplate("template_too_large", f"more than {MAX_RECORD_BYTES} bytes")
    views = _READ[sniff(data) if form is None else form](data)
    if not views:
        raise InvalidTemplate("template_malformed", "a record without a view")
    return views


def write(templates: Iterable[FingerTemplate | View], form: Format) -> bytes:
    """A file of one or more templates, given as they are or as views that say which finger they are of.

    Places are rounded to the pixel (on cards to 0.01 or 0.1 mm), angles to 1.4 degrees (ANSI: 2, compact: 5.6).
    Raises ValueError: no template; several where the format holds one (our own, cards'); more than 255, or 16 of one
    finger; SourceAFIS's format, which is only read.
    """
    views = tuple(one if isinstance(one, View) else View(one) for one in templates)
    if form not in _WRITE:
        raise ValueError(f"{form} is not written")
    if not 1 <= len(views) <= _MOST_VIEWS:
        raise ValueError("a file holds 1 to 255 templates")
    return _WRITE[form](views)


def _only(views: tuple[View, ...], form: Format) -> FingerTemplate:
    if len(views) != 1:
        raise ValueError(f"{form} holds one template")
    return views[0].template
