// A page that nobody attends wipes itself: after a while without a touch it asks, and then it ends the visit.

import { $, put } from "./dom.js";
import { t } from "./texts.js";

const ASKED_S = 20;

export class Idle {
  #timer = null;
  #seconds = 0;
  #over;
  #dialog = $("#idle");

  /** `over` is called when nobody answered. */
  constructor(over) {
    this.#over = over;
    for (const name of ["pointerdown", "keydown", "input"]) {
      document.addEventListener(name, () => this.#touched(), { passive: true });
    }
    $("#idle-stay").addEventListener("click", () => this.start(this.#seconds));
    this.#dialog.addEventListener("cancel", () => this.start(this.#seconds));
  }

  /** Count anew, `seconds` until it asks. */
  start(seconds) {
    this.stop();
    this.#seconds = seconds;
    this.#timer = setTimeout(() => this.#ask(ASKED_S), seconds * 1000);
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#dialog.open) this.#dialog.close();
  }

  #touched() {
    if (this.#timer !== null && !this.#dialog.open) this.start(this.#seconds);
  }

  #ask(left) {
    if (left === 0) {
      this.stop();
      this.#over();
      return;
    }
    put($("#idle-left"), t("idle_left", { seconds: left }));
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#timer = setTimeout(() => this.#ask(left - 1), 1000);
  }
}
