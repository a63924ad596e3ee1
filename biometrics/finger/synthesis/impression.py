"""One touch of the sensor: which skin touches, how it is turned, shifted and stretched, and how it prints."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from biometrics.finger.synthesis import parameters as p
from biometrics.finger.synthesis.fields import Field, smooth_field


@dataclass(frozen=True)
class Touch:
    """Where and how the finger lies, in pixels and radians.

    `contact` is centre x, y and half axes of the skin that touches, on the master; `drag` and `twist` move the skin
    around the part that sticks.
    """

    turn: float
    shift: tuple[float, float]
    contact: tuple[float, float, float, float]
    drag: tuple[float, float]
    twist: float


def draw_touch(rng: np.random.Generator, quality: p.Quality) -> Touch:
    """The placement of one impression."""
    turn = np.clip(quality.rotation * rng.standard_normal(), -quality.rotation_limit, quality.rotation_limit)
    shift = quality.shift * rng.standard_normal(2)
    centre_x = p.MASTER_WIDTH / 2 + quality.roll * rng.standard_normal()
    centre_y = p.MASTER_HEIGHT * p.CONTACT_Y + 2.0 * quality.roll * rng.standard_normal()
    half_width, half_height = rng.uniform(*quality.contact_width), rng.uniform(*quality.contact_height)
    if rng.random() < quality.partial:
        half_width *= rng.uniform(*p.PARTIAL_WIDTH)
        half_height *= rng.uniform(*p.PARTIAL_HEIGHT)
        centre_x += rng.uniform(-p.PARTIAL_SHIFT[0], p.PARTIAL_SHIFT[0])
        centre_y += rng.uniform(-p.PARTIAL_SHIFT[1], p.PARTIAL_SHIFT[1])
    drag = p.DRAG * quality.distortion * np.clip(rng.standard_normal(2), -p.DRAG_MOST, p.DRAG_MOST)
    twist = np.deg2rad(p.TWIST) * quality.distortion * rng.standard_normal()
    contact = (float(centre_x), float(centre_y), float(half_width), float(half_height))
    return Touch(
        float(np.deg2rad(turn)), (float(shift[0]), float(shift[1])), contact, tuple(drag.tolist()), float(twist)
    )


def skin_coordinates(
    rng: np.random.Generator, touch: Touch, quality: p.Quality, height: int, width: int
) -> tuple[Field, Field, Field]:
    """For each sensor pixel the point (x, y) of the master that lies on it, and its `reach`: 1 on the contact's border.

    The distortion is that of Cappelli, Maio and Maltoni, "Modelling plastic distortion in fingerprint images" (2001):
    the middle of the contact sticks, the skin around it is dragged and twisted, and the change is eased in between;
    a smooth unevenness of a few pixels is added.
    """
    x, y, reach = _place(
        height,
        width,
        np.array([np.cos(touch.turn), np.sin(touch.turn), *touch.shift]),
        np.array(touch.contact),
        np.array([*touch.drag, touch.twist]),
        np.array(p.STICKING),
    )
    amount = np.float32(p.UNEVENNESS * quality.distortion)
    x += amount * smooth_field(rng, height, width, p.UNEVENNESS_GRID)
    y += amount * smooth_field(rng, height, width, p.UNEVENNESS_GRID)
    return x, y, reach


def pressure(rng: np.random.Generator, touch: Touch, reach: Field) -> Field:
    """Contact at each sensor pixel: 1 well inside, 0 on the (uneven) border of the contact, down to -1 outside."""
    height, width = reach.shape
    border = p.BORDER_WOBBLE * smooth_field(rng, height, width, p.BORDER_WOBBLE_GRID)
    inside = (1.0 - reach) * touch.contact[2] + border
    return np.asarray(np.clip(inside / p.BORDER_WIDTH, -1.0, 1.0), dtype=np.float32)


@njit(cache=True)
def _place(height, width, pose, contact, strain, sticking):  # type: ignore[no-untyped-def]
    cos, sin, shift_x, shift_y = pose
    drag_x, drag_y, twist = strain
    out_x, out_y = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    out_reach = np.empty((height, width), np.float32)
    for row in range(height):
        for column in range(width):
            u, v = column - width / 2 - shift_x, row - height / 2 - shift_y
            du, dv = cos * u + sin * v, cos * v - sin * u
            # A slightly square ellipse, as a pad pressed flat: exponent 2.4 instead of 2.
            reach = (abs(du / contact[2]) ** 2.4 + abs(dv / contact[3]) ** 2.4) ** (1 / 2.4)
            ease = min(max((reach - sticking[0]) / (sticking[1] - sticking[0]), 0.0), 1.0)
            ease = ease * ease * (3.0 - 2.0 * ease)
            out_x[row, column] = contact[0] + du + ease * (drag_x - twist * dv)
            out_y[row, column] = contact[1] + dv + ease * (drag_y + twist * du)
            out_reach[row, column] = reach
    return out_x, out_y, out_reach
