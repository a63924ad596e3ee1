// The start page: the way to the other pages, and whether the service can answer now. It asks nobody for anything.

import { $, $$, put, tone } from "./dom.js";
import { open } from "./page.js";
import { ready } from "./service.js";
import { current, t } from "./texts.js";

const HEALTH_MS = 5000;
/** Whether the service answered last; null before it did. */
let there = null;

function spoken() {
  if (there !== null) tone($("#ready"), t(there ? "start_ready" : "start_not_ready"), there ? "good" : "bad");
  // The language goes with whoever goes on.
  for (const link of $$(".doors a:not([href='/docs'])")) {
    link.setAttribute("href", `${link.pathname}${current() === "zh" ? "" : `?lang=${current()}`}`);
  }
}

async function watch() {
  there = await ready();
  spoken();
  setTimeout(watch, HEALTH_MS);
}

async function start() {
  await open(spoken, "start");
  watch();
}

start().catch(() => {
  // Not even the texts came: the page says so by itself, in both languages.
  put($("h1"), "暂时无法连接核验服务。 The service cannot be reached.");
  setTimeout(() => location.reload(), HEALTH_MS);
});
