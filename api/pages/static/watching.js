// The live picture at the counter: the camera is opened for each customer, hints are told, and so is a camera that ends.

import { cameraFault } from "./camera.js";
import { $, put, sleep, tone } from "./dom.js";
import { guide } from "./guidance.js";
import { t } from "./texts.js";

const LOOK_MS = 300;
const AGAIN_MS = 5000;

export class Watching {
  #camera;
  #changed;
  #visit = null;
  /** The visit whose face is looked at now. */
  #watched = null;
  /** Ends the watching that goes on. */
  #watch = new AbortController();
  #declined = false;

  /** `changed` is called when the camera begins or ends to run; `atWork` says whether the page wants one. */
  constructor(camera, atWork, changed) {
    this.#camera = camera;
    this.#changed = changed;
    camera.lost = () => atWork() && this.#lost();
    // A camera that was plugged in again is used again.
    navigator.mediaDevices?.addEventListener("devicechange", () => atWork() && !camera.running && this.begin(this.#visit));
  }

  /** Look at the face of a visit's customer until the visit ends, or the camera does. */
  async begin(visit) {
    if (this.#visit !== visit) this.#declined = false;
    this.#visit = visit;
    if (this.#declined || this.#watched === visit) return;
    this.#watched = visit;
    this.#watch.abort();
    this.#watch = new AbortController();
    const watch = this.#watch;
    const signal = AbortSignal.any([visit.ended.signal, watch.signal]);
    try {
      tone($("#camera-state"), t("camera_starting"));
      await this.#camera.start();
      tone($("#camera-state"), t("camera_on"), "good");
      this.#changed();
      // Whoever stands there before a card is read is nobody's customer yet: their picture goes nowhere.
      while (!signal.aborted && this.#camera.running) {
        await (visit.card && !visit.answer ? this.#look(visit, signal) : sleep(LOOK_MS));
      }
    } catch (error) {
      if (signal.aborted) return;
      tone($("#camera-state"), t(error instanceof DOMException ? cameraFault(error) : "camera_failed"), "bad");
      this.#changed();
    } finally {
      if (this.#watch === watch) this.#watched = null;
    }
  }

  /** Whoever declines the face is not looked at: the camera is closed until they change their mind, or go. */
  decline(declined) {
    this.#declined = declined;
    if (!declined) return this.begin(this.#visit);
    this.#watch.abort();
    this.#watched = null;
    this.#camera.stop();
    this.#ended(() => t("camera_off"), "");
  }

  /** Nothing more is asked of the customer's face. */
  rest() {
    put($("#hint"), "");
    $("#stage").dataset.state = "seeking";
  }

  /** The camera ended by itself: it is said, and no picture is taken until one runs again. */
  #lost() {
    this.#ended(() => t("camera_failed"), "bad");
  }

  #ended(words, of) {
    tone($("#camera-state"), words(), of);
    this.rest();
    this.#changed();
  }

  /** The hints are a help: without the service there are none, and the picture can be taken all the same. */
  async #look(visit, signal) {
    const answered = new AbortController();
    const tell = ({ hint, ready }) => {
      if (visit.answer) answered.abort();
      put($("#hint"), visit.answer ? "" : hint);
      $("#stage").dataset.state = ready && !visit.answer ? "ready" : "seeking";
    };
    try {
      await guide(this.#camera, tell, AbortSignal.any([signal, answered.signal]), Infinity);
    } catch {
      put($("#hint"), "");
      if (this.#camera.running) await sleep(AGAIN_MS);
    }
  }
}
