// What all pages do first: texts, configuration, appearance, and signing in.

import { $ } from "./dom.js";
import { ask, Refused } from "./service.js";
import { current, loadTexts, said, speak, t, together } from "./texts.js";

/** Load texts and configuration, and set the buttons of language and contrast up. `spoken` says what the page put there
 * itself; `own` names the page's own table of texts. */
export async function open(spoken, own) {
  const [, configuration] = await Promise.all([loadTexts(own), ask("GET", "/pages/config.json")]);
  const wished = new URLSearchParams(location.search).get("lang");
  const turn = (of) => {
    speak(of, spoken);
    const other = current() === "zh" ? "en" : "zh";
    const button = $("#language");
    button.textContent = other === "en" ? "English" : "中文";
    button.lang = other;
  };
  $("#language").addEventListener("click", () => turn(current() === "zh" ? "en" : "zh"));
  const contrast = $("#contrast");
  contrast.addEventListener("click", () => highContrast(contrast.getAttribute("aria-pressed") !== "true"));
  highContrast(matchMedia("(prefers-contrast: more)").matches);
  turn(wished ?? "zh");
  return { configuration, turn };
}

/** Black, white and thick lines, or the quiet appearance. */
export function highContrast(on) {
  document.documentElement.dataset.theme = on ? "contrast" : "light";
  $("#contrast").setAttribute("aria-pressed", String(on));
}

/**
 * Who is signed in, null where nobody is. Raises Unreachable, and Refused for anything else than that.
 *
 * An operator whose shift is over, or whose key was revoked, is signed out: the terminal goes on without them.
 */
export async function session(path = "/v1/session") {
  try {
    return await ask("GET", path);
  } catch (error) {
    if (error instanceof Refused && error.status === 401) return null;
    if (error.code !== "operator_not_allowed") throw error;
    await ask("POST", "/v1/session/end?only=operator");
    return ask("GET", path);
  }
}

/** Have the set-up form sign in; `done` follows. The key goes into the cookie and out of the page at once. */
export function setUp(done, path = "/v1/session") {
  $("#setup").addEventListener("submit", async (event) => {
    event.preventDefault();
    const field = $("#key");
    const key = field.value.trim();
    field.value = "";
    $("#setup-error").textContent = key ? "" : t("setup_missing");
    if (!key) return field.focus();
    try {
      await ask("POST", path, { headers: await bearer(key) });
      await done();
    } catch (error) {
      $("#setup-error").textContent = explained(error);
      field.focus();
    }
  });
}

/** What is said where the service cannot be reached: customers and staff are told differently. */
let unreachable = "away_lead";
export const sayUnreachable = (key) => {
  unreachable = key;
};

/** An error in words: the service's own, and what the operator does. */
export function explained(error) {
  if (error instanceof Refused) return together(said(error.body.message), said(error.body.operator));
  return t(unreachable);
}

/** The header of a key that was typed in. Raises Refused for one that cannot be a key. */
export async function bearer(key) {
  // A header takes no other characters, and no key has any.
  if (/^[\x21-\x7e]+$/.test(key)) return { Authorization: `Bearer ${key}` };
  const found = (await ask("GET", "/v1/errors?brief=true")).key_invalid;
  throw new Refused({ code: "key_invalid", ...found }, 401);
}
