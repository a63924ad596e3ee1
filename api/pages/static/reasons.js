// Why somebody goes on in spite of a decision, and what a holder says of one, in words.

import { t } from "./texts.js";

export const OVERRIDE_REASONS = {
  identified_otherwise: () => t("on_identified_otherwise"),
  compared_by_eye: () => t("on_compared_by_eye"),
  capture_not_possible: () => t("on_capture_not_possible"),
  system_fault: () => t("on_system_fault"),
  order: () => t("on_order"),
  other: () => t("on_other"),
};

export const DISPUTE_REASONS = {
  not_me: () => t("dispute_not_me"),
  wrongly_refused: () => t("dispute_wrongly_refused"),
  wrongly_passed: () => t("dispute_wrongly_passed"),
  purpose: () => t("dispute_purpose"),
  other: () => t("dispute_other"),
};

export const DECISIONS = { PASS: () => t("teller_pass"), REVIEW: () => t("teller_review"), REFUSE: () => t("teller_refuse") };

/** The codes of a table with their words, for a list to choose from. */
export const choices = (reasons) => Object.entries(reasons).map(([code, text]) => [code, text()]);
