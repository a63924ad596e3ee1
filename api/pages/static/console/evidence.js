// The evidence: an entry looked up, and its proof checked in this browser, by the log's own rules.

import { el } from "../dom.js";
import { ask } from "../service.js";
import { t } from "../texts.js";
import { time } from "../times.js";
import { able, leafHash, readCheckpoint, receiptSigner, rootOf, signerOf } from "./proof.js";
import { badge, button, facts, newest, say, span, stateLine, waited } from "./ui.js";

const HASH = /^[0-9a-f]{64}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const TONES = { true: "good", false: "bad", null: "" };
const WORDS = { true: () => t("proof_good"), false: () => t("proof_bad"), null: () => t("proof_open") };

export function show(root, context) {
  const line = stateLine();
  const found = el("div", { class: "stack" });
  const field = el("textarea", { id: "find-entry", rows: "3", spellcheck: "false", autocomplete: "off" });
  const form = el("form", { class: "find wide", autocomplete: "off", novalidate: "" });
  form.append(el("label", { for: field.id }, t("evidence_what")), field, el("button", { class: "main" }, t("find")));
  const begin = newest(context);
  const look = () => lookUp(field.value.trim(), line, found, begin());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  const standing = el("div", { class: "stack" });
  root.append(form, el("p", { class: "quiet" }, t("evidence_lead")), line, found, standing);
  log(standing, context);
  if (!context.subject) return;
  field.value = context.subject;
  look();
}

/** How the log stands, without a key: anybody may watch it. */
async function log(root, context) {
  const line = stateLine();
  root.append(el("h2", {}, t("log_title")), line);
  const state = await waited(line, context, () => ask("GET", "/v1/evidence/status"));
  if (!state) return;
  const sound = state.overdue === 0 && state.late === 0 && state.sequencing;
  root.append(el("p", {}, badge(t(sound ? "log_sound" : "log_unsound"), sound ? "good" : "bad")), facts([
    [t("log_size"), String(state.size)],
    [t("log_waiting"), String(state.waiting)],
    [t("log_oldest"), span(state.oldest_wait_s)],
    [t("log_overdue"), String(state.overdue)],
    [t("log_late"), String(state.late)],
  ]));
}

async function lookUp(text, line, found, context) {
  found.replaceChildren();
  if (!text) return say(line, t("evidence_missing"), "bad");
  const entry = await waited(line, context, () => find(text));
  if (entry === null) return say(line, t("evidence_unknown_form"), "bad");
  if (entry) found.replaceChildren(shown(entry));
}

/** `{hash, receipt, inclusion}` of what was entered; null for something that is no entry. */
async function find(text) {
  let receipt = null;
  let hash = text.toLowerCase();
  if (UUID.test(hash)) ({ receipt } = await ask("GET", `/v1/verifications/${hash}`));
  else if (/^\d+$/.test(text)) ({ leaves: [receipt = null] } = await ask("GET", `/v1/evidence/leaves?start=${text}&limit=1`));
  else if (text.startsWith("{")) receipt = receiptIn(text);
  if (receipt) hash = receipt.leaf_hash;
  if (!HASH.test(hash ?? "")) return null;
  return { hash, receipt, inclusion: receipt?.inclusion ?? (await ask("GET", `/v1/evidence/inclusion/${hash}`)) };
}

/** A receipt, or the receipt of an answer that was pasted whole. */
function receiptIn(text) {
  try {
    const read = JSON.parse(text);
    return read.receipt ?? read;
  } catch {
    return null;
  }
}

function shown(entry) {
  const { hash, receipt, inclusion } = entry;
  const leaf = receipt?.leaf ?? null;
  const steps = el("ol", { class: "steps-list" });
  const verdict = el("p", { class: "state-line", role: "status" });
  const check = button(t("proof_check"), "main", async () => {
    check.disabled = true;
    steps.replaceChildren();
    say(verdict, t("proof_checking"));
    await verify(entry, steps, verdict);
    check.disabled = false;
  });
  return el("section", { class: "panel" },
    el("h2", {}, t("evidence_entry")),
    facts([
      [t("evidence_hash"), el("span", { class: "hash" }, hash)],
      [t("evidence_place"), t("evidence_place_of", { index: inclusion.index, size: inclusion.size })],
      [t("evidence_by"), receipt?.include_by && (Date.parse(receipt.include_by) ? time(receipt.include_by) : String(receipt.include_by))],
    ]),
    ...(leaf ? [el("h3", {}, t("evidence_leaf")), el("pre", { tabindex: "0" }, laidOut(leaf))]
      : [el("p", { class: "quiet" }, t(receipt?.withheld === "archived" ? "evidence_archived" : "evidence_no_leaf"))]),
    el("h3", {}, t("evidence_checkpoint")), el("pre", { tabindex: "0" }, inclusion.checkpoint),
    el("div", { class: "choices start" }, check), verdict, steps,
    el("p", { class: "quiet" }, t("proof_trust")));
}

/** A leaf's text with its fields one below the other; one that is no JSON as it is. */
function laidOut(leaf) {
  try {
    return JSON.stringify(JSON.parse(leaf), null, 2);
  } catch {
    return String(leaf);
  }
}

/** Check all that can be checked, and say of each step what came out. */
async function verify({ hash, receipt, inclusion }, steps, verdict) {
  if (!able()) return say(verdict, t("proof_unable"), "bad");
  const results = [];
  const told = (text, good, more = "") => {
    results.push(good);
    steps.append(el("li", {}, badge(WORDS[good](), TONES[good]), ` ${text} `, el("span", { class: "hash" }, more)));
  };
  const missing = (text) => steps.append(el("li", {}, badge(WORDS.null()), ` ${text}`));
  let keys;
  try {
    keys = await ask("GET", "/v1/keys");
  } catch {
    return say(verdict, t("proof_away"), "bad");
  }
  const leaf = receipt?.leaf;
  if (leaf) told(t("proof_leaf"), (await leafHash(leaf)) === hash);
  else missing(t("proof_leaf_away"));
  if (receipt?.signature) told(t("proof_receipt"), await quietly(() => receiptSigner(receipt, keys)));
  else if (receipt) missing(t("proof_receipt_away"));
  // What is not of its form proves nothing: it fails like any other that does not hold.
  const checkpoint = await formed(() => readCheckpoint(inclusion.checkpoint));
  const root = await formed(() => rootOf(hash, inclusion.index, inclusion.size, inclusion.proof));
  const leads = checkpoint !== null && root !== null && checkpoint.size === inclusion.size && checkpoint.root === root;
  told(t("proof_path", { count: inclusion.proof?.length ?? 0 }), leads, root ?? "");
  told(t("proof_checkpoint"), checkpoint === null ? false : await quietly(() => signerOf(checkpoint, keys)));
  const bad = results.includes(false);
  const open = results.includes(null);
  say(verdict, t(bad ? "proof_failed" : open ? "proof_half" : "proof_done"), bad ? "bad" : open ? "" : "good");
}

/** What was read or computed; null where it is not of its form. */
async function formed(work) {
  try {
    return await work();
  } catch {
    return null;
  }
}

/** Whether somebody signed; null where this browser does not know the signatures. */
async function quietly(signer) {
  try {
    return (await signer()) !== null;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") return null;
    return false;
  }
}
