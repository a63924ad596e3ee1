// A dialog for one act: what it is, what it needs to be told, and every refusal in words.

import { el, put } from "./dom.js";
import { explained } from "./page.js";
import { Refused } from "./service.js";
import { t } from "./texts.js";

let count = 0;

/**
 * Ask, and do it. Gives what `send(values, key)` gave, null where it was left.
 *
 * `fields` are `{name, label, kind, options, required, max, value, lead}`; a kind is text, area, select, day,
 * password, or checks (of which the values are given, comma between).
 * The key is for `Idempotency-Key`: the same while it is not known whether the service heard of the act.
 * Where `signal` ends, the dialog closes, and null is given: it was about somebody who has gone. Whoever closes it while
 * the act is being sent does not take the act back: what came of it is given all the same, and a failure opens it again.
 */
export function act({ title, lead = "", fields = [], confirm, stops = false, send, signal }) {
  if (signal?.aborted) return Promise.resolve(null);
  count += 1;
  const heading = el("h2", { id: `act-${count}`, tabindex: "-1" }, title);
  const dialog = el("dialog", { class: "act", "aria-labelledby": heading.id });
  const error = el("p", { class: "error", role: "alert" });
  const state = el("p", { class: "state", role: "status" });
  const go = el("button", { class: stops ? "main stops" : "main" }, confirm);
  const leave = el("button", { type: "button", class: "second" }, t("close"));
  const inputs = fields.map((field, place) => input(field, `act-${count}-${place}`));
  const form = el("form", { autocomplete: "off", novalidate: "" });
  form.append(...inputs.flatMap(({ parts }) => parts), error, state, el("div", { class: "choices" }, go, leave));
  dialog.append(heading, ...(lead ? [el("p", {}, lead)] : []), form);
  const open = () => {
    document.body.append(dialog);
    dialog.showModal();
  };
  open();
  return new Promise((resolve) => {
    let answer = null;
    let key = crypto.randomUUID();
    let sending = false;
    leave.addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => {
      if (dialog.open) return; // Opened again before the browser told of its closing.
      dialog.remove();
      if (!sending || signal?.aborted) resolve(signal?.aborted ? null : answer);
    });
    signal?.addEventListener("abort", () => dialog.close(), { once: true });
    form.addEventListener("input", () => put(error, "")); // What it says of what was entered before.
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (go.disabled) return;
      const missing = inputs.find(({ field, control }) => field.required && !control.value.trim());
      const misformed = inputs.find(({ control }) => control.validity?.patternMismatch);
      put(error, missing ? t("act_missing", { field: missing.field.label }) : misformed ? t("act_day", { field: misformed.field.label }) : "");
      if (missing ?? misformed) return (missing ?? misformed).control.focus();
      go.disabled = true;
      sending = true;
      put(state, t("act_sending"));
      try {
        answer = await send(valuesOf(inputs), key);
      } catch (failure) {
        // A refusal that may pass says nothing of what an earlier try did: the next one has to be the same.
        if (failure instanceof Refused && !failure.body.retryable) key = crypto.randomUUID();
        put(error, explained(failure));
      }
      sending = false;
      put(state, "");
      go.disabled = false;
      if (signal?.aborted) resolve(null);
      else if (answer !== null && !dialog.open) resolve(answer);
      else if (answer !== null) dialog.close();
      else if (!dialog.open) open();
    });
  });
}

function input(field, id) {
  const { kind = "text", label, max, value = "", options = [], lead } = field;
  const attributes = { id, ...(max ? { maxlength: max } : {}), ...(lead ? { "aria-describedby": `${id}-lead` } : {}) };
  let control;
  if (kind === "select") {
    control = el("select", attributes, ...options.map(([code, text]) => el("option", { value: code }, text)));
  } else if (kind === "checks") {
    control = checks(attributes, label, options);
    return { field, control, parts: [control] };
  } else if (kind === "area") {
    control = el("textarea", { ...attributes, rows: "3" });
  } else {
    // A second person's key is nothing for this browser to keep.
    // A day is written as days are written everywhere here, and not as the browser's own language has it.
    const day = kind === "day" ? { type: "text", pattern: "\\d{4}-\\d{2}-\\d{2}", placeholder: "2026-11-22", maxlength: 10 } : { type: kind };
    control = el("input", { ...attributes, ...day, spellcheck: "false", autocomplete: kind === "password" ? "one-time-code" : "off" });
  }
  if (value) control.value = value;
  const parts = [el("label", { for: id }, label), control];
  if (lead) parts.push(el("p", { class: "quiet", id: `${id}-lead` }, lead));
  return { field, control, parts };
}

/** Several of a list; `value` of the group are those that are chosen. */
function checks(attributes, label, options) {
  const boxes = options.map(([code]) => el("input", { type: "checkbox", value: code, checked: "" }));
  const lines = options.map(([, text], place) => el("label", { class: "check" }, boxes[place], ` ${text}`));
  const group = el("fieldset", attributes, el("legend", {}, label), ...lines);
  Object.defineProperty(group, "value", { get: () => boxes.filter(({ checked }) => checked).map(({ value }) => value).join(",") });
  return group;
}

/** What was entered; a key does not stay in the page. */
function valuesOf(inputs) {
  const values = Object.fromEntries(inputs.map(({ field, control }) => [field.name, control.value.trim()]));
  for (const { field, control } of inputs) if (field.kind === "password") control.value = "";
  return values;
}
