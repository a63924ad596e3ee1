// The kiosk: card, consent, face with movements, finger, answer. One visit at a time; it leaves nothing behind.

import { forgetAnswer, showAnswer } from "./answer.js";
import { Bridge } from "./bridge.js";
import { Camera, cameraFault } from "./camera.js";
import { captureFace } from "./capture.js";
import { CardFault, fromReader, maskedName, maskedNumber, typed } from "./card.js";
import { $, $$, put, showOnly } from "./dom.js";
import { cardFaultWords } from "./faults.js";
import { captureFinger } from "./finger.js";
import { Idle } from "./idle.js";
import { explained, highContrast, open, session, setUp } from "./page.js";
import { ask, askAs, askOnce, ready, Refused, Unreachable } from "./service.js";
import { VERDICTS, WARNING } from "./symbols.js";
import { said, sayAll, t } from "./texts.js";

const PURPOSE = "kiosk_check";
const MOST_RETRIES = 2;
const HEALTH_MS = 5000;
const SECONDS = { typing: 90, reading: 20, consent: 45, face: 75, finger: 60, result: 30, fault: 20 };
const STEPS = { reading: "card", typing: "card", consent: "card", face: "face", finger: "finger", deciding: "result", result: "result" };

const camera = new Camera($("#live"));
let bridge;
let page;
let place = null;
let screen = "start";
let cardLies = false;
let cardSeen = false;
/** Everything of the present customer. */
let visit = null;
/** Gives what a fault says, title and lead, in the language of the moment. */
let fault = null;
const idle = new Idle(() => leave());

