"""Pictures as they come: what happens to each kind is decided here and written down in docs/faces.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, ImageCms, ImageDraw, ImageFilter, ImageOps
from PIL import Image as Pillow

from biometrics.errors import InvalidImage, NotAssessable
from biometrics.face import Assessment, FaceEngine, FaceTemplate
from tests.biometrics.face.conftest import Group
from tests.biometrics.face.test_quality import with_glasses, with_mask
from tests.biometrics.pictures import encode

SAME = 0.6
"""Far beyond what two people have (0.42 in one of 100,000 comparisons)."""


@pytest.fixture(scope="module")
def portrait(group: Group) -> Pillow.Image:
    return Pillow.fromarray(group.portrait(3)).resize((250, 250), Pillow.Resampling.BICUBIC)


@pytest.fixture(scope="module")
def reference(engine: FaceEngine, portrait: Pillow.Image) -> FaceTemplate:
    return engine.extract(encode(portrait))


def outcome(engine: FaceEngine, reference: FaceTemplate, data: bytes) -> float | str:
    """The comparison score with the reference, or the code."""
    try:
        return engine.compare(engine.extract(data), reference)
    except (InvalidImage, NotAssessable) as error:
        return error.code


def scored(engine: FaceEngine, reference: FaceTemplate, data: bytes) -> float:
    found = outcome(engine, reference, data)
    assert isinstance(found, float), found
    return found


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_upright(
    engine: FaceEngine, portrait: Pillow.Image, reference: FaceTemplate, orientation: int
) -> None:
    undo = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_90,
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_270,
    }
    stored = portrait.transpose(undo[orientation]) if orientation in undo else portrait
    exif = Pillow.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    assert scored(engine, reference, encode(stored, exif=exif)) > 0.99


def test_grey_alpha_and_profiles_are_the_same_face(
    engine: FaceEngine, portrait: Pillow.Image, reference: FaceTemplate
) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert scored(engine, reference, encode(portrait.convert("L"))) > 0.9
    assert scored(engine, reference, encode(portrait.convert("LA"))) > 0.9
    assert scored(engine, reference, encode(portrait.convert("RGBA"))) > 0.99
    assert scored(engine, reference, encode(portrait, "JPEG", quality=95, icc_profile=profile)) > 0.97
    assert scored(engine, reference, encode(portrait.convert("P", palette=Pillow.Palette.ADAPTIVE))) > 0.9


def test_sixteen_bits_and_print_colours_are_refused(
    engine: FaceEngine, portrait: Pillow.Image, reference: FaceTemplate
) -> None:
    deep = Pillow.fromarray(np.asarray(portrait.convert("L")).astype(np.uint16) * 257)
    assert outcome(engine, reference, encode(deep)) == "image_depth_unsupported"
    assert outcome(engine, reference, encode(deep, "TIFF")) == "image_depth_unsupported"
    assert outcome(engine, reference, encode(portrait.convert("CMYK"), "JPEG")) == "image_colour_unsupported"


def test_faces_of_any_useful_size(engine: FaceEngine, portrait: Pillow.Image, reference: FaceTemplate) -> None:
    def small(side: int) -> bytes:
        canvas = Pillow.new("RGB", (max(100, side), max(100, side)), (120, 120, 120))
        canvas.paste(portrait.resize((side, side), Pillow.Resampling.BOX), ((canvas.width - side) // 2,) * 2)
        return encode(canvas)

    assert outcome(engine, reference, small(22)) in {"no_face", "low_quality"}  # a face of ten pixels
    assert outcome(engine, reference, small(36)) in {"no_face", "low_quality"}
    assert scored(engine, reference, small(60)) > SAME
    for size, left in (((6000, 4000), 1750), ((8000, 3000), 2750)):
        huge = Pillow.new("RGB", size, (120, 120, 120))
        huge.paste(portrait.resize((2500, 2500)), (left, 200))
        assert scored(engine, reference, encode(huge, "JPEG")) > 0.9
    assert outcome(engine, reference, encode(Pillow.new("L", (8000, 8000)))) == "image_too_many_pixels"


def test_a_head_that_lies_or_hangs_is_not_taken_for_anybody(
    engine: FaceEngine, portrait: Pillow.Image, reference: FaceTemplate
) -> None:
    """YuNet knows upright faces; what it makes of others is noticed by what the recogniser makes of that."""
    for angle in (-20, -10, 10, 20, 30):
        leaning = portrait.rotate(angle, Pillow.Resampling.BICUBIC, fillcolor=(120, 120, 120))
        assert scored(engine, reference, encode(leaning)) > SAME
    for angle in (45, 60, 90, 180, 270):
        turned = portrait.rotate(angle, Pillow.Resampling.BICUBIC, expand=True)
        assert outcome(engine, reference, encode(turned)) in {"no_face", "low_quality"}, angle


def test_covered_faces_are_judged_and_the_quality_tells(
    engine: FaceEngine, group: Group, portrait: Pillow.Image, reference: FaceTemplate
) -> None:
    """Masks and dark glasses are no reason to refuse: the score says what is left, feedback asks to take them off."""
    for covered in (with_glasses(portrait, group), with_mask(portrait, group, (110, 170, 215))):
        assert scored(engine, reference, encode(covered)) > 0.45
        assert engine.extract(encode(covered)).quality < reference.quality


def test_two_alike_side_by_side_are_not_chosen_between(engine: FaceEngine, group: Group) -> None:
    for index in range(6):
        one = Pillow.fromarray(group.portrait(index)).resize((250, 250))
        both = Pillow.new("RGB", (500, 250))
        both.paste(one, (0, 0))
        both.paste(one, (250, 0))
        with pytest.raises(NotAssessable) as caught:
            engine.extract(encode(both))
        assert caught.value.code == "multiple_faces"


def test_drawings_and_empty_frames_are_nobody(
    engine: FaceEngine, portrait: Pillow.Image, reference: FaceTemplate
) -> None:
    drawing = Pillow.new("RGB", (250, 250), "white")
    pencil = ImageDraw.Draw(drawing)
    pencil.ellipse((50, 30, 200, 220), outline="black", width=4)
    for left in (90, 140):
        pencil.ellipse((left, 90, left + 20, 105), fill="black")
    pencil.line((125, 110, 120, 150), fill="black", width=3)
    pencil.arc((95, 150, 155, 190), 10, 170, fill="black", width=4)
    sketch = portrait.convert("L").filter(ImageFilter.CONTOUR)
    edges = ImageOps.invert(portrait.convert("L").filter(ImageFilter.FIND_EDGES))
    for picture in (drawing, sketch, edges):
        assert outcome(engine, reference, encode(picture)) in {"no_face", "low_quality"}
    for colour in ("black", "white", (90, 120, 80)):
        assert outcome(engine, reference, encode(Pillow.new("RGB", (640, 480), colour))) == "no_face"
    dark = portrait.point(lambda value: value // 20)
    assert outcome(engine, reference, encode(dark)) in {"no_face", "low_quality"}
    assert outcome(engine, reference, encode(portrait.crop((0, 0, 100, 250)))) == "no_face"  # a bit of a cheek


@pytest.mark.shared_data
def test_profiles_are_told_by_their_pose(engine: FaceEngine, lfw: Path) -> None:
    """Whatever becomes of them, the advice says so. The unified quality hardly does: it is near that of others."""
    turned: list[Assessment] = []
    frontal: list[Assessment] = []
    for picture in sorted(lfw.glob("*/*.jpg"))[::25]:
        found = engine.assess(picture.read_bytes())
        if found.components is not None:
            side = abs(found.components.pose.yaw)
            (turned if side > 40 else frontal if side < 10 else []).append(found)
    assert len(turned) >= 3
    assert len(frontal) >= 50
    assert all("look_into_the_camera" in one.feedback for one in turned)
    looking = [one.components.pose for one in frontal if one.components and "look_into_the_camera" in one.feedback]
    assert all(abs(pose.pitch) > 20 for pose in looking)
