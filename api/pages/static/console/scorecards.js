// Scorecards: a month's figures as pictures with their intervals, what stands out among terminals, and the way from each
// figure down to its evidence.

import { $, el } from "../dom.js";
import { ask } from "../service.js";
import { current, said, t } from "../texts.js";
import { thisMonth, time } from "../times.js";
import { anything, bars, figure, funnel, lines, percent, widthOf } from "./chart.js";
import { evidenceOf } from "./counted.js";
import { FIGURES, causeName } from "./figures.js";
import { badge, button, choice, facts, short, span, stateLine, table, waited } from "./ui.js";

const MONTHS = 13;
const TREND = 6;
const PATIENCE_MS = 70_000;
const MOST_ROWS = 40;
// The pictures of one card: which figures stand side by side.
const PICTURES = [
  ["picture_decisions", (name) => /^checks\.(PASS|REVIEW|REFUSE)$/.test(name)],
  ["picture_refusals", (name) => name.startsWith("refusals.")],
  ["picture_captures", (name) => /^captures\..*failed/.test(name)],
  ["picture_omissions", (name) => name === "transactions.covered" || name.startsWith("omissions")],
  ["picture_overrides", (name) => name.startsWith("overrides") || /^disputes\.(upheld|rejected)$/.test(name)],
];
const COMPARED = ["transactions.covered", "omissions", "checks.REFUSE", "checks.REVIEW", "overrides", "captures.face.failed"];
const ORDER = ["checks.PASS", "checks.REVIEW", "checks.REFUSE"];
const TONES = { "checks.PASS": "good", "checks.REFUSE": "bad", "transactions.covered": "good" };
const RATES = {
  face_fta: () => t("rate_face_fta"),
  finger_fta: () => t("rate_finger_fta"),
  overrides: () => t("rate_overrides"),
  refusals: () => t("rate_refusals"),
  omissions: () => t("rate_omissions"),
};
const TOLD_ALIKE = { card_reported_stolen: "reported_stolen", card_reissued: "reissued", card_cancelled: "cancelled", holder_deceased: "holder_deceased" };
const CHANNELS = { counter: () => t("channel_counter"), kiosk: () => t("channel_kiosk"), either: () => t("channel_either") };

export function show(root, context) {
  const line = stateLine();
  const shown = el("div", { class: "stack" });
  const month = choice("scorecard-month", t("month"), months(MONTHS).map((one) => [one, one]));
  const by = choice("scorecard-by", t("divided"), [["total", t("by_total")], ["institution", t("by_institution")], ["terminal", t("by_terminal")]]);
  const load = () => read($("select", month).value, $("select", by).value, line, shown, context);
  month.addEventListener("change", load);
  by.addEventListener("change", load);
  root.append(el("div", { class: "filters" }, month, by), line, shown);
  load();
}

/** The last months, the present one first. */
function months(count) {
  const [year, month] = thisMonth().split("-").map(Number);
  return Array.from({ length: count }, (_, back) => new Date(Date.UTC(year, month - 1 - back, 1)).toISOString().slice(0, 7));
}

const asked = (month, by) => ask("GET", `/v1/scorecards?month=${month}&by=${by}`, { timeoutMs: PATIENCE_MS });

async function read(month, by, line, shown, context) {
  shown.replaceChildren();
  const question = `${month} ${by}`;
  context.question = question;
  const found = await waited(line, context, () => asked(month, by));
  // A slower answer to an earlier question is no answer to this one.
  if (!found || context.question !== question) return;
  shown.replaceChildren();
  shown.append(el("p", { class: "quiet" }, t("counted_at", { time: time(found.as_of) })));
  if (!found.items.length) return shown.append(el("p", {}, t("none_there")));
  if (by === "total") shown.append(card(found.items[0], shown, context), trend(month, shown, context));
  else shown.append(compared(found, shown), ...found.items.slice(0, MOST_ROWS).map((item) => card(item, shown, context, true)));
  shown.append(patterns(found, shown));
}

const nameOf = ({ terminal, institution }) => [institution, terminal].filter(Boolean).join(" · ") || t("by_total");

