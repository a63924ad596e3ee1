// Cards: found by their number, with what happened to them as a time line, and what may be reported of them.

import { act } from "../act.js";
import { el } from "../dom.js";
import { fingerName } from "../facts.js";
import { ask, askOnce } from "../service.js";
import { said, t, together } from "../texts.js";
import { days, time } from "../times.js";
import { badge, button, done, facts, newest, say, short, stateLine, waited } from "./ui.js";

// The ones that are needed in a hurry stand in front: a loss while the card is good, and when it is missing that it was
// found. That a lost card was stolen is one of the others.
const URGENT = ["reported_lost", "reported_stolen", "found"];
const first = (card) => (card.status === "valid" ? ["reported_lost", "reported_stolen"] : ["found"]).filter((event) => card.possible.includes(event));
const SUPERSEDING = new Set(["reissued", "renewed", "data_corrected"]);
const STOPPING = new Set(["reported_lost", "reported_stolen", "reissued", "renewed", "data_corrected", "cancelled", "holder_deceased", "surrendered"]);

/** `context.kept` holds what was typed, and what was asked and found, for when the page changes its language. */
export function show(root, context) {
  const { kept } = context;
  const line = stateLine();
  const found = el("div", { class: "stack" });
  const begin = newest(context);
  const field = el("input", { id: "find-number", maxlength: "18", autocomplete: "off", spellcheck: "false", inputmode: "text" });
  const form = el("form", { class: "find", autocomplete: "off", novalidate: "" });
  form.append(el("label", { for: field.id }, t("card_number")), field, el("button", { class: "main" }, t("find")));
  field.value = kept.typed ?? "";
  field.addEventListener("input", () => {
    kept.typed = field.value;
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    kept.number = field.value.trim().toUpperCase();
    kept.cards = null;
    find(kept.number, line, found, context, begin());
  });
  root.append(form, el("p", { class: "quiet" }, t("cards_lead")), line, found);
  // A card of which a report is being sent may be told as it was: it is looked for anew.
  if (kept.cards?.some(({ changing }) => changing)) field.focus();
  else if (kept.cards) list(line, found, context);
  else if (kept.number !== undefined) find(kept.number, line, found, context, begin());
  else if (context.subject) one(context.subject, line, found, context, begin());
  else field.focus();
}

async function find(number, line, found, context, asking) {
  found.replaceChildren();
  if (!number) return say(line, t("find_missing"), "bad");
  const answer = await waited(line, asking, async () => {
    const { items } = await ask("POST", "/v1/cards/search", { body: { number } });
    const known = await Promise.all(items.map(({ id }) => ask("GET", `/v1/cards/${id}`)));
    return items.map((item, place) => ({ ...item, ...known[place] }));
  });
  if (!answer) return;
  context.kept.cards = answer;
  list(line, found, context);
}

function list(line, found, context) {
  const { cards, number } = context.kept;
  if (number !== undefined) say(line, cards.length ? t("cards_found", { count: cards.length }) : t("cards_none"));
  found.replaceChildren(...cards.map((card) => shown(card, context)));
}

async function one(id, line, found, context, asking) {
  const card = await waited(line, asking, () => ask("GET", `/v1/cards/${encodeURIComponent(id)}`));
  if (!card) return;
  context.kept.cards = [card];
  list(line, found, context);
}

/** A status as a word, without the stop of its sentence. */
const word = (code, catalogue) => (catalogue[code] ? said(catalogue[code].message).replace(/[。.]$/, "") : code);

