// The policy in force and what scores mean: thresholds as lines in a picture of false match rates against their weight.

import { el } from "../dom.js";
import { ask } from "../service.js";
import { t } from "../texts.js";
import { draw, figure, ticks, widthOf } from "./chart.js";
import { facts, stateLine, table, waited } from "./ui.js";

const LOWEST = -7;
const CHANNELS = { counter: () => t("channel_counter"), kiosk: () => t("channel_kiosk") };
const NEEDED = { face: () => t("modality_face"), finger: () => t("modality_finger"), liveness: () => t("liveness") };
const CHECKS = { required: () => t("check_required"), not_required: () => t("check_not_required"), refuse: () => t("check_refused") };

export async function show(root, context) {
  const line = stateLine();
  root.append(line);
  const found = await waited(line, context, () => ask("GET", "/v1/policy"));
  if (found) root.append(rules(found.policy), scores(found, root), business(found.policy.transactions));
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

/** A rate as people write it: 10⁻⁴, 2.5 × 10⁻³. */
function power(rate) {
  const [digits, exponent] = rate.toExponential().split("e");
  const tens = `10${[...exponent.replace("+", "")].map((one) => RAISED[one]).join("")}`;
  return digits === "1" ? tens : `${Number(digits).toPrecision(2)} × ${tens}`;
}

const list = (names, words) => names.map((name) => words[name]?.() ?? name).join(t("comma")) || "–";
const minutes = (seconds) => (seconds % 3600 ? t("minutes", { minutes: Math.round(seconds / 60) }) : t("hours", { hours: seconds / 3600 }));

function rules({ version, channels, chip_photo, guessing, screening }) {
  const columns = Object.entries(channels).flatMap(([channel, one]) => [
    [CHANNELS[channel](), one], ...Object.entries(one.purposes).map(([purpose, own]) => [`${CHANNELS[channel]()} · ${purpose}`, { ...one, ...kept(own) }]),
  ]);
  const row = (label, value) => [label, ...columns.map(([, one]) => value(one))];
  return el("section", { class: "panel" }, el("h2", {}, t("policy_rules")),
    facts([[t("policy_version"), version], [t("policy_chip"), power(chip_photo.match_fmr)], [t("policy_fpir"), power(screening.fpir)],
      [t("policy_guessing"), t("policy_guessing_is", { count: guessing.max_failures, window: minutes(guessing.window_s), lock: minutes(guessing.lock_s) })]]),
    table(t("policy_channels"), [t("rule"), ...columns.map(([name]) => name)], [
      row(t("policy_pass"), ({ pass_fmr }) => power(pass_fmr)),
      row(t("policy_review"), ({ review_fmr }) => power(review_fmr)),
      row(t("policy_required"), ({ required }) => list(required, NEEDED)),
      row(t("policy_attempts"), ({ max_attempts, attempt_window_s }) => t("policy_attempts_in", { count: max_attempts, window: minutes(attempt_window_s) })),
      row(t("policy_contrary"), ({ contrary_odds }) => String(contrary_odds)),
      row(t("policy_passive"), ({ passive_liveness }) => t(passive_liveness ? "yes" : "no")),
    ]));
}

/** What a purpose has of its own. */
const kept = (own) => Object.fromEntries(Object.entries(own).filter(([, value]) => value !== null));

/** The thresholds as `{rate, name, tone}`; one that holds in every channel is named without them. */
function thresholds(channels) {
  const kinds = [["pass_fmr", t("teller_pass"), "good"], ["review_fmr", t("teller_review"), ""]];
  return kinds.flatMap(([key, word, tone]) => {
    const rates = [...new Set(Object.values(channels).map((one) => one[key]))];
    return rates.map((rate) => {
      const where = Object.keys(channels).filter((channel) => channels[channel][key] === rate);
      return { rate, tone, name: rates.length === 1 ? word : `${word} · ${list(where, CHANNELS)}` };
    });
  });
}

function scores({ policy: { channels }, calibrations }, root) {
  const marks = thresholds(channels);
  return el("section", { class: "panel" }, el("h2", {}, t("policy_scores")), el("p", { class: "quiet" }, t("policy_scores_lead")),
    ...calibrations.map((one) => {
      const title = t("policy_engine", { modality: NEEDED[one.modality](), engine: one.engine });
      const rows = one.points.filter((_, place) => place % Math.max(1, Math.floor(one.points.length / 20)) === 0)
        .map(({ fmr, llr }) => [fmr.toExponential(1), llr.toFixed(2), t(fmr < one.measured_to ? "extrapolated" : "measured")]);
      return el("div", { class: "stack" }, figure(title, curve(title, one, marks, widthOf(root) - 40), [t("fmr"), t("llr"), t("measured_or")], rows),
        facts([[t("calibration"), one.version], [t("calibration_pairs"), one.mated && t("calibration_of", one)], [t("measured_to"), one.measured_to.toExponential(1)]]));
    }));
}

/** The weight (LLR) of a threshold over its false match rate, to the right the stricter; what was not measured is dotted. */
function curve(label, { points, measured_to }, marks, width) {
  const [left, right, top, bottom] = [48, 20, 58, 300];
  const steps = [...ticks(Math.max(...points.map(({ llr }) => llr)))];
  const low = Math.min(...points.map(({ llr }) => llr));
  const floor = -steps[1] * Math.ceil(-low / steps[1]);
  const all = [...Array.from({ length: Math.round(-floor / steps[1]) }, (_, number) => floor + number * steps[1]), ...steps];
  const x = (rate) => left + (Math.max(LOWEST, Math.log10(rate)) / LOWEST) * (width - left - right);
  const y = (llr) => bottom - ((llr - floor) / (all[all.length - 1] - floor)) * (bottom - top);
  const picture = draw("svg", { viewBox: `0 0 ${width} ${bottom + 56}`, width, height: bottom + 56, class: "chart", role: "img", "aria-label": label });
  for (const llr of all) {
    picture.append(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(llr), y2: y(llr) }));
    picture.append(draw("text", { class: "tick", x: left - 8, y: y(llr) + 5, "text-anchor": "end" }, String(llr)));
  }
  for (let tens = 0; tens >= LOWEST; tens -= 1) {
    const at = x(10 ** tens);
    const raised = draw("tspan", { dy: "-6", "font-size": "11" }, tens === 0 ? "" : String(tens));
    picture.append(draw("line", { class: "grid", x1: at, x2: at, y1: top, y2: bottom }));
    picture.append(draw("text", { class: "tick", x: at, y: bottom + 20, "text-anchor": "middle" }, tens === 0 ? "1" : "10", raised));
  }
  picture.append(draw("text", { class: "tick", x: (left + width - right) / 2, y: bottom + 46, "text-anchor": "middle" }, t("fmr")));
  picture.append(draw("text", { class: "tick", x: 6, y: 20 }, t("llr")));
  const path = (some) => some.map(({ fmr, llr }, place) => `${place ? "L" : "M"}${x(fmr)} ${y(llr)}`).join("");
  const cut = points.findIndex(({ fmr }) => fmr < measured_to);
  const measured = cut < 0 ? points : points.slice(0, cut + 1);
  picture.append(draw("path", { class: "line", "data-tone": "good", d: path(measured) }));
  if (cut >= 0) picture.append(draw("path", { class: "line", d: path(points.slice(cut)) }));
  const named = new Map();
  for (const { rate, name, tone } of marks) named.set(rate, { tone, names: [...(named.get(rate)?.names ?? []), name] });
  [...named].forEach(([rate, { tone, names }], place) => {
    const at = x(rate);
    const half = at > 0.7 * width;
    picture.append(draw("line", { class: "mark-line", "data-tone": tone, x1: at, x2: at, y1: top - 10 - 18 * (place % 2), y2: bottom }));
    picture.append(draw("text", { class: "value", x: at + (half ? -6 : 6), y: top - 12 - 18 * (place % 2), "text-anchor": half ? "end" : "start" }, shorter(names, width)));
  });
  return picture;
}

