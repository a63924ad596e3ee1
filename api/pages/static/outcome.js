// The answer at the counter: the decision, the card's axis, the person's axis, what to say, what to do.

import { $, el, put } from "./dom.js";
import { mayMend, toTheHolder } from "./recapture.js";
import { VERDICTS } from "./symbols.js";
import { said, t, together } from "./texts.js";

const TICK_MS = 100;
const TONES = { valid: "good", match: "good", mismatch: "bad" };
/** How long the last answer took, in seconds; null where there is none. */
let took = null;
const PARTS = ["outcome-empty", "outcome-wait", "outcome-fault", "outcome"];

function only(part) {
  for (const id of PARTS) $(`#${id}`).hidden = id !== part;
}

/** On a narrow screen the result stands below the picture: nobody waits for what they cannot see. */
function inSight() {
  const panel = $(".outcome");
  const { top } = panel.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) panel.scrollIntoView();
}

const sayTook = () => put($("#elapsed"), took === null ? "" : t("elapsed_in", { seconds: took }));

/** Nothing is known of this customer yet. */
export function hideOutcome() {
  took = null;
  only("outcome-empty");
  for (const field of ["#say", "#say-holder", "#do", "#reference", "#verdict-title", "#elapsed"]) put($(field), "");
  for (const axis of ["#axis-card", "#axis-person"]) fill($(axis), "", "", []);
  $("#again").hidden = true;
  $("#next").hidden = true;
}

/** Show that an answer is waited for, and for how long; the function that is given ends it and says how long it took. */
export function waiting() {
  hideOutcome();
  only("outcome-wait");
  put($("#outcome-waiting"), t("deciding_title"));
  inSight();
  const began = performance.now();
  const seconds = () => ((performance.now() - began) / 1000).toFixed(1);
  const timer = setInterval(() => $("#elapsed").setAttribute("aria-hidden", "true") ?? put($("#elapsed"), t("elapsed", { seconds: seconds() })), TICK_MS);
  return () => {
    clearInterval(timer);
    $("#elapsed").removeAttribute("aria-hidden");
    took = seconds();
    sayTook();
  };
}

/** Nothing was decided, as far as this page knows. */
export function showFault(title, lead) {
  only("outcome-fault");
  put($("#fault-title"), title);
  put($("#fault-lead"), lead);
  sayTook();
  $("#again").hidden = false;
  $("#next").hidden = false;
  inSight();
}

/** Show an answer in the tellers' words; `catalogue` has what each code asks of them. */
export function showOutcome(answer, catalogue) {
  const { decision, document, person, words } = answer;
  only("outcome");
  $("#verdict").dataset.decision = decision;
  $("#verdict-path").setAttribute("d", VERDICTS[decision]);
  put($("#verdict-title"), t({ PASS: "teller_pass", REVIEW: "teller_review", REFUSE: "teller_refuse" }[decision]));
  const card = [...document.reasons].filter((code) => code !== document.status);
  const since = words.document.since_words ? [said(words.document.since_words)] : [];
  fill($("#axis-card"), document.status, headline(document.status, catalogue), [...since, ...card.map((code) => line(code, catalogue))]);
  const [first, ...others] = person.reasons;
  fill($("#axis-person"), first, headline(first, catalogue), [...others.map((code) => line(code, catalogue)), ...compared(person, catalogue)]);
  put($("#say"), said(words.advice.message));
  // To the holder of a card with which all is well there is nothing to say about it, and to a stranger nothing of it.
  const told = document.reasons.some((code) => code !== "valid") && toTheHolder(answer);
  put($("#say-holder"), told ? said(words.document.holder) : "");
  put($("#do"), said(words.advice.operator));
  put($("#reference"), answer.id);
  $("#again").hidden = !mayMend(answer);
  $("#next").hidden = false;
  sayTook();
  inSight();
  $("#verdict-title").focus({ preventScroll: true });
}

function fill(axis, code, text, lines) {
  axis.dataset.tone = TONES[code] ?? (code.startsWith("card_") && code !== "card_not_found" ? "bad" : "");
  put(axis.querySelector(".word"), text);
  axis.querySelector("ul").replaceChildren(...lines.map((one) => el("li", {}, one)));
}

const headline = (code, catalogue) => (code && catalogue[code] ? said(catalogue[code].message) : (code ?? ""));
const line = (code, catalogue) => (catalogue[code] ? together(said(catalogue[code].message), said(catalogue[code].operator)) : code);

/** Which comparisons there were; of those that were not made, why. */
function compared({ modalities }, catalogue) {
  return modalities.map(({ modality, status, reason }) => {
    const name = t(modality === "face" ? "modality_face" : "modality_finger");
    const text = status === "assessed" ? t("modality_done") : headline(reason, catalogue);
    return t("modality_line", { name, text });
  });
}
