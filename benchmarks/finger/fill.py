"""Fill for a gallery: templates of synthetic fingers that no probe is of.

A picture of each finger's whole pad is generated and extracted once, which costs most of a second; then it is touched
several times: each touch keeps the minutiae under a contact of its own, turned, shifted, and with what a capture adds
(`JITTER`) and misses (`MISSED`). So ten thousand references stand for five hundred fingers. Between probes and
references of different fingers that makes no difference; nothing is mated with the fill.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from benchmarks.common.progress import say, track
from biometrics.finger import FingerEngine, FingerTemplate
from biometrics.finger.parameters import MIN_MINUTIAE
from biometrics.finger.synthesis import Quality, generate
from biometrics.finger.synthesis.impression import Touch, draw_touch
from biometrics.finger.synthesis.parameters import MASTER_HEIGHT, MASTER_WIDTH

TOUCHES = 20
FIRST_SEED = 100_000
JITTER = 1.0
"""Standard deviation of a minutia's place, pixels; its direction's is as many degrees times three."""
MISSED = 0.1
WHOLE_PAD = Quality(
    rotation=0.0,
    rotation_limit=0.0,
    shift=0.0,
    roll=0.0,
    contact_width=(198.0, 198.0),
    contact_height=(248.0, 248.0),
    partial=0.0,
    distortion=0.0,
    moisture=0.0,
    noise=0.7,
    scratches=0.0,
)


def fill(engine: FingerEngine, count: int, cache: Path | None) -> list[FingerTemplate]:
    """`count` templates of synthetic fingers, the same in every run; `cache` is a folder that keeps the pads."""
    templates: list[FingerTemplate] = []
    fingers = -(-count // TOUCHES)
    say(f"{fingers} synthetic fingers ...")
    for number in track(range(fingers), "fill", total=fingers):
        whole = _pad(engine, FIRST_SEED + number, cache)
        rng = np.random.default_rng((FIRST_SEED, number))
        for _ in range(TOUCHES):
            seen = touch(whole, draw_touch(rng, Quality()), rng)
            while len(seen) < MIN_MINUTIAE:
                seen = touch(whole, draw_touch(rng, Quality()), rng)
            templates.append(seen)
    return templates[:count]


def _pad(engine: FingerEngine, seed: int, cache: Path | None) -> FingerTemplate:
    kept = cache / f"{engine.engine}_{seed}.rzmt" if cache else None
    if kept and kept.is_file():
        return FingerTemplate.from_bytes(kept.read_bytes())
    picture = generate(seed, height=MASTER_HEIGHT, width=MASTER_WIDTH, quality=WHOLE_PAD)
    found = engine.extract_pixels(picture)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(found.to_bytes())
    return found


def touch(whole: FingerTemplate, how: Touch, rng: np.random.Generator) -> FingerTemplate:
    """What one touch leaves of the minutiae of a whole pad."""
    centre_x, centre_y, half_width, half_height = how.contact
    dx, dy = whole.x - centre_x, whole.y - centre_y
    within = np.abs(dx / half_width) ** 2.4 + np.abs(dy / half_height) ** 2.4 < 1.0
    seen = within & (rng.random(len(whole)) >= MISSED)
    cosine, sine = math.cos(how.turn), math.sin(how.turn)
    count = int(np.count_nonzero(seen))
    side = math.ceil(2.0 * math.hypot(half_width, half_height)) + 16
    x = side / 2 + cosine * dx[seen] - sine * dy[seen] + JITTER * rng.standard_normal(count)
    y = side / 2 + sine * dx[seen] + cosine * dy[seen] + JITTER * rng.standard_normal(count)
    turned = whole.direction[seen] + how.turn + math.radians(3.0 * JITTER) * rng.standard_normal(count)
    return FingerTemplate.of(
        whole.engine,
        side,
        side,
        x=np.clip(x, 0.0, side),
        y=np.clip(y, 0.0, side),
        direction=turned,
        kind=whole.kind[seen],
        minutia_quality=whole.minutia_quality[seen],
        quality=whole.quality,
    )
