// The console: people sign in with their own key, and their rights decide which sections there are.

import { $, $$, el, put, showOnly, sleep } from "./dom.js";
import { Idle } from "./idle.js";
import { explained, open, sayUnreachable, session, setUp } from "./page.js";
import { ask, askAs, ready, Refused } from "./service.js";
import { sayAll, t } from "./texts.js";

/** What each section is and whose; its code comes when it is first looked at. */
const SECTIONS = [
  { name: "cards", title: "section_cards", rights: ["read_cards"], load: () => import("./console/cards.js") },
  { name: "decisions", title: "section_decisions", rights: ["approve_overrides", "read_accounts"], load: () => import("./console/decisions.js") },
  { name: "cases", title: "section_cases", rights: ["handle_alerts", "read_cases"], load: () => import("./console/cases.js") },
  { name: "duplicates", title: "section_duplicates", rights: ["read_duplicates"], load: () => import("./console/duplicates.js") },
  { name: "scorecards", title: "section_scorecards", rights: ["read_accounts"], load: () => import("./console/scorecards.js") },
  { name: "feed", title: "section_feed", rights: ["follow_feed"], load: () => import("./console/feed.js") },
  { name: "evidence", title: "section_evidence", load: () => import("./console/evidence.js") },
  { name: "policy", title: "section_policy", load: () => import("./console/policy.js") },
  { name: "health", title: "section_health", load: () => import("./console/health.js") },
];
const HEALTH_MS = 5000;
const AGAIN_MS = 2000;
/** Whoever leaves the desk is signed out. */
const ABANDONED_S = 15 * 60;
/** How often the service is told that somebody works here; without that it ends the session after 20 minutes. */
const RENEWED_MS = 60_000;

let view = "start";
let me = null;
let catalogue = {};
let shown = null;
/** What the section keeps while its words change: with another section, or nobody there, it goes. */
let kept = {};
let idle;
/** The last renewing of the session, and when it was asked for. */
let staying = Promise.resolve();
let stayed = 0;

function show(name) {
  view = name;
  showOnly("data-view", name);
  $("#sections").hidden = name !== "work";
  $("#sign-out").hidden = name !== "work";
}

const allowed = () => SECTIONS.filter(({ rights }) => !rights || rights.some((one) => me.scopes.includes(one)));

/** What the address names after its #; nothing where that is no text. */
function addressed() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

/** Show the section that the address names, or the first; what was shown before ends. `again`: the same in other words. */
function turn(again = false) {
  if (view !== "work") return;
  if (!again) kept = {};
  const [name, ...rest] = addressed().split("/");
  const section = allowed().find((one) => one.name === name) ?? allowed()[0];
  shown?.abort();
  shown = new AbortController();
  const { signal } = shown;
  const heading = el("h1", { tabindex: "-1" }, t(section.title));
  const root = el("div", { class: "section" });
  $("#work").replaceChildren(heading, root);
  document.title = `${t(section.title)} · ${t("console_title")}`;
  for (const link of $("#sections").querySelectorAll("a")) {
    if (link.hash === `#${section.name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  fill(section, root, { me, catalogue, signal, kept, subject: section.name === name ? rest.join("/") : "", failed });
  if (!again) heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/** Show a section whose code may still have to come; without it the page says so. */
async function fill(section, root, context) {
  let code;
  try {
    code = await section.load();
  } catch {
    if (!context.signal.aborted) root.append(el("p", { class: "error", role: "alert" }, t("console_away")));
    return;
  }
  if (!context.signal.aborted) code.show(root, context);
}

/** What every section does with an error that ends the session. */
function failed(error) {
  if (!(error instanceof Refused) || error.status !== 401) return false;
  leave();
  put($("#setup-error"), t("console_ended"));
  return true;
}

function spoken() {
  if (me === null) return;
  put($("#place"), `${me.institution.name} · ${me.name} · ${t(`role_${me.role}`)}`);
  const links = allowed().map(({ name, title }) => el("li", {}, el("a", { href: `#${name}` }, t(title))));
  $("#sections ul").replaceChildren(...links);
  turn(true);
}

/** Nothing that somebody saw stays for whoever comes next. */
function leave() {
  shown?.abort();
  shown = null;
  kept = {};
  // The address names what was looked at; but one that somebody came with is still to be shown when they are signed in.
  if (me !== null) history.replaceState(history.state, "", location.pathname + location.search);
  me = null;
  idle.stop();
  for (const dialog of $$("dialog[open]")) dialog.close();
  $("#work").replaceChildren();
  $("#sections ul").replaceChildren();
  put($("#place"), "");
  show("setup");
}

/**
 * The screen is wiped at once; the session ends when the service has answered, and until then it is said that it has not.
 * It is noted with the page's place in the browser's history, so that a page that is loaded anew goes on with it.
 */
async function signOut() {
  leave();
  history.replaceState({ signingOut: true }, "");
  $("#setup button").disabled = true;
  await staying; // Its answer would sign in again.
  for (;;) {
    try {
      await ask("POST", "/v1/session/end?only=console");
      put($("#setup-error"), "");
      break;
    } catch (error) {
      put($("#setup-error"), error instanceof Refused ? explained(error) : t("console_not_out"));
      if (error instanceof Refused && !error.body.retryable) break;
      await sleep(AGAIN_MS);
    }
  }
  history.replaceState(null, "");
  $("#setup button").disabled = false;
}

/** Somebody works here: the service is told so, and ends the session when it is not told for a while. */
function stay() {
  if (view !== "work" || performance.now() - stayed < RENEWED_MS) return;
  stayed = performance.now();
  staying = ask("GET", "/v1/me").then(() => {}, failed);
}

async function signIn() {
  const found = await session("/v1/me");
  if (found === null) return leave();
  me = found;
  stayed = performance.now();
  catalogue = await ask("GET", "/v1/errors?brief=true");
  put($("#setup-error"), "");
  show("work");
  spoken();
  idle.start(ABANDONED_S);
}

/** The page that could not begin begins when the service answers. */
async function watch() {
  if (view === "away" && (await ready())) await signIn().catch(() => show("away"));
  setTimeout(watch, HEALTH_MS);
}

async function start() {
  askAs("console");
  sayUnreachable("console_away");
  await open(spoken, "console");
  idle = new Idle(signOut);
  setUp(signIn, "/v1/session/console");
  $("#sign-out").addEventListener("click", signOut);
  for (const name of ["pointerdown", "keydown", "input"]) document.addEventListener(name, stay, { passive: true });
  addEventListener("hashchange", () => turn());
  // A browser that goes back shows a page as it was left, whoever sits there now.
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  sayAll();
  if (history.state?.signingOut) await signOut();
  await signIn().catch(() => show("away"));
  watch();
}

start().catch(() => {
  // Not even the texts came: the page says so by itself, in both languages.
  put($("[data-view=start] h1"), "暂时无法连接核验服务。 The service cannot be reached.");
  setTimeout(() => location.reload(), HEALTH_MS);
});