/** On a narrow screen the first of the names and how many more there are. */
const shorter = (names, width) => (width < 560 && names.length > 1 ? `${names[0]} +${names.length - 1}` : names.join(t("comma")));

/** The kinds of the built-in policy; an institution's own are shown as it writes them. */
const BUSINESS = {
  account_opening: () => t("purpose_account"),
  large_withdrawal: () => t("purpose_withdrawal"),
  account_closing: () => t("business_account_closing"),
  card_issue: () => t("business_card_issue"),
  contact_change: () => t("business_contact_change"),
  large_transfer: () => t("business_large_transfer"),
  password_reset: () => t("business_password_reset"),
  cash_deposit: () => t("business_cash_deposit"),
  enquiry: () => t("business_enquiry"),
  withdrawal: () => t("business_withdrawal"),
  transfer: () => t("business_transfer"),
};

const businessName = (kind) => (Object.hasOwn(BUSINESS, kind) ? t("named_code", { name: BUSINESS[kind](), code: kind }) : kind);

function business({ unknown, max_age_s, kinds }) {
  const rows = Object.entries(kinds).map(([name, one]) =>
    [businessName(name), CHECKS[one.check](), one.check === "required" ? minutes(one.max_age_s ?? max_age_s) : "–", one.purposes?.join(t("comma")) ?? "–"]);
  return el("section", { class: "panel" }, el("h2", {}, t("policy_business")), facts([[t("policy_unknown"), CHECKS[unknown]()]]),
    table(t("policy_kinds"), [t("kind"), t("check_needed"), t("check_age"), t("purpose")], rows));
}
