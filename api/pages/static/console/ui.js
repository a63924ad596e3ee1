// What the sections of the console are made of: tables, facts, states, times, and loading with every wait in sight.

import { el, put } from "../dom.js";
import { explained } from "../page.js";
import { ask } from "../service.js";
import { t } from "../texts.js";

/** How long something took, in the unit and with the digits that say something: 0.4 s, 12 s, 3 min, 5 h, 40 d. */
export function span(seconds) {
  if (seconds < 10) return t("seconds", { seconds: seconds.toFixed(1) });
  if (seconds < 120) return t("seconds", { seconds: Math.round(seconds) });
  if (seconds < 120 * 60) return t("minutes", { minutes: Math.round(seconds / 60) });
  if (seconds < 72 * 3600) return t("hours", { hours: Math.round(seconds / 3600) });
  return t("days", { days: Math.round(seconds / 86400) });
}

/** The beginning of an identifier, by which people know it again. */
export const short = (id) => (id ? id.slice(0, 8) : "–");

/** Who did something: oneself, or somebody by the beginning of their identifier. */
export const who = (id, me) => (id && id === me.id ? t("oneself") : short(id));

/** Fields and their values, side by side; those without a value are left out. */
export function facts(rows) {
  const kept = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return el("dl", { class: "pairs" }, ...kept.map(([key, value]) => el("div", {}, el("dt", {}, key), el("dd", {}, value))));
}

/** A table that can be scrolled sideways; cells are texts or elements, the first of a row is its heading. */
export function table(caption, heads, rows) {
  const head = el("tr", {}, ...heads.map((text) => el("th", { scope: "col" }, text)));
  const body = rows.map(([first, ...rest]) =>
    el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((cell) => el("td", {}, cell))));
  const made = el("table", {}, el("caption", {}, caption), el("thead", {}, head), el("tbody", {}, ...body));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
}

export function button(text, look, done) {
  const made = el("button", { type: "button", class: look }, text);
  made.addEventListener("click", () => done(made));
  return made;
}

/** A list to choose from, under its label. */
export function choice(id, label, options) {
  const list = el("select", { id }, ...options.map(([value, text]) => el("option", { value }, text)));
  return el("div", {}, el("label", { for: id }, label), list);
}

/** A word with a tone: good, bad or none. */
export const badge = (text, tone = "") => el("span", { class: "badge", "data-tone": tone }, text);

/** A line in which a section says what it waits for and what went wrong. */
export function stateLine() {
  return el("p", { class: "state-line", role: "status" });
}

export function say(line, text, tone = "") {
  put(line, text);
  line.dataset.tone = tone;
}

/**
 * Wait for `work` with a word in `line`; gives what it gave, undefined where it failed, which is told.
 *
 * `context` is the section's: an error that ends the session leads back to signing in.
 */
export async function waited(line, context, work) {
  say(line, t("loading"));
  line.setAttribute("aria-busy", "true");
  try {
    const answer = await work();
    if (!context.signal.aborted) say(line, "");
    return context.signal.aborted ? undefined : answer;
  } catch (error) {
    if (!context.signal.aborted && !context.failed(error)) say(line, explained(error), "bad");
    return undefined;
  } finally {
    if (!context.signal.aborted) line.removeAttribute("aria-busy");
  }
}

/** Of several askings the newest counts: what is given ends the one before, and gives the context of the next. */
export function newest(context) {
  let before = null;
  return () => {
    before?.abort();
    before = new AbortController();
    return { ...context, signal: AbortSignal.any([context.signal, before.signal]) };
  };
}

/** Say that an act was done, with the way to its evidence. */
export function done(line, text, receipt) {
  say(line, `${text} `, "good");
  if (receipt) line.append(el("a", { href: `#evidence/${receipt.leaf_hash}` }, t("to_evidence", { hash: receipt.leaf_hash.slice(0, 12) })));
}

/** A list that comes in pages: what was loaded, and a button for more. */
export function pages(context, path, draw) {
  const line = stateLine();
  const list = el("div", { class: "stack" });
  const more = button(t("more"), "second", () => load());
  more.hidden = true;
  let next = null;
  let loading = false;
  async function load() {
    // Whoever presses twice does not get the same page twice.
    if (loading) return;
    loading = true;
    const joint = path.includes("?") ? "&" : "?";
    const page = await waited(line, context, () => ask("GET", next ? `${path}${joint}after=${next}` : path));
    loading = false;
    if (!page) return;
    next = page.next;
    list.append(...page.items.map(draw));
    more.hidden = next === null;
    if (!list.children.length) say(line, t("none_there"));
  }
  load();
  return el("div", { class: "stack" }, line, list, more);
}

/** A list under its heading, with a choice of what is shown. */
export function list(id, title, options, load) {
  const place = el("div", { class: "stack" });
  const pick = choice(`${id}-filter`, t("shown"), options);
  const show = () => place.replaceChildren(load(pick.lastElementChild.value));
  pick.addEventListener("change", show);
  show();
  return el("section", { class: "stack" }, el("h2", {}, title), el("div", { class: "filters" }, pick), place);
}
