// Known impostors: alerts, with the check and the entries that it looks like side by side, and the list itself.

import { act } from "../act.js";
import { el } from "../dom.js";
import { fingerName } from "../facts.js";
import { ask, askOnce } from "../service.js";
import { t } from "../texts.js";
import { time } from "../times.js";
import { checkOf } from "./check.js";
import { badge, button, done, facts, list, pages, short, stateLine, waited, who } from "./ui.js";

const KINDS = {
  card_guessing: () => t("alert_card_guessing"),
  holder_deceased_elsewhere: () => t("alert_holder_deceased_elsewhere"),
  impostor_hit: () => t("alert_impostor_hit"),
  stored_faces: () => t("alert_stored_faces"),
};
const TONES = { proposed: "", approved: "bad", refused: "", removed: "", expired: "" };

export function show(root, context) {
  if (context.me.scopes.includes("handle_alerts")) {
    root.append(list("alerts", t("alerts_title"), [["?open=true", t("alerts_open")], ["?open=false", t("alerts_closed")]],
      (query) => pages(context, `/v1/alerts${query}`, (one) => alert(one, context))));
  }
  if (context.me.scopes.includes("read_cases")) {
    const states = ["proposed", "approved", "refused", "removed", "expired"].map((one) => [`?state=${one}`, t(`entry_${one}`)]);
    root.append(list("impostors", t("impostors_title"), [...states, ["?review_due=true", t("entry_due")]],
      (query) => pages(context, `/v1/impostors${query}`, (one) => entry(one, context))));
  }
}

function alert(one, context) {
  const line = stateLine();
  const panel = el("section", { class: "panel" });
  const { kind, details } = one;
  panel.append(
    el("header", {}, el("h3", {}, KINDS[kind]?.() ?? kind), badge(t(one.closed_at ? "alert_closed" : "alert_open"), one.closed_at ? "good" : "bad")),
    facts([
      [t("when"), time(one.raised_at)],
      [t("institution"), short(one.institution_id)],
      [t("axis_card"), one.card_id && el("a", { href: `#cards/${one.card_id}` }, short(one.card_id))],
      [t("alert_failures"), details.failures],
      [t("alert_locked"), details.locked_until && time(details.locked_until)],
      [t("health_faces"), details.people && `${details.people} / ${details.threshold}`],
      [t("alert_reported_by"), details.reported_by && short(details.reported_by)],
      [t("alert_closed_at"), one.closed_at && `${time(one.closed_at)} · ${who(one.closed_by, context.me)}`],
      [t("note"), one.note],
    ]),
  );
  if (kind === "impostor_hit") panel.append(beside(details, context));
  if (!one.closed_at) panel.append(el("div", { class: "choices start" }, button(t("alert_close"), "second", () => close(one, panel, context))));
  panel.append(line);
  return panel;
}

/** Who was verified, and whom they look like. Pictures there are none: captures are never kept. */
function beside({ verification, entries }, context) {
  const left = verification && context.me.scopes.includes("read_verifications") ? checkOf(verification, context)
    : el("div", {}, el("h3", {}, t("check_elsewhere")), el("p", { class: "quiet" }, t("check_elsewhere_lead")));
  const right = el("div", { class: "stack" }, el("h3", {}, t("looks_like")));
  if (!entries.length) right.append(el("p", { class: "quiet" }, t("entries_hidden")));
  for (const { id } of entries) {
    const line = stateLine();
    right.append(line);
    waited(line, context, () => ask("GET", `/v1/impostors/${id}`)).then((found) => found && line.replaceWith(entry(found, context)));
  }
  return el("div", { class: "beside" }, left, right, el("p", { class: "quiet" }, t("no_pictures")));
}

async function close(one, panel, context) {
  const closed = await act({
    signal: context.signal,
    title: t("alert_close"),
    lead: t("alert_close_lead"),
    fields: [{ name: "note", label: t("note"), kind: "area", required: true, max: 1000, lead: t("no_names") }],
    confirm: t("alert_close"),
    send: (values, key) => askOnce(`/v1/alerts/${one.id}/close`, values, undefined, { "Idempotency-Key": key }),
  });
  if (!closed) return;
  const again = alert(closed, context);
  panel.replaceWith(again);
  done(again.querySelector(":scope > .state-line"), t(closed.lock_released ? "alert_was_closed_lock" : "alert_was_closed"), closed.receipt);
}

/** An entry of the list, with what may be done about it. */
function entry(one, context) {
  const { me } = context;
  const held = one.templates?.map(({ modality, position }) => (modality === "face" ? t("modality_face") : fingerName(position))).join(t("comma"));
  const panel = el("section", { class: "panel entry" },
    el("header", {}, el("h3", {}, t(`ground_${one.ground}`)), badge(t(`entry_${one.state}`), TONES[one.state])),
    facts([
      [t("case_reference"), one.case_reference],
      [t("entered"), `${time(one.entered_at)} · ${who(one.entered_by, me)} · ${short(one.institution_id)}`],
      [t("approved"), one.approved_at && `${time(one.approved_at)} · ${who(one.approved_by, me)}`],
      [t("ended"), one.ended_at && `${time(one.ended_at)} · ${who(one.ended_by, me)}`],
      [t("why"), one.reason],
      [t("card_templates"), held],
      [t("review_on"), one.review_due ? badge(one.review_on, "bad") : one.review_on],
      [t("expires_on"), one.expires_on],
    ]));
  const line = stateLine();
  if (me.scopes.includes("manage_impostors")) panel.append(acts(one, panel, line, context));
  panel.append(line);
  return panel;
}

function acts(one, panel, line, context) {
  const reason = [{ name: "reason", label: t("why"), required: true, max: 200, lead: t("no_names") }];
  const ways = {
    proposed: [
      ...(one.entered_by === context.me.id ? [] : [["approve", "main", t("entry_approve_lead"), []]]),
      ["refuse", "second", t("entry_refuse_lead"), reason],
    ],
    approved: [
      ["review", "second", t("entry_review_lead"), [{ name: "review_on", label: t("review_next"), kind: "day", required: true }]],
      ["remove", "main stops", t("entry_remove_lead"), reason],
    ],
  }[one.state] ?? [];
  const row = el("div", { class: "choices start" });
  if (one.state === "proposed" && one.entered_by === context.me.id) row.append(el("p", { class: "quiet" }, t("entry_own")));
  for (const [way, look, lead, fields] of ways) {
    row.append(button(t(`entry_do_${way}`), look, async () => {
      const changed = await act({
        signal: context.signal,
        title: t(`entry_do_${way}`), lead, fields, confirm: t(`entry_do_${way}`), stops: look.includes("stops"),
        send: (values, key) => askOnce(`/v1/impostors/${one.id}/${way}`, values, undefined, { "Idempotency-Key": key }),
      });
      if (!changed) return;
      const found = await waited(line, context, () => ask("GET", `/v1/impostors/${one.id}`));
      if (!found) return;
      const again = entry(found, context);
      panel.replaceWith(again);
      done(again.querySelector(":scope > .state-line"), t("entry_done", { what: t(`entry_${found.state}`) }), changed.receipt);
    }));
  }
  return row;
}
