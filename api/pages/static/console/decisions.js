// What waits for a supervisor: overrides that a second person approves or refuses, and holders' disputes.

import { act } from "../act.js";
import { el } from "../dom.js";
import { choices, DISPUTE_REASONS, OVERRIDE_REASONS } from "../reasons.js";
import { ask, askOnce } from "../service.js";
import { t } from "../texts.js";
import { time } from "../times.js";
import { checkOf } from "./check.js";
import { badge, button, done, facts, list, pages, short, stateLine, waited, who } from "./ui.js";

const OVERRIDES = ["entered", "approved", "refused"];
const DISPUTES = ["open", "upheld", "rejected"];
const TONES = { entered: "bad", open: "bad", approved: "good", upheld: "", refused: "", rejected: "" };

export function show(root, context) {
  root.append(
    list("overrides", t("overrides_title"), OVERRIDES.map((one) => [one, t(`override_${one}`)]),
      (state) => pages(context, `/v1/overrides?state=${state}`, (one) => override(one, context))),
    list("disputes", t("disputes_title"), DISPUTES.map((one) => [one, t(`disputed_${one}`)]),
      (state) => pages(context, `/v1/disputes?state=${state}`, (one) => dispute(one, context))),
  );
}

/** The check of which it is, when somebody wants to see it. */
function checked(id, context) {
  const details = el("details", {}, el("summary", {}, t("check_show")));
  details.addEventListener("toggle", () => details.childElementCount === 1 && details.append(checkOf(id, context)), { once: true });
  return context.me.scopes.includes("read_verifications") ? [details] : [];
}

function override(one, context) {
  const { me } = context;
  const line = stateLine();
  const panel = el("section", { class: "panel" },
    el("header", {}, el("h3", {}, OVERRIDE_REASONS[one.reason]()), badge(t(`override_${one.state}`), TONES[one.state])),
    el("blockquote", {}, one.text ?? ""),
    facts([
      [t("entered"), `${time(one.entered_at)} · ${who(one.entered_by, me)}`],
      [t("terminal"), short(one.terminal_id)],
      [t("decided"), one.decided_at && `${time(one.decided_at)} · ${who(one.decided_by, me)}`],
    ]),
    ...checked(one.verification_id, context));
  if (one.state === "entered" && me.scopes.includes("approve_overrides")) {
    const own = one.entered_by === me.id;
    const row = el("div", { class: "choices start" });
    if (own) row.append(el("p", { class: "quiet" }, t("override_own")));
    for (const [way, look] of own ? [["refuse", "second"]] : [["approve", "main"], ["refuse", "second"]]) {
      row.append(button(t(`override_do_${way}`), look, () => settle(one, way, panel, line, context)));
    }
    panel.append(row);
  }
  panel.append(line);
  return panel;
}

async function settle(one, way, panel, line, context) {
  const changed = await act({
    signal: context.signal,
    title: t(`override_do_${way}`), lead: t(`override_lead_${way}`), confirm: t(`override_do_${way}`),
    send: (_, key) => askOnce(`/v1/overrides/${one.id}/${way}`, {}, undefined, { "Idempotency-Key": key }),
  });
  if (!changed) return;
  const found = await waited(line, context, () => ask("GET", `/v1/overrides/${one.id}`));
  if (!found) return;
  const again = override(found, context);
  panel.replaceWith(again);
  done(again.querySelector(":scope > .state-line"), t("entry_done", { what: t(`override_${found.state}`) }), changed.receipt);
}

function dispute(one, context) {
  const { me } = context;
  const line = stateLine();
  const panel = el("section", { class: "panel" },
    el("header", {}, el("h3", {}, DISPUTE_REASONS[one.reason]()), badge(t(`disputed_${one.state}`), TONES[one.state])),
    ...(one.text ? [el("blockquote", {}, one.text)] : []),
    facts([
      [t("opened"), time(one.opened_at)],
      [t("terminal"), short(one.terminal_id)],
      [t("decided"), one.resolved_at && `${time(one.resolved_at)} · ${who(one.resolved_by, me)}`],
      [t("note"), one.note],
    ]),
    ...checked(one.verification_id, context));
  if (one.state === "open" && me.scopes.includes("resolve_disputes")) {
    panel.append(el("div", { class: "choices start" }, button(t("dispute_resolve"), "main", () => resolve(one, panel, line, context))));
  }
  panel.append(line);
  return panel;
}

async function resolve(one, panel, line, context) {
  const changed = await act({
    signal: context.signal,
    title: t("dispute_resolve"),
    lead: t("dispute_resolve_lead"),
    fields: [
      { name: "outcome", label: t("duplicate_outcome"), kind: "select", options: choices({ upheld: () => t("disputed_upheld"), rejected: () => t("disputed_rejected") }) },
      { name: "note", label: t("note"), kind: "area", required: true, max: 500, lead: t("no_names") },
    ],
    confirm: t("dispute_resolve"),
    send: (values, key) => askOnce(`/v1/disputes/${one.id}/resolve`, values, undefined, { "Idempotency-Key": key }),
  });
  if (!changed) return;
  const found = await waited(line, context, () => ask("GET", `/v1/disputes/${one.id}`));
  if (!found) return;
  const again = dispute(found, context);
  panel.replaceWith(again);
  done(again.querySelector(":scope > .state-line"), t("entry_done", { what: t(`disputed_${found.state}`) }), changed.receipt);
}
