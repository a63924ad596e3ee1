"""Somebody before the camera who does what the page asks: a portrait that is turned as a head would turn.

The pictures are SIMULATED (`benchmarks/face/films.py`), one for each degree of each movement; the page's camera is a
canvas on which they are played when the page shows the movement, a reaction time later.
"""

from base64 import b64encode

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from benchmarks.face import films
from biometrics.face import Face, FaceEngine
from biometrics.face.choice import choose
from biometrics.face.liveness import Action
from tests.api.pictures import written

DEGREES = 8
EXTENT = {
    Action.TURN_LEFT: (24.0, 0.0, 0.0),
    Action.TURN_RIGHT: (-24.0, 0.0, 0.0),
    Action.NOD: (0.0, 20.0, 0.0),
    Action.COME_NEARER: (0.0, 0.0, 0.32),
}
# The canvas that the page takes for a camera: shifts of half a pixel, of which there are a few hundred, and grains that
# make each frame another one, as a camera's are.
PLAYED = """async (pictures) => {
  const bitmap = async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    return createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  };
  const played = {};
  for (const [name, list] of Object.entries(pictures)) played[name] = await Promise.all(list.map(bitmap));
  const [rest] = played.rest;
  const canvas = document.createElement("canvas");
  canvas.width = rest.width;
  canvas.height = rest.height;
  const brush = canvas.getContext("2d");
  const arrow = document.querySelector("#movement");
  let acting = null;
  let since = 0;
  setInterval(() => {
    const now = performance.now();
    const asked = arrow.hasAttribute("hidden") ? null : arrow.dataset.action;
    if (asked !== acting) [acting, since] = [asked, now];
    const gone = (now - since - 200) / 900;
    const share = acting && gone > 0 && gone < 1 ? Math.sin(Math.PI * gone) : 0;
    const list = played[acting] ?? played.rest;
    const picture = share > 0 ? list[Math.round(share * (list.length - 1))] : rest;
    brush.drawImage(picture, Math.random() - 0.5, Math.random() - 0.5);
    for (let grain = 0; grain < 50; grain += 1) {
      brush.fillStyle = `rgb(${256 * Math.random()} ${256 * Math.random()} ${256 * Math.random()} / 4%)`;
      brush.fillRect(canvas.width * Math.random(), canvas.height * Math.random(), 12, 12);
    }
  }, 40);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(25);
}"""

Pixels = NDArray[np.uint8]


def play(page: Page, engine: FaceEngine, portrait: Pixels) -> None:
    """Put the person of a portrait, RGB uint8 (H, W, 3), before the camera of a page."""
    found = choose(engine.detect(portrait), portrait.shape[1], portrait.shape[0])
    face = Face(found.box, engine.landmarks(portrait, found), found.confidence)
    pictures = {"rest": [_encoded(portrait)]}
    for action, (yaw, pitch, near) in EXTENT.items():
        shares = [degree / DEGREES for degree in range(DEGREES + 1)]
        poses = [(share * yaw, share * pitch, 1 + share * near) for share in shares]
        pictures[action.value] = [_encoded(films.frame(portrait, face, pose, films.solid)) for pose in poses]
    page.evaluate(PLAYED, pictures)


def _encoded(rgb: Pixels) -> str:
    return b64encode(written(Image.fromarray(rgb), "JPEG")).decode()
