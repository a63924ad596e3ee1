// The holder who was just verified asks what checks were made of them, and disputes one.

import { act } from "./act.js";
import { $, el, put } from "./dom.js";
import { explained } from "./page.js";
import { choices, DECISIONS, DISPUTE_REASONS } from "./reasons.js";
import { ask, askOnce } from "./service.js";
import { t } from "./texts.js";
import { minute } from "./times.js";

const PURPOSES = {
  identity_check: () => t("purpose_identity"),
  account_opening: () => t("purpose_account"),
  large_withdrawal: () => t("purpose_withdrawal"),
  card_service: () => t("purpose_card"),
  kiosk_check: () => t("purpose_kiosk"),
};
const DISPUTES = { open: () => t("dispute_is_open"), upheld: () => t("dispute_was_upheld"), rejected: () => t("dispute_was_rejected") };
/** Show whether the holder can be told: after a check that passed, who stands there is known. */
export function showHolder({ answer }) {
  $("#holder").hidden = answer === null;
  $("#holder-checks").hidden = answer?.decision !== "PASS";
  put($("#holder-lead"), t(answer?.decision === "PASS" ? "holder_lead" : "holder_later"));
}

/** Have the button work; `now` gives the present visit. */
export function serveHolder(now) {
  $("#holder-checks").addEventListener("click", () => {
    const { visit } = now();
    tell(visit.answer.id, visit.ended.signal);
  });
}

function tell(verification, signal) {
  if (signal.aborted) return;
  const heading = el("h2", { id: "history-title", tabindex: "-1" }, t("history_title"));
  const line = el("p", { class: "state", role: "status" });
  const error = el("p", { class: "error", role: "alert" });
  const list = el("ol", { class: "history" });
  const more = el("button", { type: "button", class: "second" }, t("history_more"));
  const close = el("button", { type: "button", class: "main" }, t("close"));
  const dialog = el("dialog", { "aria-labelledby": heading.id }, heading, line, error, list, el("div", { class: "choices" }, more, close));
  let next = null;
  async function load() {
    more.hidden = true;
    put(error, "");
    put(line, t("history_wait"));
    try {
      const body = next ? { verification, after: next } : { verification };
      const page = await ask("POST", "/v1/holders/history", { body });
      list.append(...page.items.map((item) => entry(item, verification, signal)));
      next = page.next;
      put(line, list.children.length ? "" : t("history_none"));
    } catch (failure) {
      put(line, "");
      put(error, explained(failure));
    }
    more.hidden = next === null;
  }
  more.addEventListener("click", load);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  signal.addEventListener("abort", () => dialog.close(), { once: true });
  document.body.append(dialog);
  dialog.showModal();
  load();
}

function entry(item, verification, signal) {
  const where = item.institution ?? t(item.institution_kind === "issuing_authority" ? "history_authority" : "history_elsewhere");
  const what = item.decision ? DECISIONS[item.decision]() : t("history_question");
  const state = el("span", { class: "state" }, item.dispute ? DISPUTES[item.dispute]() : "");
  const made = el("li", {},
    el("strong", {}, `${minute(item.at)} ${what}`),
    el("span", {}, `${where} · ${PURPOSES[item.purpose]?.() ?? item.purpose}`), state);
  if (item.kind === "verification" && item.dispute !== "open") {
    const button = el("button", { type: "button", class: "second" }, t("dispute_this"));
    button.addEventListener("click", async () => {
      const opened = await dispute(item, verification, signal);
      if (!opened) return;
      button.remove();
      put(state, t("dispute_opened", { id: opened.id.slice(0, 8).toUpperCase() }));
    });
    made.append(button);
  }
  return made;
}

function dispute(item, verification, signal) {
  return act({
    signal,
    title: t("dispute_title"),
    lead: t("dispute_lead"),
    fields: [
      { name: "reason", label: t("dispute_reason"), kind: "select", options: choices(DISPUTE_REASONS) },
      { name: "text", label: t("dispute_text"), kind: "area", max: 500, lead: t("no_names") },
    ],
    confirm: t("dispute_go"),
    send: async ({ reason, text }, key) => {
      const body = { verification, check: item.id, reason, ...(text ? { text } : {}) };
      return askOnce("/v1/holders/disputes", body, undefined, { "Idempotency-Key": key });
    },
  });
}
