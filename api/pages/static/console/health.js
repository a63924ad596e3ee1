// How the replicas stand that answered this page, and the model packs with their licences.

import { el } from "../dom.js";
import { explained } from "../page.js";
import { ask } from "../service.js";
import { said, t } from "../texts.js";
import { time } from "../times.js";
import { badge, facts, say, span, stateLine, table, waited } from "./ui.js";

const AGAIN_MS = 5000;
/** A replica that did not answer for so long may be gone: what it said of itself then says nothing of now. */
const SILENT_MS = 60_000;
const PACKS = { installed: "good", missing: "", outdated: "bad", damaged: "bad" };

export async function show(root, context) {
  const line = stateLine();
  const replicas = el("div", { class: "stack" });
  const packs = el("div", { class: "stack" });
  const seen = new Map();
  root.append(el("p", { class: "quiet" }, t("health_lead")), line, replicas, packs);
  const first = await waited(line, context, () => ask("GET", "/v1/standing"));
  if (!first) return;
  packs.append(packsOf(first.packs));
  const draw = () => replicas.replaceChildren(...[...seen.values()].map(replica));
  const keep = (found) => {
    seen.set(found.replica, { ...found, heard: performance.now() });
    draw();
  };
  keep(first);
  // A balancer sends each question to another replica: whoever answers is added.
  const timer = setInterval(async () => {
    try {
      const found = await ask("GET", "/v1/standing");
      if (context.signal.aborted) return;
      say(line, "");
      keep(found);
    } catch (error) {
      if (context.signal.aborted || context.failed(error)) return;
      say(line, explained(error), "bad");
      draw();
    }
  }, AGAIN_MS);
  context.signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

function replica(one) {
  const silent = performance.now() - one.heard;
  const faults = [
    silent >= SILENT_MS && t("health_silent", { seconds: Math.round(silent / 1000) }),
    one.schema !== one.schema_known && t("health_schema_other"),
    !one.log.sequencing && t("health_not_sequencing"),
    one.log.overdue > 0 && t("health_overdue", { count: one.log.overdue }),
    one.impostors.known < 0 && t("health_no_list"),
    one.feed.streams >= one.feed.most_streams && t("health_streams_full"),
  ].filter(Boolean);
  return el("section", { class: "panel" },
    el("header", {}, el("h2", {}, one.replica), badge(faults.length ? faults.join(t("comma")) : t("health_good"), faults.length ? "bad" : "good")),
    facts([
      [t("health_as_of"), time(one.as_of)],
      [t("health_version"), one.version],
      [t("health_since"), time(one.started_at)],
      [t("health_schema"), `${one.schema ?? "–"} / ${one.schema_known}`],
      [t("health_feed"), t("health_feed_is", one.feed)],
      [t("health_streams"), `${one.feed.streams} / ${one.feed.most_streams}`],
      [t("health_impostors"), t("health_feed_is", { known: one.impostors.known, head: one.impostors.sequence })],
      [t("health_log"), t("health_log_is", { ...one.log, oldest: span(one.log.oldest_wait_s) })],
      [t("health_faces"), one.faces.people === null ? t("health_faces_uncounted") : t("health_faces_is", { ...one.faces, time: time(one.faces.counted_at) })],
      [t("health_faces_filing"), one.faces.reached ? said(one.faces.filing) : t("no")],
    ]));
}

function packsOf(packs) {
  const rows = packs.map((one) => [
    one.name, one.version, said(one.purpose_words),
    one.research_only ? el("span", {}, `${one.licence} `, badge(t("research_only"), "bad")) : one.licence,
    badge(t(`pack_${one.state}`), PACKS[one.state]),
    el("span", { class: "hash" }, one.files.map(({ name, sha256 }) => `${name} ${sha256 ? sha256.slice(0, 16) : "–"}`).join("\n")),
  ]);
  return el("section", { class: "panel" }, el("h2", {}, t("packs_title")),
    table(t("packs_list"), [t("pack"), t("health_version"), t("pack_purpose"), t("licence"), t("pack_state"), "SHA-256"], rows));
}