/** A card: what matters most in words, then the pictures; in a long list it is folded. */
function card(item, shown, context, folded = false) {
  const of = Object.fromEntries(item.figures.map((one) => [one.figure, one]));
  const rate = (name) => (of[name]?.share === null || of[name] === undefined ? "–" : percent(of[name].share));
  const parts = [
    facts([
      [FIGURES.checks(), String(of.checks.count)],
      [t("coverage"), rate("transactions.covered")],
      [FIGURES.omissions(), String(of.omissions.count)],
      [FIGURES.overrides(), String(of.overrides.count)],
      [FIGURES.disputes(), String(of.disputes.count)],
      [t("first_refusal"), item.first_refusal_s && t("first_refusal_s", spans(item.first_refusal_s))],
    ]),
    ...(item.first_refusals_not_known ? [el("p", { class: "notice warning" }, t("first_refusal_not_known", { count: item.first_refusals_not_known }))] : []),
    ...PICTURES.map(([title, belongs]) => picture(t(title), item.figures.filter((one) => belongs(one.figure)), shown, context)),
    all(item, context),
  ];
  if (!folded) return el("section", { class: "panel" }, el("h2", {}, nameOf(item)), ...parts);
  const details = el("details", { class: "panel" }, el("summary", {}, nameOf(item)));
  details.addEventListener("toggle", () => details.childElementCount === 1 && details.append(...parts));
  return details;
}

const spans = (seconds) => Object.fromEntries(Object.entries(seconds).map(([name, one]) => [name, span(one)]));

export function figureName(name, catalogue) {
  if (FIGURES[name]) return FIGURES[name]();
  const code = name.slice(name.lastIndexOf(".") + 1);
  if (name.startsWith("omissions.")) return causeName(code);
  const words = catalogue[code] ? said(catalogue[code].message).replace(/[。.]$/, "") : code;
  // 证件已挂失 and 证件已失效 are said of several: a list of causes tells them apart.
  return current() === "zh" && TOLD_ALIKE[code] ? t("named_code", { name: words, code: t(`event_${TOLD_ALIKE[code]}`) }) : words;
}

const shareText = ({ count, total, share, low, high }) => {
  const told = `${percent(share)} (${count}/${total})`;
  return anything(low, high) ? `${told}${t("comma")}${t("too_few_data")}` : told;
};
const interval = ({ low, high }) => (low === null ? "–" : `${percent(low)} – ${percent(high)}`);

function picture(title, found, shown, { catalogue }) {
  const rows = found.filter(({ total }) => total !== null).map((one) => ({
    ...one, label: figureName(one.figure, catalogue), text: one.total ? shareText(one) : t("no_data"), tone: TONES[one.figure] ?? "",
  })).sort((one, other) => ORDER.indexOf(one.figure) - ORDER.indexOf(other.figure) || other.count - one.count);
  // Of nothing there are no shares: an axis without a bar would look like noughts.
  if (!rows.some(({ total }) => total)) return el("figure", {}, el("figcaption", {}, title), el("p", { class: "quiet" }, t("no_data_in")));
  return figure(title, bars(title, rows, widthOf(shown) - 40), [t("figure"), t("count"), t("share"), t("interval")],
    rows.map((one) => [one.label, `${one.count} / ${one.total}`, one.share === null ? t("no_data") : percent(one.share), interval(one)]));
}

/** Every figure, each with the way down to what was counted. */
function all(item, context) {
  const rows = item.figures.map((one) => [
    figureName(one.figure, context.catalogue),
    one.total === null ? String(one.count) : `${one.count} / ${one.total}`,
    one.share === null ? "–" : percent(one.share),
    interval(one),
    one.count ? button(t("to_counted"), "plain small", () => evidenceOf(one, figureName(one.figure, context.catalogue), context)) : "–",
  ]);
  return el("details", {}, el("summary", {}, t("all_figures")),
    table(t("all_figures_of", { name: nameOf(item) }), [t("figure"), t("count"), t("share"), t("interval"), t("evidence_column")], rows));
}

