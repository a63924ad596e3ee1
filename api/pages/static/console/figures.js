// The scorecards' figures and the causes of omissions in words.

import { t } from "../texts.js";

export const FIGURES = {
  checks: () => t("figure_checks"),
  "checks.PASS": () => t("teller_pass"),
  "checks.REVIEW": () => t("teller_review"),
  "checks.REFUSE": () => t("teller_refuse"),
  "checks.not_passed": () => t("figure_not_passed"),
  "checks.face_declined": () => t("figure_face_declined"),
  "captures.face": () => t("figure_faces"),
  "captures.face.failed": () => t("figure_faces_failed"),
  "captures.fingers": () => t("figure_fingers"),
  "captures.fingers.failed": () => t("figure_fingers_failed"),
  transactions: () => t("figure_transactions"),
  "transactions.required": () => t("figure_required"),
  "transactions.covered": () => t("figure_covered"),
  omissions: () => t("figure_omissions"),
  overrides: () => t("figure_overrides"),
  "overrides.approved": () => t("figure_overrides_approved"),
  "overrides.refused": () => t("figure_overrides_refused"),
  "losses.first_refusals": () => t("figure_first_refusals"),
  "losses.not_known": () => t("figure_not_known"),
  disputes: () => t("figure_disputes"),
  "disputes.resolved": () => t("figure_disputes_resolved"),
  "disputes.upheld": () => t("figure_disputes_upheld"),
  "disputes.rejected": () => t("figure_disputes_rejected"),
};

/** Why a check is missing. */
export const causeName = (cause) => t(`cause_${cause}`);
