// Small helpers for pages without a framework. Nothing here turns text into markup.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Make an element: `el("p", {class: "quiet"}, "text", other)`. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Put text into an element only where it changes, so that screen readers do not say it again. */
export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Put text into an element with its tone: good, bad or none. */
export function tone(element, text, of = "") {
  put(element, text);
  element.dataset.tone = of;
}

/** Show one of the sections that share an attribute, and move the focus to its heading. */
export function showOnly(attribute, name) {
  for (const section of $$(`[${attribute}]`)) section.hidden = section.getAttribute(attribute) !== name;
  const heading = $(`[${attribute}="${name}"] [tabindex="-1"]`);
  if (heading) heading.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
