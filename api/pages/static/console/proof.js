// What a browser can check by itself of the evidence: hashes, the path to the root (RFC 9162, 2.1.3.2), and signatures.

const encoder = new TextEncoder();
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const ED25519 = Uint8Array.of(1);

const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const unbase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));

/** Whether this browser can check at all: the functions are there on https, and on this machine. */
export const able = () => globalThis.crypto?.subtle !== undefined;

/** The hash of a leaf's text, in hex. */
export const leafHash = async (leaf) => hex(await sha256(LEAF, encoder.encode(leaf)));

/** The root to which a path leads, in hex; null for a path that fits no tree of this size. */
export async function rootOf(hash, index, size, path) {
  if (!(index >= 0 && index < size)) return null;
  let place = index;
  let last = size - 1;
  let found = unhex(hash);
  for (const step of path.map(unhex)) {
    if (last === 0) return null;
    if (place % 2 === 1 || place === last) {
      found = await sha256(NODE, step, found);
      while (place % 2 === 0 && place !== 0) [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
    } else {
      found = await sha256(NODE, found, step);
    }
    [place, last] = [Math.floor(place / 2), Math.floor(last / 2)];
  }
  return last === 0 ? hex(found) : null;
}

/** A checkpoint's text: `{origin, size, root, body, signatures}`; null where it is none. */
export function readCheckpoint(note) {
  const cut = note.indexOf("\n\n");
  const [origin, size, root] = note.slice(0, cut).split("\n");
  if (cut < 0 || !/^\d+$/.test(size ?? "") || !root) return null;
  const lines = [...note.slice(cut + 2).matchAll(/^— (\S+) (\S+)$/gm)];
  const signatures = lines.filter(([, name]) => name === origin).map(([, , text]) => unbase64(text));
  return { origin, size: Number(size), root: hex(unbase64(root)), body: note.slice(0, cut + 1), signatures };
}

/** Which of the service's keys signed a checkpoint: the key, or null. Raises NotSupportedError (see `signed`). */
export async function signerOf(checkpoint, keys) {
  for (const key of keys) {
    const name = await sha256(encoder.encode(`${checkpoint.origin}\n`), ED25519, unbase64(key.public_key));
    for (const signature of checkpoint.signatures) {
      const named = hex(signature.slice(0, 4)) === hex(name.slice(0, 4));
      if (named && (await signed(key, signature.slice(4), encoder.encode(checkpoint.body)))) return key;
    }
  }
  return null;
}

/** Whether a receipt's signature is that of one of the keys: the key, or null. */
export async function receiptSigner(receipt, keys) {
  const key = keys.find(({ key_id }) => key_id === receipt.key_id);
  if (!key) return null;
  const head = receipt.include_by ? `renzheng receipt v2\n${receipt.include_by}\n` : "renzheng receipt v1\n";
  const text = new Uint8Array(await new Blob([head, unhex(receipt.leaf_hash)]).arrayBuffer());
  return (await signed(key, unbase64(receipt.signature), text)) ? key : null;
}

/** An Ed25519 signature (RFC 8032). Raises NotSupportedError in browsers that do not know it. */
async function signed(key, signature, text) {
  const known = await crypto.subtle.importKey("raw", unbase64(key.public_key), { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, known, signature, text);
}
