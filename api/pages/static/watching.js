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
    this.#visit = visit;
    if (this.#watched === visit) return;
    this.#watched = visit;
    const { signal } = visit.ended;
    try {
      tone($("#camera-state"), t("camera_starting"));
      await this.#camera.start();
      tone($("#camera-state"), t("camera_on"), "good");
      this.#changed();
      // Whoever stands there before a card is read is nobody's customer yet: their picture goes nowhere.
      while (!signal.aborted && this.#camera.running) {
        await (visit.card && !visit.answer ? this.#look(visit) : sleep(LOOK_MS));
      }
    } catch (error) {
      if (signal.aborted) return;
      tone($("#camera-state"), t(error instanceof DOMException ? cameraFault(error) : "camera_failed"), "bad");
      this.#changed();
    } finally {
      if (this.#watched === visit) this.#watched = null;
    }
  }

  /** The camera ended by itself: it is said, and no picture is taken until one runs again. */
  #lost() {
    tone($("#camera-state"), t("camera_failed"), "bad");
    put($("#hint"), "");
    $("#stage").dataset.state = "seeking";
    this.#changed();
  }

  /** The hints are a help: without the service there are none, and the picture can be taken all the same. */
  async #look(visit) {
    const answered = new AbortController();
    const tell = ({ hint, ready }) => {
      if (visit.answer) answered.abort();
      put($("#hint"), visit.answer ? "" : hint);
      $("#stage").dataset.state = ready && !visit.answer ? "ready" : "seeking";
    };
    try {
      await guide(this.#camera, tell, AbortSignal.any([visit.ended.signal, answered.signal]), Infinity);
    } catch {
      put($("#hint"), "");
      if (this.#camera.running) await sleep(AGAIN_MS);
    }
  }
}
