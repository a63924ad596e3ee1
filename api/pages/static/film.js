// The film that answers the challenge: each movement is shown when it is asked for, and frames are taken throughout.

import { sleep } from "./dom.js";

const FRAME_MS = 160;
const MOST_FRAMES = 60;

/** Film the face for a challenge. `show(action)` is called with each movement, null before the first. Gives the burst. */
export async function film(camera, challenge, show, signal) {
  const frames = [];
  const began = performance.now();
  const step = Math.max(FRAME_MS, challenge.end_ms / (MOST_FRAMES - 2));
  let shown = -1;
  for (let number = 0; !signal.aborted; number += 1) {
    const at = Math.round(performance.now() - began);
    const due = challenge.actions.findLastIndex((action) => action.at_ms <= at);
    if (due !== shown || number === 0) {
      shown = due;
      show(due < 0 ? null : challenge.actions[due], due);
    }
    frames.push({ at_ms: at, image: await camera.frame() });
    if (at >= challenge.end_ms || frames.length >= MOST_FRAMES) break;
    await sleep(Math.max(0, began + (number + 1) * step - performance.now()));
  }
  return { frames: frames.map((frame, place) => (place ? { ...frame, at_ms: frame.at_ms - frames[0].at_ms } : { ...frame, at_ms: 0 })) };
}
