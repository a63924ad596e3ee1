// Going on in spite of REVIEW or REFUSE: the teller says why, and a second person answers for it with them. The decision
// stays what it is.

import { act } from "./act.js";
import { $, put, sleep } from "./dom.js";
import { bearer } from "./page.js";
import { choices, OVERRIDE_REASONS } from "./reasons.js";
import { ask, askOnce } from "./service.js";
import { said, t } from "./texts.js";

const LOOK_MS = 4000;
/** Out of use, whoever shows them; the service refuses it in any case. */
const BARRED = new Set(["card_reported_lost", "card_reported_stolen", "card_reissued", "card_cancelled", "holder_deceased"]);

const STATES = { entered: () => t("on_entered"), approved: () => t("on_approved"), refused: () => t("on_refused") };

/** Show what can be done after `visit.answer`, and where an override of it stands. */
export function showGoingOn(visit, catalogue) {
  const { answer, override } = visit;
  const possible = answer !== null && answer.decision !== "PASS";
  const barred = possible && BARRED.has(answer.document.status);
  const state = override?.state;
  $("#going-on").hidden = !possible;
  $("#go-on").hidden = barred || state === "entered" || state === "approved";
  $("#second-person").hidden = state !== "entered";
  put($("#going-on-state"), barred ? said(catalogue.override_not_possible.message) : state ? STATES[state]() : t("on_lead"));
  $("#going-on").dataset.state = state ?? "";
}

/** Have the buttons work; `now` gives the present visit, the catalogue, and signs a teller in where none is. */
export function goOn(now) {
  $("#go-on").addEventListener("click", async () => {
    const { visit, catalogue, operator, signIn } = now();
    if (!operator) return signIn();
    const override = await enter(visit.answer, visit.ended.signal);
    if (!override || visit.ended.signal.aborted) return;
    visit.override = override;
    showGoingOn(visit, catalogue);
    $("#second-person").focus();
    follow(visit, catalogue);
  });
  $("#second-person").addEventListener("click", async () => {
    const { visit, catalogue } = now();
    const decided = await decide(visit.override, visit.ended.signal);
    if (!decided || visit.ended.signal.aborted) return;
    visit.override = { ...visit.override, ...decided };
    showGoingOn(visit, catalogue);
  });
}

function enter(answer, signal) {
  return act({
    signal,
    title: t("on_title"),
    lead: t("on_stays"),
    fields: [
      { name: "reason", label: t("on_reason"), kind: "select", options: choices(OVERRIDE_REASONS) },
      { name: "text", label: t("on_text"), kind: "area", required: true, max: 500, lead: t("no_names") },
    ],
    confirm: t("on_enter"),
    send: async (values, key) => {
      const sent = await askOnce(`/v1/verifications/${answer.id}/override`, values, undefined, { "Idempotency-Key": key });
      return { ...sent, text: values.text };
    },
  });
}

/** The second person's own key stands for this one act, and is kept nowhere. */
function decide(override, signal) {
  return act({
    signal,
    title: t("second_title"),
    lead: t("second_lead", { reason: OVERRIDE_REASONS[override.reason](), text: override.text }),
    fields: [
      { name: "how", label: t("second_how"), kind: "select", options: [["approve", t("second_approve")], ["refuse", t("second_refuse")]] },
      { name: "secret", label: t("second_key"), kind: "password", required: true },
    ],
    confirm: t("second_go"),
    send: async ({ how, secret }, key) =>
      askOnce(`/v1/overrides/${override.id}/${how}`, {}, undefined, { "Idempotency-Key": key, ...(await bearer(secret)) }),
  });
}

/** The second person may decide elsewhere, at the console: the counter sees it by itself. */
async function follow(visit, catalogue) {
  const { signal } = visit.ended;
  while (!signal.aborted && visit.override?.state === "entered") {
    await sleep(LOOK_MS);
    if (signal.aborted || visit.override?.state !== "entered") return;
    const found = await ask("GET", `/v1/overrides/${visit.override.id}`).catch(() => null);
    if (found && !signal.aborted && visit.override?.id === found.id && found.state !== "entered") {
      visit.override = found;
      showGoingOn(visit, catalogue);
    }
  }
}
