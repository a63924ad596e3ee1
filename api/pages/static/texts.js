// The texts of the pages: one table a language, with the same keys; a page may have a table of its own beside the common
// one. The service's own texts come in both languages.

import { $$, put } from "./dom.js";

const tables = {};
let language = "zh";

export const LANGUAGES = ["zh", "en"];
export const current = () => language;

async function load(of, own) {
  const names = own ? [of, `${own}.${of}`] : [of];
  const found = await Promise.all(names.map(async (name) => (await fetch(`/pages/texts/${name}.json`)).json()));
  tables[of] = Object.assign({}, ...found);
}

/** Load every table, so that a page that loses the service can still speak; `own` names the page's own ones. */
export async function loadTexts(own) {
  await Promise.all(LANGUAGES.map((of) => load(of, own)));
}

/** The text of a key; `{name}` in it is replaced by a value of that name. */
export function t(key, values = {}) {
  const text = tables[language]?.[key];
  if (text === undefined) throw new Error(`no text: ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Sentences one after the other: in Chinese nothing stands between them. Those that are missing are left out. */
export const together = (...sentences) => sentences.filter(Boolean).join(language === "zh" ? "" : " ");

/** One language of a text that the service sent in both. */
export const said = (both) => both[language];

/** Say a page's fixed texts: `data-text` into the element, `data-label` as its name, `data-hint` as its placeholder. */
export function sayAll(root = document) {
  for (const element of $$("[data-text]", root)) put(element, t(element.dataset.text));
  for (const element of $$("[data-label]", root)) element.setAttribute("aria-label", t(element.dataset.label));
  for (const element of $$("[data-hint]", root)) element.setAttribute("placeholder", t(element.dataset.hint));
}

/** Change the language and say everything anew; `then` says what the page put there itself. */
export function speak(of, then = () => {}) {
  language = LANGUAGES.includes(of) ? of : "zh";
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  document.title = t(document.documentElement.dataset.title);
  sayAll();
  then();
}
