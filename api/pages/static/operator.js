// The teller signs in with a key of their own, for a shift; the decisions name them.

import { $ } from "./dom.js";
import { explained } from "./page.js";
import { ask } from "./service.js";
import { t } from "./texts.js";

/** Set the dialog up; `done` follows a signing in and a signing out. */
export function attend(done) {
  const dialog = $("#attending");
  const field = $("#operator-key");
  const error = $("#operator-error");
  $("#operator").addEventListener("click", () => {
    error.textContent = "";
    field.value = "";
    dialog.showModal();
  });
  dialog.addEventListener("close", () => {
    field.value = "";
  });
  $("#operator-close").addEventListener("click", () => dialog.close());
  $("#attending-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = field.value.trim();
    field.value = "";
    try {
      await change(key);
      await done();
      dialog.close();
    } catch (failure) {
      error.textContent = failure instanceof BadKey ? t("operator_bad_key") : explained(failure);
      field.focus();
    }
  });
}

class BadKey extends Error {}

/** Sign in under a key; an empty one signs out. */
async function change(key) {
  if (key === "") return ask("POST", "/v1/session/end?only=operator");
  if (!/^[\x21-\x7e]+$/.test(key)) throw new BadKey();
  return ask("POST", "/v1/session/operator", { headers: { "Operator-Key": key } });
}
