// The page's end of the reader bridge: see docs/reader-bridge.md. Events: `state`, `placed` (`again`: perhaps told before the
// connection broke), `read`, `removed`, `finger`, `fault`.

const VERSIONS = [1];
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
const OTHER_PAGE = 4001;

export class Bridge extends EventTarget {
  #socket = null;
  #address;
  #pause = FIRST_PAUSE_MS;
  #hello = null;
  #requests = 0;
  /** Whether a card lay there when the bridge last spoke of it, and whether that was before the present connection. */
  #lies = false;
  #before = false;

  constructor(address) {
    super();
    this.#address = address;
  }

  /** Whether the bridge and its card reader answer. */
  get connected() {
    return Boolean(this.#hello?.devices?.card);
  }

  /** Whether there is a scanner for fingers. */
  get scansFingers() {
    return Boolean(this.#hello?.devices?.finger);
  }

  /** Connect, and connect again whenever the connection ends. */
  open() {
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    socket.onopen = () => this.#send({ type: "hello", versions: VERSIONS });
    socket.onmessage = (event) => this.#take(event.data);
    socket.onclose = (event) => this.#closed(event.code);
  }

  /** Ask for one finger; gives a promise of `{position, image, dpi}`, which fails with a fault's code. */
  finger(position, timeoutMs, signal) {
    const request = `f${(this.#requests += 1)}`;
    this.#send({ type: "capture_finger", request, position, timeout_ms: timeoutMs });
    return new Promise((resolve, reject) => {
      const stop = new AbortController();
      const listen = { signal: stop.signal };
      const done = (end, value) => {
        stop.abort();
        end(value);
      };
      const failed = (code) => done(reject, new Error(code));
      this.addEventListener("finger", ({ detail }) => detail.request === request && done(resolve, detail), listen);
      this.addEventListener("fault", ({ detail }) => detail.request === request && failed(detail.code), listen);
      this.addEventListener("state", () => this.connected || failed("bridge_lost"), listen);
      signal.addEventListener(
        "abort",
        () => {
          this.#send({ type: "cancel_finger", request });
          failed("finger_cancelled");
        },
        listen,
      );
    });
  }

  /** Read the card that lies there once more. */
  readAgain() {
    this.#send({ type: "read_again" });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #take(data) {
    let message;
    try {
      message = JSON.parse(data);
    } catch {
      return; // Not the bridge's language: as if nothing had been said.
    }
    if (message.type === "hello") {
      this.#hello = VERSIONS.includes(message.version) ? message : null;
      this.#pause = FIRST_PAUSE_MS;
      this.#before = this.#lies;
      this.#tell("state");
    } else if (message.type === "card_placed") this.#placed(true);
    else if (message.type === "card_read") this.#tell("read", message.card);
    else if (message.type === "card_removed") this.#placed(false);
    else if (message.type === "finger_captured") this.#tell("finger", message);
    else if (message.type === "fault") this.#tell("fault", message);
  }

  #placed(lies) {
    const again = this.#before;
    this.#before = false;
    this.#lies = lies;
    if (lies) this.#tell("placed", { again });
    else this.#tell("removed");
  }

  #closed(code) {
    const was = this.#hello;
    this.#hello = null;
    if (was) this.#tell("state");
    // Another page took the reader: not fought over, but tried again now and then.
    const pause = code === OTHER_PAGE ? LONGEST_PAUSE_MS : this.#pause;
    this.#pause = Math.min(2 * this.#pause, LONGEST_PAUSE_MS);
    setTimeout(() => this.open(), pause);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
