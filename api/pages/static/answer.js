// The answer at the kiosk: a word, a drawing, the reasons that may be read to the customer, and what next.

import { $, el, put } from "./dom.js";
import { mayMend, toTheHolder } from "./recapture.js";
import { VERDICTS } from "./symbols.js";
import { said, t } from "./texts.js";

// What another try may mend; the service counts the tries.
const MENDED = new Set(["no_face", "multiple_faces", "low_quality", "face_lost", "too_few_frames", "wrong_movement", "no_movement", "clock_unsound", "no_finger"]);
const GOOD = new Set(["valid", "match"]);

/** Show an answer; `retry` says whether the page would let the customer try once more. */
export function showAnswer(answer, retry) {
  const { decision, words } = answer;
  // Where no other picture would help, nobody is asked for one.
  const bad = words.reasons.filter(({ code }) => !GOOD.has(code) && (mayMend(answer) || !MENDED.has(code)));
  const mendable = words.advice.code === "recapture" || bad.some((reason) => MENDED.has(reason.code));
  const again = retry && mendable && mayMend(answer);
  $("#verdict").dataset.decision = decision;
  $("#verdict-path").setAttribute("d", VERDICTS[decision]);
  put($("#verdict-title"), again ? t("verdict_again") : verdict(decision));
  put($("#verdict-say"), decision === "PASS" ? "" : said(words.advice.message));
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

function next(answer) {
  const { decision, document, words } = answer;
  if (decision === "PASS") return t("next_pass");
  if (document.status !== "valid" && toTheHolder(answer)) return said(words.document.holder);
  return t(decision === "REVIEW" ? "next_review" : "next_refuse");
}
