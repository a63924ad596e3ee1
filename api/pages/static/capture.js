// The face at the kiosk: live guidance, one still, then the movements on film, all under a nonce asked for before.

import { $, put } from "./dom.js";
import { film } from "./film.js";
import { guide } from "./guidance.js";
import { ask } from "./service.js";
import { MOVEMENTS } from "./symbols.js";
import { said, t } from "./texts.js";

const READY_MS = 1800;

/** Gives `{nonce, at, face, burst}`, null where `signal` ended it. Raises what the camera and the service raise. */
export async function captureFace(camera, signal) {
  put($("#face-title"), t("face_title"));
  put($("#hint"), t("camera_starting"));
  await camera.start();
  const { nonce, challenge } = await ask("POST", "/v1/captures");
  // The next customer may stand there already, with this button and this picture.
  if (signal.aborted) return null;
  if (!(await guided(camera, signal))) return null;
  const still = await camera.still();
  put($("#face-title"), t("film_title"));
  mark("filming");
  put($("#hint"), t("film_ready"));
  await pause(READY_MS, signal);
  const burst = await film(camera, challenge, (action, place) => move(action, place, challenge.actions.length), signal);
  mark(null);
  return signal.aborted ? null : { nonce, at: still.at, face: still.image, burst };
}

/** Until the picture is good, or the person takes it as it is. */
async function guided(camera, signal) {
  const enough = new AbortController();
  const button = $("#take-now");
  let taken = false;
  button.onclick = () => {
    taken = true;
    enough.abort();
  };
  const tell = ({ hint, ready, patient }) => {
    put($("#hint"), hint);
    mark(ready ? "ready" : "seeking");
    button.hidden = !patient;
  };
  const good = await guide(camera, tell, AbortSignal.any([signal, enough.signal]));
  button.hidden = true;
  return !signal.aborted && (good || taken);
}

function move(action, place, count) {
  const arrow = $("#movement");
  arrow.toggleAttribute("hidden", action === null);
  if (action) {
    $("#movement-path").setAttribute("d", MOVEMENTS[action.action]);
    arrow.dataset.action = action.action;
  }
  put($("#hint"), action ? said(action.message) : t("film_straight"));
  put($("#film-step"), action ? t("film_step", { number: place + 1, count }) : "");
}

function mark(state) {
  $("#stage").dataset.state = state ?? "";
  if (state !== "filming") {
    $("#movement").toggleAttribute("hidden", true);
    put($("#film-step"), "");
  }
}

const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
