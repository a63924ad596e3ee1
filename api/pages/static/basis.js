// On which ground face and fingers are processed: the teller says it for each customer, and nothing is chosen for them.

import { $, el } from "./dom.js";
import { t } from "./texts.js";

const GROUNDS = {
  separate_consent: () => t("basis_separate_consent"),
  statutory_duty: () => t("basis_statutory_duty"),
  public_security: () => t("basis_public_security"),
  emergency: () => t("basis_emergency"),
};
let required = false;

/** Fill the list with the grounds that the policy takes, keeping what was chosen. */
export function listGrounds({ grounds, ground_required }) {
  required = ground_required;
  const list = $("#basis");
  const chosen = list.value;
  const none = el("option", { value: "" }, t(required ? "basis_choose" : "basis_not_stated"));
  list.replaceChildren(none, ...grounds.map((one) => el("option", { value: one }, GROUNDS[one]())));
  list.value = chosen;
}

/** The next customer's is another one. */
export function forgetGround() {
  $("#basis").value = "";
  sayWhatToSay();
}

/** Consent is asked for by saying what is done. */
export function sayWhatToSay() {
  $("#basis-say").hidden = $("#basis").value !== "separate_consent";
}

/** Whether the policy has one stated and none is. */
export const groundMissing = () => required && $("#basis").value === "";

/** What of it is sent. */
export const groundStated = () => ($("#basis").value ? { basis: $("#basis").value } : {});
