// Pictures of figures: bars with their intervals, terminals in a funnel, and lines over months. Each comes with its table.

import { el } from "../dom.js";
import { current, t } from "../texts.js";
import { table } from "./ui.js";

const NS = "http://www.w3.org/2000/svg";
const ROW = 34;
const TEXT = 15;
const HEAD = 8;
const FOOT = 34;
/** Narrower than this a row's name stands above it. */
const NARROW = 560;
/** What a value takes beside such a name. */
const VALUE = 110;

/** An element of a drawing. */
export function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** A picture with its caption and, below, the same as a table. */
export function figure(caption, picture, heads, rows) {
  const below = el("details", {}, el("summary", {}, t("as_table")), table(caption, heads, rows));
  return el("figure", {}, el("figcaption", {}, caption), picture, below);
}

/** Steps of an axis from 0 to at least `most`: at most six, each 1, 2 or 5 times a power of ten. */
export function ticks(most) {
  const rough = Math.max(most, 1e-9) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough * 0.999999);
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, number) => number * step);
}

/** Whether an interval says nothing, since it takes in everything: there are too few data to draw one. */
export const anything = (low, high) => low < 0.005 && high > 0.995;

/** An axis of shares: the whole of it, unless all that is drawn lies in its first fifth, as rates of failures do. */
function shareAxis(most, narrow = false) {
  const steps = most > 0.2 ? ticks(1) : ticks(Math.max(0.01, most));
  // Where there is little room, its beginning, its middle and its end.
  return narrow ? [0, steps[steps.length - 1] / 2, steps[steps.length - 1]] : steps;
}

/** What an axis that is cut says of itself, at its end; nothing of one that goes to the whole. */
function cutAt(picture, steps, x, y) {
  const end = steps[steps.length - 1];
  // Where there is little room the last of three marks has to do.
  if (end === 1 || picture.viewBox.baseVal.width < NARROW) return;
  picture.append(draw("text", { class: "tick", x, y, "text-anchor": "end" }, t("axis_to", { end: percent(end) })));
}

/** A share in per cent, with as many digits as it needs. */
export function percent(share) {
  const value = 100 * share;
  const digits = value === 0 || value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return `${Number(value.toFixed(digits))}${current() === "zh" ? "%" : " %"}`;
}

/** How wide a picture may be: as its place is, so that its letters are as large as the page's. */
export const widthOf = (root) => Math.max(300, Math.min(root.clientWidth || 300, 1000));

function frame(width, height, label) {
  return draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "chart", role: "img", "aria-label": label });
}

/** A name cut to its place, with the whole of it for who points at it; the table below has it too. */
function nameAt(text, at, space) {
  let [used, end] = [0, 0];
  for (const character of text) {
    used += character > "\u2e7f" ? TEXT : 0.56 * TEXT;
    if (used > space) break;
    end += character.length;
  }
  const cut = end < text.length ? `${text.slice(0, Math.max(0, end - 2))}…` : text;
  return draw("text", { class: "name", ...at }, cut, ...(cut === text ? [] : [draw("title", {}, text)]));
}

