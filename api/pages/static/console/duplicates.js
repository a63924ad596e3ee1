// Persons with two identities: a case's members side by side, how alike they are, and the decision that takes two people.

import { act } from "../act.js";
import { el } from "../dom.js";
import { fingerName } from "../facts.js";
import { ask, askOnce } from "../service.js";
import { t } from "../texts.js";
import { time } from "../times.js";
import { figure, ratios, widthOf } from "./chart.js";
import { rate, ratio } from "./check.js";
import { badge, button, choice, done, facts, pages, short, stateLine, waited, who } from "./ui.js";

const STATES = ["open", "proposed", "confirmed", "rejected", "superseded"];
const TONES = { open: "", proposed: "bad", confirmed: "bad", rejected: "good", superseded: "" };
const DECIDABLE = { open: ["confirmed", "rejected"], proposed: ["confirmed", "rejected", "open"], confirmed: ["open"], rejected: ["open"] };

export function show(root, context) {
  const place = el("div", { class: "stack" });
  const pick = choice("duplicates-filter", t("shown"), STATES.map((one) => [one, t(`duplicate_${one}`)]));
  const show = () => place.replaceChildren(pages(context, `/v1/duplicates?limit=10&state=${pick.lastElementChild.value}`, (one) => shown(one, context, root)));
  pick.addEventListener("change", show);
  root.append(el("p", { class: "quiet" }, t("duplicates_lead")), el("div", { class: "filters" }, pick), place);
  show();
}

function shown(one, context, root) {
  const { me } = context;
  const names = Object.fromEntries(one.members.map(({ id }, place) => [id, t("member", { letter: String.fromCharCode(65 + (place % 26)) + (place < 26 ? "" : Math.floor(place / 26)) })]));
  const line = stateLine();
  const panel = el("section", { class: "panel" },
    el("header", {}, el("h2", {}, t(`duplicate_kind_${one.kind}`)), badge(t(`duplicate_${one.state}`), TONES[one.state])),
    facts([
      [t("llr_strongest"), ratio(one.llr)],
      [t("opened"), time(one.opened_at)],
      [t("proposed_by"), one.proposed_by && who(one.proposed_by, me)],
      [t("decided"), one.decided_at && `${time(one.decided_at)} · ${who(one.decided_by, me)}`],
      [t("why"), one.reason],
      [t("found_in"), `${time(one.found_in.begun_at)} · ${one.found_in.purpose}${one.found_in.case_reference ? ` · ${one.found_in.case_reference}` : ""}`],
    ]),
    el("div", { class: "beside" }, ...one.members.map((member) => memberOf(member, names[member.id], me))),
    ...one.pairs.map((pair) => pairOf(pair, names, root)));
  if (me.scopes.includes("decide_duplicates") && DECIDABLE[one.state]) {
    panel.append(el("div", { class: "choices start" }, button(t("duplicate_decide"), "main", () => decide(one, names, panel, line, context, root))));
  }
  panel.append(line, el("p", { class: "quiet" }, t("no_pictures_here")));
  return panel;
}

function memberOf({ id, same, cards, institutions }, name, me) {
  const links = cards.map((card) => (me.scopes.includes("read_cards") ? el("a", { href: `#cards/${card}` }, short(card)) : short(card)));
  return el("div", { class: "member" }, el("h3", {}, name), facts([
    [t("identifier"), short(id)],
    [t("member_cards"), links.length ? el("span", {}, ...links.flatMap((one) => [one, " "])) : t("member_elsewhere")],
    [t("member_institutions"), institutions.map(short).join(t("comma"))],
    [t("member_same"), same === null ? "" : t(same ? "yes" : "no")],
  ]));
}

/** Two members: face and fingers one by one, and all together. */
function pairOf(pair, names, root) {
  const title = t("pair_title", { first: names[pair.first], second: names[pair.second], what: t(`pair_${pair.kind}`) });
  const rows = [
    { label: t("modality_face"), llr: pair.face_llr },
    ...pair.fingers.map(({ position, llr }) => ({ label: fingerName(position), llr })),
    { label: t("together"), llr: pair.llr },
  ];
  const cells = rows.map(({ label, llr }) => [label, ratio(llr), label === t("together") ? rate(pair.fmr, pair.extrapolated) : "–"]);
  return figure(title, ratios(title, rows, Math.min(widthOf(root) - 40, 760)), [t("modality"), t("llr"), t("fmr")], cells);
}

async function decide(one, names, panel, line, context, root) {
  const fields = [
    { name: "outcome", label: t("duplicate_outcome"), kind: "select", options: DECIDABLE[one.state].map((outcome) => [outcome, t(`outcome_${outcome}`)]) },
    { name: "reason", label: t("why"), kind: "area", required: true, max: 200, lead: t("no_names") },
  ];
  if (one.members.length > 2) fields.push({ name: "members", label: t("duplicate_members"), kind: "checks", options: one.members.map(({ id }) => [id, names[id]]) });
  const decided = await act({
    signal: context.signal,
    title: t("duplicate_decide"),
    lead: t("duplicate_lead"),
    fields,
    confirm: t("duplicate_go"),
    send: ({ outcome, reason, members }, key) => {
      const body = { outcome, reason, revision: one.revision, ...(outcome === "confirmed" && members ? { members: members.split(",") } : {}) };
      return askOnce(`/v1/duplicates/${one.id}/decide`, body, undefined, { "Idempotency-Key": key });
    },
  });
  if (!decided) return;
  const found = await waited(line, context, () => ask("GET", `/v1/duplicates/${one.id}`));
  if (!found) return;
  const again = shown(found, context, root);
  panel.replaceWith(again);
  done(again.querySelector(":scope > .state-line"), t("entry_done", { what: t(`duplicate_${found.state}`) }), decided.receipt);
}
