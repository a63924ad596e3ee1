// The feed, live: every change of a card's status under its number, how far behind this page is, and every gap told.

import { el, put, sleep } from "../dom.js";
import { explained } from "../page.js";
import { pageHeader, Refused, Unreachable } from "../service.js";
import { said, t } from "../texts.js";
import { days, time } from "../times.js";
import { badge, say, short, stateLine } from "./ui.js";

const SHOWN = 100;
const BEFORE = 30;
const AGAIN_MS = 2000;
/** A heartbeat comes every 15 seconds; after two of them there is no connection. */
const SILENT_MS = 32_000;
const TICK_MS = 500;

export function show(root, context) {
  const state = { last: null, head: null, asOf: null, heard: null, gaps: 0, lag: null };
  const line = stateLine();
  const gauges = el("dl", { class: "gauges" });
  const list = el("ol", { class: "feed", reversed: "" });
  root.append(el("p", { class: "quiet" }, t("feed_lead")), line, gauges, el("h2", {}, t("feed_events")), list);
  const tell = () => gauge(gauges, state);
  tell();
  const timer = setInterval(tell, TICK_MS);
  context.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  follow(state, { line, list, tell, context });
}

/** Connect, and again whenever the connection breaks, after the last number that was heard. */
async function follow(state, view) {
  const { line, context } = view;
  while (!context.signal.aborted) {
    try {
      say(line, t("feed_connecting"));
      if (state.last === null) await begin(state, context.signal);
      await listen(state, view);
    } catch (error) {
      if (context.signal.aborted || context.failed(error)) return;
      say(line, error instanceof Refused ? explained(error) : t("feed_broken"), "bad");
      // The register was restored to an earlier point: what was heard since did not happen.
      if (error instanceof Refused && error.code === "feed_position_unknown") state.last = null;
    }
    await sleep(AGAIN_MS);
  }
}

async function request(path, accept, signal) {
  let answer;
  try {
    answer = await fetch(path, { headers: { ...pageHeader(), Accept: accept }, cache: "no-store", credentials: "same-origin", redirect: "error", signal });
  } catch {
    throw new Unreachable();
  }
  if (answer.ok) return answer;
  const content = await answer.json().catch(() => null);
  throw content?.code ? new Refused(content, answer.status) : new Unreachable();
}

/** Some events from before are shown too. */
async function begin(state, signal) {
  const { head } = await (await request("/v1/feed?after=0&limit=1", "application/json", signal)).json();
  state.last = Math.max(0, head - BEFORE);
  state.head = head;
}

async function listen(state, view) {
  const silent = new AbortController();
  const signal = AbortSignal.any([view.context.signal, silent.signal]);
  const answer = await request(`/v1/feed?after=${state.last}`, "text/event-stream", signal);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  let timer;
  try {
    for (;;) {
      clearTimeout(timer);
      timer = setTimeout(() => silent.abort(), SILENT_MS);
      const { value, done } = await reader.read();
      if (done) throw new Unreachable();
      waiting += value;
      const parts = waiting.split("\n\n");
      waiting = parts.pop();
      for (const part of parts) if (!heard(state, part, view)) throw new Unreachable();
      view.tell();
    }
  } finally {
    clearTimeout(timer);
    reader.cancel().catch(() => {});
  }
}

/** One message; false where a number was left out, and the stream is asked anew after the last one. */
function heard(state, part, { line, list, context }) {
  const fields = Object.fromEntries(part.split("\n").map((one) => one.split(/: ?(.*)/s)));
  state.heard = performance.now();
  say(line, t("feed_live"), "good");
  if (!fields.data) return true;
  const data = JSON.parse(fields.data);
  if (fields.event === "head") {
    state.head = Math.max(state.head ?? 0, data.head);
    state.asOf = data.as_of;
    return true;
  }
  if (data.seq !== state.last + 1) {
    state.gaps += 1;
    return false;
  }
  state.last = data.seq;
  if (data.seq > state.head) state.lag = Date.now() - Date.parse(data.at);
  state.head = Math.max(state.head ?? 0, data.seq);
  list.prepend(shown(data, context));
  while (list.children.length > SHOWN) list.lastElementChild.remove();
  return true;
}

function shown({ seq, at, event, status, invalid, tag, card }, { catalogue, me }) {
  const what = catalogue[status] ? said(catalogue[status].message).replace(/[。.]$/, "") : status;
  const name = card ? `${card.issuer} ${days(card.valid_from, card.valid_to, t("long_term"))}` : t("feed_tag", { tag });
  const link = card && me.scopes.includes("read_cards") ? [el("a", { href: `#cards/${card.id}` }, t("card_reference", { id: short(card.id) }))] : [];
  return el("li", { value: String(seq) },
    el("span", { class: "number" }, String(seq)), el("time", { datetime: at }, time(at)),
    badge(what, invalid ? "bad" : "good"), el("span", {}, t(`event_${event}`)), el("span", { class: "quiet" }, name), ...link);
}

/** Where this page stands: the numbers, and how old what it knows is. */
function gauge(root, state) {
  const seconds = state.heard === null ? null : (performance.now() - state.heard) / 1000;
  const behind = state.last === null ? null : state.head - state.last;
  const rows = [
    ["heard", t("feed_last"), state.last ?? "–"],
    ["head", t("feed_head"), state.head ?? "–"],
    ["behind", t("feed_behind"), behind ?? "–"],
    ["gaps", t("feed_gaps"), state.gaps],
    ["silent", t("feed_silent"), seconds === null ? "–" : t("seconds", { seconds: seconds.toFixed(1) })],
    ["lag", t("feed_lag"), state.lag === null ? "–" : t("seconds", { seconds: (state.lag / 1000).toFixed(2) })],
    ["as-of", t("feed_as_of"), time(state.asOf)],
  ];
  if (root.childElementCount !== rows.length) {
    root.replaceChildren(...rows.map(([name, label]) => el("div", { "data-gauge": name }, el("dt", {}, label), el("dd", {}))));
  }
  rows.forEach(([, , value], place) => put(root.children[place].lastElementChild, String(value)));
}
