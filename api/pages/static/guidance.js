// Live guidance: the browser sees light and sharpness at once, the service sees the face two times a second.

import { sleep } from "./dom.js";
import { ask, Refused } from "./service.js";
import { said, t } from "./texts.js";

const PAUSE_MS = 350;
const DARK = 45;
const BRIGHT = 225;
const FLAT = 0.6;
const STEADY = 2;
/** After so long without a perfect picture of a face, the person may take the one there is. */
const PATIENCE_MS = 8000;

/**
 * Look at the camera until a picture is good `steady` times on end, or `signal` ends it.
 *
 * `tell({hint, ready, face, patient})` is called after every look. Gives true when the picture is good, false when it was ended.
 */
export async function guide(camera, tell, signal, steady = STEADY) {
  let good = 0;
  let seen = null;
  const began = performance.now();
  while (!signal.aborted) {
    const local = localHint(camera);
    if (!local) seen = await look(camera, seen, signal);
    if (signal.aborted) return false;
    const ready = !local && seen?.ready === true;
    good = ready ? good + 1 : 0;
    const hint = local ?? (seen?.advice.length ? said(seen.advice[0].message) : t(ready ? "face_hold" : "face_look"));
    const face = !local && Boolean(seen?.box);
    tell({ hint, ready, face, patient: face && performance.now() - began > PATIENCE_MS });
    if (good >= steady) return true;
    await sleep(PAUSE_MS);
  }
  return false;
}

function localHint(camera) {
  const { brightness, sharpness } = camera.measure();
  if (brightness < DARK) return t("face_dark");
  if (brightness > BRIGHT) return t("face_bright");
  return sharpness < FLAT ? t("face_nothing") : null;
}

/** What the service sees; where it is busy, what it saw before. Raises Unreachable, and Refused for what does not pass. */
async function look(camera, before, signal) {
  try {
    const image = await camera.look();
    // Whoever declined or left meanwhile is not sent.
    return signal.aborted ? before : await ask("POST", "/v1/captures/guidance", { body: { image } });
  } catch (error) {
    if (error instanceof Refused && error.code === "service_busy") return before;
    throw error;
  }
}
