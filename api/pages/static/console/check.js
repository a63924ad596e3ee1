// A check as staff see it: when, how it was decided, and the figures of what was compared.

import { el } from "../dom.js";
import { DECISIONS } from "../reasons.js";
import { ask } from "../service.js";
import { said, t } from "../texts.js";
import { time } from "../times.js";
import { badge, facts, short, stateLine, table, waited } from "./ui.js";

const TONES = { PASS: "good", REVIEW: "", REFUSE: "bad" };

/** A ratio with two digits, and a rate in the form of powers; a dash where nothing was assessed. */
export const ratio = (llr) => (llr === null || llr === undefined ? "–" : llr.toFixed(2));
export const rate = (fmr, extrapolated) => (fmr === null || fmr === undefined ? "–" : `${extrapolated ? "< " : ""}${fmr.toExponential(1)}`);

/** A place in which the check is shown once it was read. */
export function checkOf(id, context) {
  const line = stateLine();
  const root = el("div", { class: "stack" }, el("h3", {}, t("check_title", { id: short(id) })), line);
  waited(line, context, () => ask("GET", `/v1/verifications/${id}`)).then((found) => found && root.append(...shown(found, context)));
  return root;
}

function shown({ id, decision, decided_at, document, person, receipt }, { catalogue }) {
  const word = (code) => (catalogue[code] ? said(catalogue[code].message).replace(/[。.]$/, "") : code);
  const rows = person.modalities.map(({ modality, status, reason, llr, fmr }) =>
    [t(modality === "face" ? "modality_face" : "modality_finger"), status === "assessed" ? ratio(llr) : word(reason), rate(fmr)]);
  return [
    el("p", {}, badge(DECISIONS[decision](), TONES[decision])),
    facts([
      [t("when"), time(decided_at)],
      [t("axis_card"), word(document.status)],
      [t("axis_person"), person.reasons.map(word).join(t("comma"))],
      [t("llr"), ratio(person.llr)],
      [t("fmr"), rate(person.fmr, person.extrapolated)],
      [t("evidence_column"), el("a", { href: `#evidence/${id}` }, `${receipt.leaf_hash.slice(0, 12)}…`)],
    ]),
    ...(rows.length ? [table(t("compared_modalities"), [t("modality"), t("llr"), t("fmr")], rows)] : []),
  ];
}
