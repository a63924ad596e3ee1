// What the counter shows of a card, and the names of fingers.

import { $, el } from "./dom.js";
import { t } from "./texts.js";
import { days } from "./times.js";

/** Two days between which a narrow place may break, and not within one of them. */
function unbroken(text) {
  const [from, to] = text.split(" – ");
  return el("span", {}, el("span", { class: "day" }, `${from} –`), " ", el("span", { class: "day" }, to));
}

/** Show a card's data, or nothing where there is none; `photo` is the address of the chip's picture. */
export function showFacts(card, photo) {
  $("#card-shown").hidden = !card;
  $("#card-photo").hidden = !photo;
  if (photo) $("#card-photo").src = photo;
  else $("#card-photo").removeAttribute("src");
  if (!card) return $("#card-facts").replaceChildren();
  const { name, body } = card;
  const rows = [
    [t("card_name"), name],
    [t("card_number"), body.number],
    [t("card_issuer"), body.issuer],
    [t("card_days"), unbroken(days(body.valid_from, body.valid_to, t("long_term")))],
  ];
  const shown = rows.filter(([, value]) => value);
  $("#card-facts").replaceChildren(...shown.flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, value)]));
}

const FINGERS = {
  thumb: () => t("thumb"),
  index: () => t("index"),
  middle: () => t("middle"),
  ring: () => t("ring"),
  little: () => t("little"),
};

/** A finger's position in words. */
export function fingerName(position) {
  const [side, finger] = position.split("_");
  return t("finger_name", { side: t(side === "left" ? "left" : "right"), finger: FINGERS[finger]() });
}

/** Fill the list of fingers, keeping what was chosen. */
export function listFingers(positions) {
  const list = $("#position");
  const chosen = list.value || "right_index";
  list.replaceChildren(...positions.map((one) => el("option", { value: one }, fingerName(one))));
  list.value = chosen;
}
