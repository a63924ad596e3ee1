"""The recogniser: an aligned face to a vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def embed(session: InferenceSession, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """SFace's embedding, float32 (128,), of an aligned face, uint8 (112, 112, 3), RGB; its length means nothing.

    The network takes 0..255 and scales by itself. RGB as OpenCV feeds it: templates of the two channel orders differ.
    """
    blob = np.ascontiguousarray(crop.transpose(2, 0, 1)[None], np.float32)
    (embedding,) = session.run(None, {session.get_inputs()[0].name: blob})
    return np.asarray(embedding, np.float32).reshape(-1)
