"""A drawn face, and films of it for a camera: nobody's picture."""

import math
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SKIN, HAIR, COAT, WALL = (226, 184, 155), (38, 30, 28), (44, 72, 92), (188, 196, 200)
FRAMES = 24
FRAMES_PER_S = 12


def drawing(width: int = 640, height: int = 480, *, sway: float = 0.0, light: float = 1.0) -> Image.Image:
    """Head and shoulders before a wall; `sway` moves the head by a share of its width."""
    scale = 2
    picture = Image.new("RGB", (scale * width, scale * height), WALL)
    draw = ImageDraw.Draw(picture)
    for stripe in range(0, scale * width, 90):
        draw.line([(stripe, 0), (stripe, scale * height)], fill=(178, 187, 192), width=6)
    x, y, head = scale * width * (0.5 + 0.15 * sway), scale * height * 0.44, scale * height * 0.24
    draw.ellipse(_around(x, y + 2.7 * head, 1.75 * head, 1.35 * head), fill=COAT)
    draw.rectangle(_around(x, y + 1.2 * head, 0.36 * head, 0.5 * head), fill=tuple(int(0.9 * part) for part in SKIN))
    draw.ellipse(_around(x, y - 0.16 * head, 0.92 * head, 1.12 * head), fill=HAIR)
    draw.ellipse(_around(x, y + 0.1 * head, 0.78 * head, 1.06 * head), fill=SKIN)
    draw.chord(_around(x, y - 0.3 * head, 0.84 * head, 0.78 * head), 185, 355, fill=HAIR)
    for side in (-1, 1):
        eye = x + side * 0.32 * head + 0.05 * sway * head
        draw.ellipse(_around(eye, y, 0.15 * head, 0.085 * head), fill=(250, 250, 248))
        draw.ellipse(_around(eye, y, 0.075 * head, 0.08 * head), fill=(40, 26, 20))
        draw.arc(_around(eye, y - 0.1 * head, 0.2 * head, 0.14 * head), 200, 340, fill=HAIR, width=int(0.05 * head))
    draw.line([(x, y + 0.08 * head), (x - 0.07 * head, y + 0.4 * head), (x + 0.05 * head, y + 0.43 * head)],
              fill=(186, 140, 114), width=int(0.04 * head))  # fmt: skip
    draw.arc(_around(x, y + 0.56 * head, 0.26 * head, 0.16 * head), 15, 165, fill=(166, 74, 70), width=int(0.07 * head))
    lit = picture.point(lambda value: min(255, int(light * value)))
    return lit.resize((width, height), Image.Resampling.LANCZOS).filter(ImageFilter.UnsharpMask(1, 60))


def portrait() -> bytes:
    """The drawing as a chip's picture, 102 x 126 pixels."""
    whole = drawing()
    file = BytesIO()
    whole.crop((200, 30, 440, 326)).resize((102, 126), Image.Resampling.LANCZOS).save(file, "JPEG", quality=80)
    return file.getvalue()


def film(path: Path, pictures: list[Image.Image]) -> Path:
    """Pictures as Motion JPEG, which Chromium plays again and again in the place of a camera."""
    with path.open("wb") as file:
        for picture in pictures:
            picture.save(file, "JPEG", quality=90)
    return path


def swaying(path: Path) -> Path:
    """A film of the drawing, which never shows the same pixels twice in a round."""
    steps = (math.sin(2 * math.pi * number / FRAMES) for number in range(FRAMES))
    return film(path, [drawing(sway=0.12 * step) for step in steps])


def still(path: Path, picture: bytes) -> Path:
    """A film of one picture in the middle of a wall, moved by a few pixels from frame to frame and as noisy as a
    camera: the service takes no picture twice, in whichever film."""
    return film(path, [_noisy(before_a_wall(picture, shift=number % 3)) for number in range(FRAMES)])


def _noisy(picture: Image.Image) -> Image.Image:
    pixels = np.asarray(picture, np.int16)
    noise = np.random.default_rng().integers(-2, 3, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


def before_a_wall(picture: bytes, width: int = 640, height: int = 480, *, shift: int = 0) -> Image.Image:
    """A picture in the middle of what the camera sees."""
    face = Image.open(BytesIO(picture)).convert("RGB")
    face = face.resize((round(face.width * height / face.height), height), Image.Resampling.BICUBIC)
    wall = Image.new("RGB", (width, height), WALL)
    wall.paste(face, ((width - face.width) // 2 + shift, 0))
    return wall


def _around(x: float, y: float, across: float, down: float) -> tuple[float, float, float, float]:
    return x - across, y - down, x + across, y + down