/** One figure over institutions or terminals. */
function compared({ items }, shown) {
  const place = el("div", { class: "stack" });
  const pick = choice("compared-figure", t("compared"), COMPARED.map((name) => [name, FIGURES[name]()]));
  const show = () => {
    const name = $("select", pick).value;
    const rows = items.map((item) => ({ ...item.figures.find((one) => one.figure === name), label: nameOf(item) }))
      .filter(({ share }) => share !== undefined)
      .sort((one, other) => (other.share ?? -1) - (one.share ?? -1)).slice(0, MOST_ROWS)
      .map((one) => ({ ...one, text: one.share === null ? t("no_data") : shareText(one), tone: TONES[name] ?? "" }));
    place.replaceChildren(rows.some(({ share }) => share !== null) ? figure(FIGURES[name](), bars(FIGURES[name](), rows, widthOf(shown) - 40),
      [t("who"), t("count"), t("share"), t("interval")], rows.map((one) => [one.label, `${one.count} / ${one.total}`, one.share === null ? t("no_data") : percent(one.share), interval(one)]))
      : el("p", { class: "quiet" }, t("no_data_in")));
  };
  pick.addEventListener("change", show);
  show();
  return el("section", { class: "panel" }, el("h2", {}, t("compared_title")), el("div", { class: "filters" }, pick), place);
}

/** The months before, asked for when somebody wants to see them: each is counted anew. */
function trend(month, shown, context) {
  const line = stateLine();
  const place = el("div", { class: "stack" });
  const more = button(t("trend_show", { count: TREND }), "second", async () => {
    more.hidden = true;
    const names = months(MONTHS + TREND).slice(months(MONTHS + TREND).indexOf(month)).slice(0, TREND).reverse();
    const found = await waited(line, context, async () => {
      const cards = [];
      for (const name of names) cards.push((await asked(name, "total")).items[0].figures);
      return cards;
    });
    if (!found) return void (more.hidden = false);
    const series = [["transactions.covered", "good"], ["checks.REFUSE", "bad"], ["checks.REVIEW", ""]].map(([name, tone]) => ({
      name: FIGURES[name](), tone,
      points: found.map((figures) => figures.find((one) => one.figure === name)).map((one) => (one?.share === null || !one ? null : one)),
    }));
    const legend = el("ul", { class: "legend" }, ...series.map(({ name, tone }) => el("li", { "data-tone": tone }, name)));
    const rows = names.map((name, at) => [name, ...series.map(({ points }) => (points[at] ? `${percent(points[at].share)} (${interval(points[at])})` : t("no_data")))]);
    place.append(legend, figure(t("trend_title"), lines(t("trend_title"), names, series, widthOf(shown) - 40), [t("month"), ...series.map(({ name }) => name)], rows));
  });
  return el("section", { class: "panel" }, el("h2", {}, t("trend_title")), el("div", { class: "choices start" }, more), line, place);
}

/** Terminals against their peers: what stands out, by which test, and how sure. */
function patterns({ patterns: found, items }, shown) {
  const names = Object.fromEntries(items.filter(({ terminal_id }) => terminal_id).map((item) => [item.terminal_id, nameOf(item)]));
  const parts = found.groups.map(({ rate, channel, judged, terminals }) => {
    const title = `${RATES[rate]()} · ${CHANNELS[channel]()}`;
    if (!judged) return el("p", { class: "quiet" }, t("too_few_peers", { title, count: terminals.length, least: found.least_peers }));
    const rows = terminals.map((one) => ({
      ...one, name: names[one.terminal_id] ?? short(one.terminal_id), rate: one.cases / one.trials,
      near: one.limits_95.map((limit) => limit / one.trials), wide: one.limits_998.map((limit) => limit / one.trials), expected: one.expected / one.trials,
      text: one.unusual ? t("stands_out") : "",
    })).sort((one, other) => one.q - other.q || other.rate - one.rate).slice(0, MOST_ROWS);
    const heads = [t("terminal"), t("count"), t("expected"), "p", "q", t("judgement")];
    const cells = rows.map((one) => [one.name, `${one.cases} / ${one.trials}`, one.expected === null ? "–" : percent(one.expected),
      one.p.toPrecision(2), one.q.toPrecision(2), one.unusual ? badge(t("stands_out"), "bad") : t("as_others")]);
    return figure(title, funnel(title, rows, widthOf(shown) - 40), heads, cells);
  });
  const unusual = found.groups.flatMap(({ terminals }) => terminals).filter(({ unusual: one }) => one).length;
  return el("section", { class: "panel" }, el("h2", {}, t("patterns_title")),
    el("p", {}, found.groups.some(({ judged }) => judged) ? badge(t("patterns_found", { count: unusual }), unusual ? "bad" : "good") : badge(t("patterns_unjudged"))),
    el("p", { class: "quiet" }, t("patterns_lead", { share: percent(found.false_discovery_rate) })), ...(parts.length ? parts : [el("p", {}, t("none_there"))]));
}