function show(name) {
  screen = name;
  showOnly("data-screen", name);
  const step = STEPS[name];
  $("#steps").hidden = step === undefined;
  for (const item of $$("[data-step]")) {
    if (item.dataset.step === step) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  $("#cancel").hidden = !(visit && name in STEPS && name !== "result");
  if (name in SECONDS) idle.start(SECONDS[name]);
  else idle.stop();
}

/** End the visit and forget everything of it. */
function leave() {
  visit?.ended.abort();
  visit = null;
  fault = null;
  screen = "start";
  camera.stop();
  idle.stop();
  for (const form of $$("#typed, #setup")) form.reset();
  for (const field of $$("input[type=file]")) field.value = "";
  for (const element of $$("#who, #hint, #finger-state, #deciding-state, #typed-error")) put(element, "");
  forgetAnswer();
  page.turn("zh");
  highContrast(matchMedia("(prefers-contrast: more)").matches);
  welcome();
}

function welcome() {
  if (place === null) return show("setup");
  readerState();
  show("welcome");
  // It was laid there while the page could not take it, as when the service was away.
  if (cardLies && !cardSeen && takeCard()) bridge.readAgain();
}

function readerState() {
  const connected = bridge?.connected;
  if (connected) put($("#reader-state"), cardLies ? t("card_left") : "");
  else put($("#reader-state"), t(page.configuration.typed_cards ? "reader_none_demo" : "reader_none"));
  $("#type-card").hidden = !page.configuration.typed_cards;
}

function begin() {
  visit?.ended.abort();
  visit = { ended: new AbortController(), card: null, retries: 0 };
}

/** Show a fault; `words` gives its title and what to do. `calm`: nothing is wrong, a person goes on with it. */
function fail(words, again = null, calm = false) {
  camera.stop();
  $("#fault-figure").classList.toggle("fault", !calm);
  $("#fault-path").setAttribute("d", calm ? VERDICTS.REVIEW : WARNING);
  fault = words;
  sayFault();
  $("#fault-again").hidden = again === null;
  $("#fault-again").onclick = again;
  show("fault");
}

function sayFault() {
  const [title, lead] = fault();
  put($("#fault-title"), title);
  put($("#fault-lead"), lead);
}

/** Anything that went wrong on the way, said as it is: what was not answered was not passed. */
function failed(error) {
  if (error instanceof CardFault) return cardFault(error.code);
  if (error instanceof Unreachable) return fail(() => [t("unanswered_title"), t("unanswered_lead")], faceAgain());
  if (error instanceof DOMException) return fail(() => [t("camera_title"), t(cameraFault(error))], faceAgain());
  if (error instanceof Refused && error.status === 401) return signedOut();
  fail(() => [t("refused_title"), error instanceof Refused ? said(error.body.message) : t("unanswered_lead")], faceAgain());
}

const faceAgain = () => (visit?.card ? () => takeFace() : null);

function signedOut() {
  place = null;
  leave();
}

function cardFault(code) {
  fail(() => cardFaultWords(code));
}

/** A card was laid there; `again`: it may be the one that lay there before the bridge was away. */
function cardPlaced({ again }) {
  cardLies = true;
  // Whoever lays a card down while the last result is shown is the next customer, and sees nothing of it.
  if (screen === "result" && !again) {
    cardSeen = true;
    leave();
  }
  cardSeen = screen === "result";
  takeCard();
}

/** Begin a visit with the card that lies there; false where the page is busy with something else. */
function takeCard() {
  if (screen !== "welcome" && screen !== "fault" && screen !== "typing") return false;
  cardSeen = true;
  begin();
  show("reading");
  return true;
}

function cardRead(read) {
  if (screen === "result" && visit.card.body.text !== read.text) {
    // While the bridge was away the card was changed for another one.
    cardSeen = true;
    leave();
    takeCard();
  }
  if (screen !== "reading") return;
  try {
    visit.card = fromReader(read, page.configuration.text_block);
    consent();
  } catch (error) {
    failed(error);
  }
}

function cardRemoved() {
  cardLies = false;
  if (screen === "welcome") readerState();
  if (visit === null || visit.card?.typed) return;
  if (screen === "result") idle.start(5);
  else if (screen !== "fault") {
    visit.ended.abort();
    cardFault("card_removed_early");
  }
}

/** The bridge came or went. One that is away tells of no card: it counts as taken away, but a result stays its while. */
function bridgeState() {
  if (!bridge.connected && cardLies) {
    cardLies = false;
    if (visit !== null && !visit.card?.typed && screen !== "result" && screen !== "fault") {
      visit.ended.abort();
      fail(() => [t("refused_title"), t("reader_none")]);
    }
  }
  readerState();
}

function bridgeFault({ code, device }) {
  if (device === "card" && visit && !visit.card) cardFault(code);
}

function consent() {
  const { name, body } = visit.card;
  put($("#who"), [maskedName(name), maskedNumber(body.number)].filter(Boolean).join("  "));
  show("consent");
}

async function takeFace() {
  const mine = visit;
  show("face");
  try {
    mine.taken = await captureFace(camera, mine.ended.signal);
    if (mine.taken === null) return;
    camera.stop();
    await takeFinger(mine);
  } catch (error) {
    if (!mine.ended.signal.aborted) failed(error);
  }
}

async function takeFinger(mine) {
  const { signal } = mine.ended;
  mine.fingers = [];
  if (bridge.scansFingers || page.configuration.typed_cards) {
    show("finger");
    mine.fingers = await captureFinger(bridge, page.configuration.typed_cards, signal);
  }
  if (!signal.aborted) await decide(mine);
}

async function decide(mine) {
  const { card, taken, fingers } = mine;
  const captures = { face: { image: taken.face }, fingers, burst: taken.burst };
  if (card.photo) captures.chip_photo = card.photo.image;
  mine.taken = null;
  put($("#deciding-state"), t("deciding_lead"));
  show("deciding");
  const body = { card: card.body, channel: "kiosk", purpose: PURPOSE, basis: "separate_consent", captures, captured_at: taken.at, nonce: taken.nonce };
  const answer = await askOnce("/v1/verifications", body, () => put($("#deciding-state"), t("deciding_retry")));
  if (!mine.ended.signal.aborted) tell(answer);
}

function tell(answer) {
  visit.answer = answer;
  showAnswer(answer, visit.retries < MOST_RETRIES);
  show("result");
}

/** What the page put there itself, in the language that was just chosen. */
function spoken() {
  if (place) put($("#place"), `${place.institution} ${place.terminal}`);
  if (screen === "welcome") readerState();
  if (screen === "consent") consent();
  if (screen === "result" && visit?.answer) tell(visit.answer);
  if (screen === "fault") sayFault();
}

async function signIn() {
  place = await session();
  if (place?.channel === "counter") {
    await ask("POST", "/v1/session/end");
    place = null;
    put($("#setup-error"), t("setup_other_channel"));
    return show("setup");
  }
  spoken();
  welcome();
}

/** While nobody is here, the page says whether the service is there. */
async function watch() {
  if (screen === "welcome" || screen === "away") {
    const answers = await ready();
    if (!answers && screen === "welcome") show("away");
    else if (answers && screen === "away") await signIn().catch(() => show("away"));
  }
  setTimeout(watch, HEALTH_MS);
}

function listen() {
  bridge.addEventListener("state", bridgeState);
  bridge.addEventListener("placed", ({ detail }) => cardPlaced(detail));
  bridge.addEventListener("read", ({ detail }) => cardRead(detail));
  bridge.addEventListener("removed", cardRemoved);
  bridge.addEventListener("fault", ({ detail }) => bridgeFault(detail));
  $("#type-card").addEventListener("click", () => {
    begin();
    show("typing");
  });
  $("#typed").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!event.target.checkValidity()) return put($("#typed-error"), t("typed_missing"));
    visit.card = { ...typed(Object.fromEntries(new FormData(event.target))), typed: true };
    consent();
  });
  $("#agree").addEventListener("click", () => takeFace());
  $("#decline").addEventListener("click", () => fail(() => [t("declined_title"), t("declined_lead")], null, true));
  $("#again").addEventListener("click", () => {
    visit.retries += 1;
    takeFace();
  });
  for (const button of $$("#finish, #fault-finish, #cancel")) button.addEventListener("click", leave);
  // A page kept by the browser for "back" would show the last customer.
  addEventListener("pagehide", leave);
}

async function start() {
  askAs("kiosk");
  page = await open(spoken, "terminal");
  bridge = new Bridge(page.configuration.bridge);
  setUp(signIn);
  listen();
  sayAll();
  try {
    await signIn();
  } catch (error) {
    if (error instanceof Refused) put($("#setup-error"), explained(error));
    show("away");
  }
  bridge.open();
  watch();
}

start().catch(() => {
  // Not even the texts came: the page says so by itself, in both languages.
  put($("[data-screen=start] h1"), "暂时无法连接核验服务。 The service cannot be reached.");
  setTimeout(() => location.reload(), HEALTH_MS);
});
