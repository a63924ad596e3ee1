// What is said of a card that cannot be used, at both pages.

import { t } from "./texts.js";

const WORDS = {
  card_garbled: () => [t("fault_garbled"), t("fault_garbled_lead")],
  card_type_unsupported: () => [t("fault_type"), t("fault_type_lead")],
  card_removed_early: () => [t("fault_pulled"), t("fault_pulled_lead")],
  card_read_failed: () => [t("fault_read"), t("fault_read_lead")],
};

/** A title and what to do, for a fault's code; a code of a later bridge is a card that was not read. */
export const cardFaultWords = (code) => (WORDS[code] ?? WORDS.card_read_failed)();