/** A card as a panel; after an event it is read anew and drawn again in its place. */
function shown(card, context) {
  const { catalogue, me } = context;
  const panel = el("section", { class: "panel card" });
  const line = stateLine();
  const tone = card.words.code === "valid" ? "good" : "bad";
  const title = el("h2", {}, badge(word(card.words.code, catalogue), tone));
  const held = card.templates?.map(({ modality, position }) => (modality === "face" ? t("modality_face") : fingerName(position))).join(t("comma"));
  const marks = [card.surrendered && t("mark_surrendered"), card.disputed && t("mark_disputed")].filter(Boolean).join(t("comma"));
  panel.append(
    el("header", {}, title, el("span", { class: "quiet" }, t("card_reference", { id: short(card.id) }))),
    el("p", {}, together(card.words.since_words && said(card.words.since_words), said(card.words.holder))),
    facts([
      [t("card_issuer"), card.issuer],
      [t("card_days"), days(card.valid_from, card.valid_to, t("long_term"))],
      [t("card_templates"), held === "" ? t("no_templates") : held],
      [t("card_marks"), marks],
      [t("card_locked"), card.checks_locked_until && time(card.checks_locked_until)],
      [t("superseded_by"), card.superseded_by && link(card.superseded_by)],
    ]),
    ...(me.scopes.includes("report_cards") ? [events(card, panel, line, context)] : []),
    line,
    timeLine(card, context),
  );
  if (card.reported) {
    const { event, recorded_at, receipt } = card.reported;
    done(line, t("event_recorded", { event: t(`event_${event}`), time: time(recorded_at) }), receipt);
  }
  return panel;
}

const link = (id) => el("a", { href: `#cards/${id}` }, short(id));

/** The reports that the card's state allows: the urgent ones as buttons, the others in a list. A loss that cannot be
 * reported any more is shown as such, with the reason: whoever comes for it must not have to look for it. */
function events(card, panel, line, context) {
  const urgent = first(card);
  const others = card.possible.filter((event) => !urgent.includes(event));
  const row = el("div", { class: "choices start" });
  for (const event of urgent) {
    const look = event === "found" ? "main" : "main stops";
    row.append(button(t(`do_${event}`), look, () => report(event, card, panel, line, context)));
  }
  if (others.length) {
    const list = el("select", { "aria-label": t("other_events") });
    list.append(el("option", { value: "" }, t("other_events")), ...others.map((event) => el("option", { value: event }, t(`event_${event}`))));
    list.addEventListener("change", () => {
      const event = list.value;
      list.value = "";
      if (event) report(event, card, panel, line, context);
    });
    row.append(list);
  }
  if (!card.possible.includes("reported_lost")) {
    const reason = el("p", { class: "quiet", id: `not-now-${card.id}` }, t("do_not_now", { event: t("do_reported_lost"), status: word(card.status, context.catalogue) }));
    const closed = button(t("do_reported_lost"), "second", () => {});
    closed.disabled = true;
    closed.setAttribute("aria-describedby", reason.id);
    row.append(closed, reason);
  }
  return row;
}

async function report(event, card, panel, line, context) {
  const fields = [{ name: "reason", label: t("event_reason"), max: 200 }];
  if (SUPERSEDING.has(event)) {
    fields.unshift({ name: "superseded_by", label: t("superseding_card"), max: 36, lead: t("superseding_lead") });
  }
  const answer = await act({
    signal: context.signal,
    title: t("event_title", { event: t(`event_${event}`) }),
    lead: STOPPING.has(event) ? t("event_stops") : t("event_lead"),
    fields,
    confirm: t(URGENT.includes(event) ? `do_${event}` : "event_confirm"),
    stops: STOPPING.has(event),
    send: async ({ reason, superseded_by }, key) => {
      card.changing = true;
      const body = { event, ...(reason ? { reason } : {}), ...(superseded_by ? { superseded_by } : {}) };
      return askOnce(`/v1/cards/${card.id}/events`, body, undefined, { "Idempotency-Key": key });
    },
  });
  if (!answer) return;
  const now = await waited(line, context, () => ask("GET", `/v1/cards/${card.id}`));
  if (!now) return;
  const again = shown(Object.assign(card, now, { reported: { ...answer, event }, changing: false }), context);
  panel.replaceWith(again);
  again.querySelector(".state-line").scrollIntoView({ block: "nearest" });
}

function timeLine(card, { catalogue }) {
  const steps = card.events.map(({ event, status, recorded_at, reason, superseded_by }) =>
    el("li", { "data-tone": status === "valid" ? "good" : "bad" },
      el("time", { datetime: recorded_at }, time(recorded_at)),
      el("strong", {}, t(`event_${event}`)),
      el("span", {}, word(status, catalogue)),
      ...(superseded_by ? [el("span", {}, `${t("superseded_by")} `, link(superseded_by))] : []),
      ...(reason ? [el("q", {}, reason)] : [])));
  return el("div", {}, el("h3", {}, t("time_line")), el("ol", { class: "time-line" }, ...steps));
}
