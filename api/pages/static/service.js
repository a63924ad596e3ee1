// Requests to the service. The session is a cookie that no script can read; the header says that a page of ours asks.

import { sleep } from "./dom.js";

/** No answer came, or none that the service gives: nothing was decided as far as this page knows. */
export class Unreachable extends Error {}

/** The service's own error: `code`, `message` and `operator` in both languages. */
export class Refused extends Error {
  constructor(body, status) {
    super(body.code);
    this.code = body.code;
    this.status = status;
    this.body = body;
  }
}

/** The page that asks, counter, kiosk or console: the service takes the sessions of this one alone. */
let asking = "";
export const askAs = (page) => {
  asking = page;
};
export const pageHeader = () => ({ "Renzheng-Page": asking });

const TIMEOUT_MS = 10_000;
const TRIES = 4;
const PAUSE_MS = 800;

/** One request; gives the JSON that was answered. Raises Refused and Unreachable. */
export async function ask(method, path, { body, headers = {}, timeoutMs = TIMEOUT_MS } = {}) {
  const sent = { ...pageHeader(), ...headers };
  if (body !== undefined) sent["Content-Type"] = "application/json";
  let answer;
  let content;
  try {
    answer = await fetch(path, {
      method,
      headers: sent,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "same-origin",
      redirect: "error",
      signal: AbortSignal.timeout(timeoutMs),
    });
    content = await answer.json();
  } catch {
    throw new Unreachable();
  }
  if (answer.ok) return content;
  if (content?.code && content.message) throw new Refused(content, answer.status);
  throw new Unreachable();
}

/** A request under one idempotency key, sent again while there is no answer: what was decided is decided once. */
export async function askOnce(path, body, onRetry = () => {}, extra = {}) {
  const headers = { "Idempotency-Key": crypto.randomUUID(), ...extra };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask("POST", path, { body, headers });
    } catch (error) {
      const passing = error instanceof Unreachable || error.body?.retryable;
      if (!passing || attempt === TRIES) throw error;
      onRetry();
      await sleep(PAUSE_MS * attempt);
    }
  }
}

/** Whether the service can answer verifications now. */
export async function ready() {
  try {
    return (await ask("GET", "/readyz", { timeoutMs: 3000 })).status === "ok";
  } catch {
    return false;
  }
}
