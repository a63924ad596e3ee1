"""What the person before the camera can do for a better picture, as codes with words in Chinese and English.

The words stand in `data/feedback.json`; the codes are what a terminal gets. Nothing is said that the person could not
change: no word on age, sex, glasses that are clear, or anything else about the face itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from . import parameters

if TYPE_CHECKING:
    from .detection import Face
    from .quality import Quality

CODES = (
    "one_person_only",
    "come_closer",
    "step_back",
    "move_to_the_centre",
    "look_into_the_camera",
    "hold_the_head_upright",
    "hold_still",
    "more_light",
    "less_light",
    "even_light",
    "uncover_the_eyes",
    "uncover_the_mouth",
    "close_the_mouth",
    "no_face_seen",
)


@dataclass(frozen=True)
class Words:
    """One hint for the person, in both languages."""

    zh: str
    en: str


def words(code: str) -> Words:
    """What to show for a code of `CODES`. Raises KeyError for any other."""
    return _words()[code]


def feedback(quality: Quality, face: Face, width: int, height: int) -> tuple[str, ...]:
    """Codes for the chosen face in a picture, `width` x `height` pixels, the most helpful first; () if all is well."""
    p = parameters
    pose = quality.pose
    off = float(np.max(np.abs(face.centre / (width, height) - 0.5)))
    advice = {
        "come_closer": quality.resolution < p.GOOD_RESOLUTION,
        "step_back": bool(np.any(face.box[:2] < 0) or face.box[0] + face.box[2] > width)
        or face.box[1] + face.box[3] > height,
        "move_to_the_centre": off > p.CENTRAL,
        "look_into_the_camera": abs(pose.yaw) > p.FRONTAL_YAW or abs(pose.pitch) > p.FRONTAL_PITCH,
        "hold_the_head_upright": abs(pose.roll) > p.UPRIGHT_ROLL,
        "more_light": quality.luma < p.GOOD_LUMA or quality.contrast < p.GOOD_CONTRAST or quality.dark > p.LOST_SHARE,
        "less_light": quality.luma > p.BRIGHT_LUMA or quality.burnt > p.LOST_SHARE,
        "even_light": quality.uneven > p.UNEVEN,
        "hold_still": quality.sharpness < p.GOOD_SHARPNESS,
        "uncover_the_eyes": quality.eyes >= 1,
        "uncover_the_mouth": quality.mouth >= 1,
        "close_the_mouth": quality.mouth_width > p.WIDE_MOUTH,
    }
    return tuple(code for code, given in advice.items() if given)


@cache
def _words() -> dict[str, Words]:
    text = (resources.files(__package__) / "data" / "feedback.json").read_text(encoding="utf-8")
    return {code: Words(**both) for code, both in json.loads(text).items()}
