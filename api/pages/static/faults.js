// What is said of a card that cannot be used, at both pages.

import { t } from "./texts.js";

const WORDS = {
  card_garbled: () => [t("fault_garbled"), t("fault_garbled_lead"), t("fault_garbled_teller")],
  card_type_unsupported: () => [t("fault_type"), t("fault_type_lead"), t("fault_type_teller")],
  card_removed_early: () => [t("fault_pulled"), t("fault_pulled_lead"), t("fault_pulled_teller")],
  card_read_failed: () => [t("fault_read"), t("fault_read_lead"), t("fault_read_teller")],
};

// A code of a later bridge is a card that was not read.
const wordsOf = (code) => (WORDS[code] ?? WORDS.card_read_failed)();

/** A title and what to do, for a fault's code: what a customer does. */
export const cardFaultWords = (code) => wordsOf(code).slice(0, 2);

/** A title and what to do, for a fault's code: what a teller does. */
export const tellerFaultWords = (code) => {
  const [title, , lead] = wordsOf(code);
  return [title, lead];
};
