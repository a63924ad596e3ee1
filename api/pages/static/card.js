// A card as the reader tells it. The chip's text block is read by the table that the service has for it.

/** Why a card cannot be used: `card_garbled` or `card_type_unsupported`. */
export class CardFault extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const OTHER_SIGNS = ["I", "Y", "J"];
const DAY = /^(?!0000)\d{8}$/;
const NUMBER = /^\d{17}[\dXx]$/;

// What the service takes off the ends of a field; JavaScript's own trim() has another idea of it.
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");

// What the bridge may send of a picture, and nothing that a browser would take for a document.
const PICTURES = ["image/jpeg", "image/png", "image/bmp"];
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** The fields of a text block (base64) by `layout`. Raises CardFault. */
export function parseText(base64, layout) {
  let block;
  try {
    block = bytesOf(base64);
  } catch {
    throw new CardFault("card_garbled");
  }
  if (block.length !== layout.bytes) throw new CardFault("card_garbled");
  const decoder = new TextDecoder("utf-16le", { fatal: true, ignoreBOM: true });
  const sign = String.fromCharCode(block[layout.type_sign_at] | (block[layout.type_sign_at + 1] << 8));
  if (OTHER_SIGNS.includes(sign)) throw new CardFault("card_type_unsupported");
  const values = {};
  let start = 0;
  for (const [name, length] of layout.fields) {
    try {
      values[name] = decoder.decode(block.subarray(start, start + length)).replace(/[ \0\u3000]+$/, "").replace(ENDS, "");
    } catch {
      throw new CardFault("card_garbled");
    }
    start += length;
  }
  const long = values.valid_to === layout.long_term;
  if (!NUMBER.test(values.number) || !values.issuer || !isDay(values.valid_from) || !(long || isDay(values.valid_to))) {
    throw new CardFault("card_garbled");
  }
  return { ...values, valid_from: dashed(values.valid_from), valid_to: long ? null : dashed(values.valid_to) };
}

/**
 * A card of the bridge's `card_read`: `{name, body, photo, opaque}`, the body as the service takes it. Raises CardFault.
 *
 * `opaque` are the chip's own photograph and fingerprints, kept with the card and read by nobody.
 */
export function fromReader(read, layout) {
  if (read.type !== "resident") throw new CardFault("card_type_unsupported");
  const text = parseText(read.text, layout);
  const body = {
    number: text.number,
    issuer: text.issuer,
    valid_from: text.valid_from,
    valid_to: text.valid_to,
    type: "resident",
    text: read.text,
  };
  if (read.serial) body.serial = read.serial;
  const opaque = { photo: read.photo_blob ?? null, fingers: read.finger_blobs ?? [] };
  return { name: text.name, body, photo: pictureIn(read), opaque };
}

function pictureIn({ photo }) {
  return photo && PICTURES.includes(photo.media_type) && BASE64.test(photo.image) ? photo : null;
}

/** A card that was typed in. */
export function typed(fields) {
  const { number, issuer, valid_from, valid_to } = fields;
  return { name: "", body: { number: number.trim().toUpperCase(), issuer, valid_from, valid_to: valid_to || null }, photo: null };
}

/** A name of which a passer-by learns little: 欧**. */
export const maskedName = (name) => [...name].map((character, place) => (place ? "＊" : character)).join("");

/** A number of which a passer-by learns little. */
export const maskedNumber = (number) => `${number.slice(0, 3)}${"＊".repeat(4)}${number.slice(-3)}`;

/** A picture in base64 as an address that an <img> takes; to be revoked. */
export const pictureUrl = (photo) => URL.createObjectURL(new Blob([bytesOf(photo.image)], { type: photo.media_type }));

function isDay(text) {
  if (!DAY.test(text)) return false;
  const day = new Date(`${dashed(text)}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(dashed(text));
}

const dashed = (day) => `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}`;
