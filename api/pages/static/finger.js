// One finger, from the scanner or, in the demonstration, from a file.

import { $, put } from "./dom.js";
import { fileBase64 } from "./camera.js";
import { t } from "./texts.js";

const TIMEOUT_MS = 20_000;
const TRIES = 2;
const POSITION = "right_index";

/** Gives `[{position, image, dpi?}]`, or none where the person passes it over or `signal` ends it. */
export async function captureFinger(bridge, fromFile, signal) {
  put($("#finger-lead"), t("finger_lead"));
  $("#finger-file").hidden = !fromFile;
  const skipped = new AbortController();
  $("#skip-finger").onclick = () => skipped.abort();
  const ended = AbortSignal.any([signal, skipped.signal]);
  const ways = [new Promise((resolve) => ended.addEventListener("abort", () => resolve([])))];
  if (fromFile) ways.push(picked());
  if (bridge.scansFingers) ways.push(scanned(bridge, ended));
  else put($("#finger-state"), t("finger_no_scanner"));
  const taken = await Promise.race(ways);
  skipped.abort();
  return taken;
}

function picked() {
  const field = $("#finger-file input");
  field.value = "";
  return new Promise((resolve) => {
    field.onchange = async () => resolve([{ position: POSITION, image: await fileBase64(field.files[0]) }]);
  });
}

/** The scanner, asked again after a finger that did not come; when it gives up, the person passes it over. */
async function scanned(bridge, signal) {
  for (let tried = 0; tried < TRIES; tried += 1) {
    put($("#finger-state"), t("finger_press"));
    try {
      const { position, image, dpi } = await bridge.finger(POSITION, TIMEOUT_MS, signal);
      put($("#finger-state"), t("finger_done"));
      return [{ position, image, dpi }];
    } catch {
      if (signal.aborted) return [];
      put($("#finger-state"), t("finger_retry"));
    }
  }
  put($("#finger-state"), t("finger_none"));
  return new Promise(() => {}); // The person decides: pass it over, or a file.
}
