// The answer at the kiosk: a word, a drawing, the reasons that may be read to the customer, and what next.

import { $, el, put } from "./dom.js";
import { cardDecides, mayMend, toTheHolder } from "./recapture.js";
import { VERDICTS } from "./symbols.js";
import { said, t } from "./texts.js";

// What another try may mend; the service counts the tries.
const MENDED = new Set(["no_face", "multiple_faces", "low_quality", "face_lost", "too_few_frames", "wrong_movement", "no_movement", "clock_unsound", "no_finger"]);
const GOOD = new Set(["valid", "match"]);
// What is told of the person where the card decides: no picture and no movement would help, and nobody is asked for one.
const BESIDE_CARD = new Set(["mismatch", "card_locked"]);

/** Show an answer; `retry` says whether the page would let the customer try once more. */
export function showAnswer(answer, retry) {
  const { decision, words } = answer;
  const bad = words.reasons.filter(({ code }) => !GOOD.has(code) && concerns(code, answer));
  const mendable = words.advice.code === "recapture" || bad.some((reason) => MENDED.has(reason.code));
  const again = retry && mendable && mayMend(answer);
  $("#verdict").dataset.decision = decision;
  $("#verdict-path").setAttribute("d", VERDICTS[decision]);
  put($("#verdict-title"), again ? t("verdict_again") : verdict(decision));
  put($("#verdict-say"), decision === "PASS" ? "" : advice(answer));
  $("#verdict-reasons").replaceChildren(...[...new Set(bad.map(said))].map((text) => el("li", {}, text)));
  put($("#verdict-next"), again ? t("next_again") : next(answer));
  put($("#verdict-reference"), answer.id.slice(0, 8).toUpperCase());
  $("#again").hidden = !again;
  $("#finish").className = again ? "second" : "main";
}

/** Nothing of an answer stays. */
export function forgetAnswer() {
  for (const part of ["#verdict-title", "#verdict-say", "#verdict-next", "#verdict-reference"]) put($(part), "");
  $("#verdict-reasons").replaceChildren();
}

const verdict = (decision) => t({ PASS: "verdict_pass", REVIEW: "verdict_review", REFUSE: "verdict_refuse" }[decision]);

const concerns = (code, answer) => !cardDecides(answer) || answer.document.reasons.includes(code) || BESIDE_CARD.has(code);

/** At a counter a stranger is asked to wait; here there is nothing to wait for. */
const advice = (answer) => (toTheHolder(answer) ? said(answer.words.advice.message) : t("say_not_here"));

function next(answer) {
  const { decision, document, words } = answer;
  if (decision === "PASS") return t("next_pass");
  if (document.status !== "valid" && toTheHolder(answer)) return said(words.document.holder);
  return t(decision === "REVIEW" ? "next_review" : "next_refuse");
}
