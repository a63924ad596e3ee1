// What a figure counts: identifiers with the hashes of their leaves, each of which the log proves.

import { el } from "../dom.js";
import { ask } from "../service.js";
import { t } from "../texts.js";
import { time } from "../times.js";
import { button, short, stateLine, table, waited } from "./ui.js";

const KINDS = {
  verification: () => t("kind_verification"),
  transaction: () => t("kind_transaction"),
  override: () => t("kind_override"),
  dispute: () => t("kind_dispute"),
};

/** Show in a dialog what `figure` counts. */
export function evidenceOf(figure, name, context) {
  const heading = el("h2", { id: "counted-title", tabindex: "-1" }, t("counted_title", { name, count: figure.count }));
  const line = stateLine();
  const list = el("div", { class: "stack" });
  const close = button(t("close"), "main", () => dialog.close());
  const more = button(t("more"), "second", () => load());
  const dialog = el("dialog", { class: "wide", "aria-labelledby": heading.id }, heading, line, list, el("div", { class: "choices" }, more, close));
  let next = null;
  async function load() {
    more.hidden = true;
    const path = next ? `${figure.evidence}&after=${next}` : figure.evidence;
    const page = await waited(line, context, () => ask("GET", path));
    if (!page) return;
    next = page.next;
    more.hidden = next === null;
    const rows = page.items.map(({ kind, id, at, terminal_id, amount, leaf_hash }) =>
      [time(at), KINDS[kind]?.() ?? kind, short(id), short(terminal_id), String(amount), proof(leaf_hash, dialog)]);
    list.append(table(t("counted_list"), [t("when"), t("kind"), t("identifier"), t("terminal"), t("amount"), t("evidence_column")], rows));
  }
  dialog.addEventListener("close", () => dialog.remove());
  context.signal.addEventListener("abort", () => dialog.close(), { once: true });
  document.body.append(dialog);
  dialog.showModal();
  load();
}

function proof(hash, dialog) {
  const link = el("a", { href: `#evidence/${hash}` }, `${hash.slice(0, 12)}…`);
  link.addEventListener("click", () => dialog.close());
  return link;
}