function axis(picture, steps, at, top, bottom, form) {
  for (const step of steps) {
    const x = at(step);
    picture.append(draw("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }));
    picture.append(draw("text", { class: "tick", x, y: bottom + 20, "text-anchor": "middle" }, form(step)));
  }
}

/**
 * Rows of shares as bars, with their intervals as lines: `{label, share, low, high, text, tone}`. One of which there are no
 * data (a share of nothing, null) has neither bar nor interval, and says so.
 *
 * On a narrow screen a row's label stands above its bar.
 */
export function bars(label, rows, width) {
  const narrow = width < NARROW;
  const left = narrow ? 22 : Math.min(0.36 * width, 300);
  const room = rows.some(({ low, high }) => anything(low, high)) ? 230 : 130;
  const right = narrow ? 22 : room;
  const row = narrow ? ROW + 22 : ROW;
  const height = HEAD + rows.length * row + FOOT;
  const steps = shareAxis(Math.max(0, ...rows.map(({ low, high, share }) => Math.max(anything(low, high) ? 0 : (high ?? 0), share ?? 0))), narrow);
  const at = (share) => left + (share / steps[steps.length - 1]) * (width - left - right);
  const picture = frame(width, height, label);
  axis(picture, steps, at, HEAD, height - FOOT, percent);
  cutAt(picture, steps, width - 4, height - FOOT + 20);
  rows.forEach(({ label: name, share, low, high, text, tone = "" }, number) => {
    const top = HEAD + number * row + (narrow ? 22 : 0);
    const middle = top + ROW / 2;
    named(picture, name, top, left, width, narrow ? room - 20 : 0);
    const beside = at(anything(low, high) ? share : Math.max(share ?? 0, high ?? 0)) + 8;
    const place = narrow ? { x: width - right, y: top, "text-anchor": "end" } : { x: beside, y: middle + TEXT / 3 };
    picture.append(draw("text", { class: share === null ? "value none" : "value", ...place }, text));
    if (share === null) return;
    picture.append(draw("rect", { class: "bar-of", "data-tone": tone, x: left, y: top + 6, width: Math.max(0, at(share) - left), height: ROW - 12 }));
    if (low !== null && high !== null && !anything(low, high)) {
      for (const [x1, x2, y1, y2] of [[at(low), at(high), middle, middle], [at(low), at(low), middle - 5, middle + 5], [at(high), at(high), middle - 5, middle + 5]]) {
        picture.append(draw("line", { class: "interval", x1, x2, y1, y2 }));
      }
    }
  });
  return picture;
}

/** A row's name: beside it, and on a narrow screen above it, where `less` is kept free. */
function named(picture, name, top, left, width, less = 0) {
  const narrow = width < NARROW;
  const place = narrow ? { x: left, y: top } : { x: left - 10, y: top + ROW / 2 + TEXT / 3, "text-anchor": "end" };
  picture.append(nameAt(name, place, narrow ? width - 30 - less : left - 14));
}

/** Terminals among their peers: the rate as a point, the funnel's limits as bands, what is expected as a mark. */
export function funnel(label, rows, width) {
  const narrow = width < NARROW;
  const left = narrow ? 22 : Math.min(0.3 * width, 240);
  const right = narrow ? 22 : 110;
  const row = narrow ? ROW + 22 : ROW;
  const height = HEAD + rows.length * row + FOOT;
  const steps = shareAxis(Math.max(0, ...rows.filter(tells).map(({ rate, wide }) => Math.max(rate, wide[1]))), narrow);
  const at = (share) => left + (Math.min(share, steps[steps.length - 1]) / steps[steps.length - 1]) * (width - left - right);
  const picture = frame(width, height, label);
  axis(picture, steps, at, HEAD, height - FOOT, percent);
  cutAt(picture, steps, width - 4, height - FOOT + 20);
  rows.forEach((one, number) => {
    const top = HEAD + number * row + (narrow ? 22 : 0);
    named(picture, one.name, top, left, width, narrow ? VALUE : 0);
    if (tells(one)) inFunnel(picture, one, top, at);
    const beside = tells(one) ? at(Math.max(one.rate, one.wide[1])) + 12 : left + 8;
    const place = narrow ? { x: width - right, y: top, "text-anchor": "end" } : { x: beside, y: top + ROW / 2 + TEXT / 3 };
    picture.append(draw("text", { class: tells(one) ? "value" : "value none", ...place }, tells(one) ? one.text : t("too_few_data")));
  });
  return picture;
}

/** Whether there are enough data to say anything: where chance alone allows none and all, there is nothing to draw. */
const tells = ({ near: [from, to], unusual }) => unusual || !anything(from, to);

function inFunnel(picture, { rate, wide, near, expected, unusual }, top, at) {
  const middle = top + ROW / 2;
  for (const [band, [from, to]] of [["wide", wide], ["near", near]]) {
    picture.append(draw("rect", { class: `band ${band}`, x: at(from), y: top + 8, width: Math.max(1, at(to) - at(from)), height: ROW - 16 }));
  }
  picture.append(draw("line", { class: "interval", x1: at(expected), x2: at(expected), y1: top + 6, y2: top + ROW - 6 }));
  const size = unusual ? 8 : 5;
  picture.append(unusual
    ? draw("path", { class: "point", "data-tone": "bad", d: `M${at(rate)} ${middle - size}l${size} ${size}-${size} ${size}-${size}-${size}z` })
    : draw("circle", { class: "point", cx: at(rate), cy: middle, r: size }));
}

/** Log-likelihood ratios from a line at nought: to the right for the same person, to the left against: `{label, llr}`. */
export function ratios(label, rows, width) {
  const left = Math.min(0.34 * width, 220);
  const height = HEAD + rows.length * ROW + FOOT;
  const most = Math.max(2, ...rows.map(({ llr }) => Math.abs(llr)));
  const steps = ticks(most);
  const edge = steps[steps.length - 1];
  const at = (llr) => left + ((llr + edge) / (2 * edge)) * (width - left - 60);
  const picture = frame(width, height, label);
  const shown = width < NARROW ? [-edge, 0, edge] : [...steps.slice(1).map((one) => -one).reverse(), ...steps];
  axis(picture, shown, at, HEAD, height - FOOT, (step) => String(Number(step.toFixed(2))));
  rows.forEach(({ label: name, llr }, number) => {
    const top = HEAD + number * ROW;
    const x = Math.min(at(0), at(llr));
    picture.append(
      draw("text", { class: "name", x: left - 10, y: top + ROW / 2 + 5, "text-anchor": "end" }, name),
      draw("rect", { class: "bar-of", "data-tone": llr >= 0 ? "bad" : "good", x, y: top + 7, width: Math.max(1, Math.abs(at(llr) - at(0))), height: ROW - 14 }),
      draw("text", { class: "value", x: at(Math.max(llr, 0)) + 6, y: top + ROW / 2 + 5 }, llr.toFixed(2)),
    );
  });
  picture.append(draw("line", { class: "interval", x1: at(0), x2: at(0), y1: HEAD, y2: height - FOOT }));
  return picture;
}

/** Lines over named places, such as months: `series` are `{name, tone, points: [{share, low, high} or null]}`. */
export function lines(label, places, series, width, form = percent) {
  const [left, right, top, bottom] = [64, 16, 12, 230];
  const steps = shareAxis(Math.max(...series.flatMap(({ points }) => points.map((one) => (one ? one.high ?? one.share : 0)))));
  const x = (place) => left + (places.length < 2 ? 0.5 : place / (places.length - 1)) * (width - left - right - 24) + 12;
  const y = (share) => bottom - (Math.min(share, steps[steps.length - 1]) / steps[steps.length - 1]) * (bottom - top);
  const picture = frame(width, bottom + FOOT + 16, label);
  cutAt(picture, steps, width - 4, top + 4);
  for (const step of steps) {
    picture.append(draw("line", { class: "grid", x1: left, x2: width - right, y1: y(step), y2: y(step) }));
    picture.append(draw("text", { class: "tick", x: left - 8, y: y(step) + 5, "text-anchor": "end" }, form(step)));
  }
  places.forEach((name, place) => {
    picture.append(draw("text", { class: "tick", x: x(place), y: bottom + 22, "text-anchor": "middle" }, name));
    if (series.some(({ points }) => points[place])) return;
    picture.append(draw("text", { class: "tick none", x: x(place), y: bottom + 40, "text-anchor": "middle" }, t("no_data")));
  });
  for (const { points, tone } of series) {
    const there = points.map((one, place) => one && { ...one, x: x(place) });
    const path = there.map((one, place) => one && `${place && there[place - 1] ? "L" : "M"}${one.x} ${y(one.share)}`).filter(Boolean).join("");
    picture.append(draw("path", { class: "line", "data-tone": tone, d: path || "M0 0" }));
    for (const one of there.filter(Boolean)) {
      if (one.low !== undefined && one.low !== null && !anything(one.low, one.high)) picture.append(draw("line", { class: "interval", x1: one.x, x2: one.x, y1: y(one.low), y2: y(one.high) }));
      picture.append(draw("circle", { class: "point", "data-tone": tone, cx: one.x, cy: y(one.share), r: 5 }));
    }
  }
  return picture;
}
