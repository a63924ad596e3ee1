"""What one request may ask for at once, told by what its segments say of themselves, before any work is done."""

from collections import Counter
from collections.abc import Sequence

from api.biosdk.engines import face_picture, is_template
from api.biosdk.parameters import MAX_COMPARISONS, MAX_EXTRACTIONS, MAX_PIXELS_AT_ONCE
from api.biosdk.positions import position_of
from api.biosdk.records import FACE, FINGER, SUPPORTED, Record, Segment
from api.errors import ServiceError
from biometrics.errors import BiometricError
from biometrics.finger.interchange import FingerPosition
from biometrics.finger.interchange import pictures as finger_records
from biometrics.finger.interchange.pictures import Coding
from biometrics.finger.parameters import DPI
from biometrics.finger.resampling import choose_dpi
from biometrics.images import measure


def bound(segments: Sequence[Segment]) -> None:
    """Bound the pictures of which templates or qualities are made: their number, and their pixels together.

    Raises ServiceError: `too_much_at_once`.
    """
    pictures = [one for one in segments if one.type in SUPPORTED and not one.excepted and not is_template(one)]
    if len(pictures) > MAX_EXTRACTIONS or sum(map(_pixels, pictures)) > MAX_PIXELS_AT_ONCE:
        raise ServiceError("too_much_at_once")


def bound_match(sample: Record, gallery: Sequence[Record], wanted: Sequence[str]) -> None:
    """The same of a whole match, and the pairs that have to be compared. Raises as `bound`."""
    pairs = sum(_pairs(sample.of(kind), record.of(kind)) for record in gallery for kind in wanted)
    if pairs > MAX_COMPARISONS:
        raise ServiceError("too_much_at_once")
    bound([segment for one in (sample, *gallery) for kind in wanted for segment in one.of(kind)])


def _pairs(probes: list[Segment], references: list[Segment]) -> int:
    there = Counter(map(_position, references))
    of_any = there[FingerPosition.UNKNOWN]
    asked = Counter(map(_position, probes))
    return sum(
        count * (there.total() if position is FingerPosition.UNKNOWN else there[position] + of_any)
        for position, count in asked.items()
    )


def _position(segment: Segment) -> FingerPosition:
    # All faces are compared with all, whichever finger they say they are.
    return position_of(segment.subtype) if segment.type == FINGER else FingerPosition.UNKNOWN


def _pixels(segment: Segment) -> float:
    """What a picture is worth, 0 for what is refused when it is read. Small ones of a low resolution are enlarged."""
    try:
        if segment.type == FACE:
            return measure(face_picture(segment.data))[0]
        if not segment.data.startswith(finger_records.MAGIC):
            count, dpi = measure(segment.data)
        else:
            record = finger_records.read(segment.data)[0]
            count, in_file = measure(record.image)
            dpi = record.dpi or in_file
            if record.coding in {Coding.RAW, Coding.RAW_PACKED}:
                count = record.width * record.height
        return max(count, count * (DPI / choose_dpi(None, dpi)) ** 2)
    except BiometricError:
        return 0


assert set(SUPPORTED) == {FACE, FINGER}, "each has its way to be measured"
