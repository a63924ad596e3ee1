// The camera: live picture, stills and films, cut to the upright part that the page shows. Nothing is kept here.

const ASPECT = 3 / 4;
const STILL_HEIGHT = 720;
const FRAME_HEIGHT = 400;
const LOOK_HEIGHT = 560;
const MEASURED = { width: 72, height: 96 };

export class Camera {
  #video;
  #stream = null;
  #opening = null;
  /** Counts the stops: a camera that opens late sees by it that nobody waits for it any more. */
  #stops = 0;
  /** Called when the camera ends by itself: unplugged, taken by another program, or broken. */
  lost = () => {};

  constructor(video) {
    this.#video = video;
  }

  get running() {
    return this.#stream !== null;
  }

  /**
   * Ask for the camera and show it. Raises what `getUserMedia` does, and an `AbortError` where `stop` came first: the
   * browser takes its time to open a camera, and one that opens after the visit has ended is closed at once.
   */
  start() {
    if (!navigator.mediaDevices) return Promise.reject(new DOMException("not a secure context", "NotAllowedError"));
    this.#opening ??= this.#open(this.#stops);
    return this.#opening;
  }

  async #open(stops) {
    const wish = { video: { facingMode: "user", width: { ideal: 1280 }, height: { ideal: 960 } }, audio: false };
    try {
      const stream = await navigator.mediaDevices.getUserMedia(wish);
      if (this.#stops !== stops) {
        letGo(stream);
        throw new DOMException("not wanted any more", "AbortError");
      }
      this.#stream = stream;
      for (const track of stream.getTracks()) track.addEventListener("ended", () => this.#ended(stream), { once: true });
      this.#video.srcObject = stream;
      await this.#video.play();
    } catch (error) {
      if (this.#stops === stops) this.stop();
      throw error;
    }
  }

  /** Let go of the camera, and of the last picture on the screen. */
  stop() {
    this.#stops += 1;
    this.#opening = null;
    if (this.#stream) letGo(this.#stream);
    this.#stream = null;
    this.#video.srcObject = null;
  }

  /** A camera that ended shows black, which is no picture of anybody. */
  #ended(stream) {
    if (this.#stream !== stream) return;
    this.stop();
    this.lost();
  }

  /** The picture for the verification: base64 of a JPEG, and when it was taken. All pictures: raises where no camera runs. */
  async still() {
    return { image: await this.#jpeg(STILL_HEIGHT, 0.92), at: new Date().toISOString() };
  }

  /** A picture to be looked at for guidance. */
  look() {
    return this.#jpeg(LOOK_HEIGHT, 0.8);
  }

  /** One frame of a film. */
  frame() {
    return this.#jpeg(FRAME_HEIGHT, 0.75);
  }

  /** Brightness 0..255 of the middle, where a face is, and sharpness: the mean change from pixel to pixel. */
  measure() {
    const { width, height } = MEASURED;
    const context = this.#drawn(width, height).getContext("2d");
    const { data } = context.getImageData(width / 4, height / 4, width / 2, height / 2);
    const across = width / 2;
    let sum = 0;
    let steps = 0;
    const luma = (at) => 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
    for (let at = 0; at < data.length; at += 4) {
      sum += luma(at);
      if ((at / 4) % across) steps += Math.abs(luma(at) - luma(at - 4));
    }
    const pixels = data.length / 4;
    return { brightness: sum / pixels, sharpness: steps / pixels };
  }

  #drawn(width, height) {
    if (!this.running) throw new DOMException("no camera runs", "InvalidStateError");
    const { videoWidth, videoHeight } = this.#video;
    const cut = Math.min(videoWidth, videoHeight * ASPECT);
    const down = cut / ASPECT;
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    const left = (videoWidth - cut) / 2;
    const top = (videoHeight - down) / 2;
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(this.#video, left, top, cut, down, 0, 0, width, height);
    return canvas;
  }

  async #jpeg(height, quality) {
    const tallest = Math.min(this.#video.videoHeight, this.#video.videoWidth / ASPECT);
    const used = Math.round(Math.min(height, tallest));
    return base64Of(this.#drawn(Math.round(used * ASPECT), used), quality);
  }
}

function letGo(stream) {
  for (const track of stream.getTracks()) track.stop();
}

async function base64Of(canvas, quality) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
  return fileBase64(blob);
}

/** A file's content in base64. */
export async function fileBase64(file) {
  const reader = new FileReader();
  const read = new Promise((resolve, reject) => {
    reader.onload = resolve;
    reader.onerror = reject;
  });
  reader.readAsDataURL(file);
  await read;
  return reader.result.slice(reader.result.indexOf(",") + 1);
}

/** What to tell of a camera that does not start: a key of the texts. */
export function cameraFault(error) {
  if (error.name === "NotAllowedError") return "camera_denied";
  return error.name === "NotFoundError" ? "camera_missing" : "camera_failed";
}
