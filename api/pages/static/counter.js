// The counter: card and person side by side, an answer on two axes, what to say and what to do. No figure is shown.

import { forgetGround, groundMissing, groundStated, listGrounds, sayWhatToSay } from "./basis.js";
import { Bridge } from "./bridge.js";
import { Camera, cameraFault, fileBase64 } from "./camera.js";
import { CardFault, fromReader, pictureUrl, typed } from "./card.js";
import { $, $$, put, showOnly, tone } from "./dom.js";
import { fingerName, listFingers, showFacts } from "./facts.js";
import { tellerFaultWords } from "./faults.js";
import { goOn, showGoingOn } from "./going_on.js";
import { serveHolder, showHolder } from "./holder.js";
import { attend } from "./operator.js";
import { hideOutcome, showFault, showOutcome, waiting } from "./outcome.js";
import { explained, open, sayUnreachable, session, setUp } from "./page.js";
import { ask, askAs, askOnce, ready, Refused, Unreachable } from "./service.js";
import { sayAll, t } from "./texts.js";
import { Watching } from "./watching.js";

const HEALTH_MS = 5000;
const FINGER_MS = 20_000;
// A nonce lives for minutes; one that is older is not trusted to.
const NONCE_MS = 120_000;
/** Nobody's data stay on a counter that is left alone. */
const ABANDONED_MS = 10 * 60_000;

const camera = new Camera($("#live"));
const watching = new Watching(camera, () => view === "work", () => verifyButton());
let bridge;
let page;
let place = null;
let view = "start";
let catalogue = {};
/** Everything of the present customer; a new one for each. */
let visit = null;
let abandoned;
let asked = 0;
/** Whether a card was laid down while another one's check was under way: it is read for the next customer. */
let waits = false;
/** Tells the counters of other tabs that who attends has changed, and nothing else: each asks the service who it is now. */
const tabs = new BroadcastChannel("renzheng-counter");
/** Whether another tab told so, and the service has not been asked since. */
let told = false;

function show(name) {
  view = name;
  showOnly("data-view", name);
}

function fresh() {
  visit?.ended.abort();
  if (visit?.photo) URL.revokeObjectURL(visit.photo);
  visit = { ended: new AbortController(), card: null, photo: null, nonce: null, fingers: [], answer: null, override: null, busy: false, told: null, fault: null };
  waits = false;
  $("#without-face").checked = false;
  forgetGround();
  for (const form of $$("#typed")) form.reset();
  for (const field of $$("input[type=file]")) field.value = "";
  for (const state of $$("#finger-state, #typed-error")) put(state, "");
  hideOutcome();
  cardPanel();
  watching.begin(visit);
  clearTimeout(abandoned);
}

/** Nobody's any more; and who attends may have changed, at another page or because their shift is over. */
function nextCustomer() {
  fresh();
  attendance().catch(() => {}); // What is amiss with the service is told where it is needed.
}

/** Ask who is signed in; of several answers the last asked for counts. */
async function attendance() {
  const mine = (asked += 1);
  const found = await session();
  if (mine !== asked || place === null) return;
  if (found === null) return signedOut();
  const { operator } = place;
  place = found;
  sayPlace();
  if (place.operator) uncover();
  else if (told && operator) cover();
  if (operator !== place.operator && !told) tabs.postMessage("attendance");
  told = false;
}

/** Nothing of the customer is seen until a teller has signed in; a check that is under way goes on meanwhile. */
function cover() {
  document.body.classList.add("covered");
  $("#operator-left").hidden = false;
  if (!$("#attending").open) $("#attending").showModal();
}

function uncover() {
  if (!covered()) return;
  document.body.classList.remove("covered");
  $("#operator-left").hidden = true;
  $("#attending").close();
}

const covered = () => document.body.classList.contains("covered");

/** The form was closed. For whoever did not sign in nothing is left there, but no check is thrown away. */
function attended() {
  if (!covered()) return;
  if (!place?.operator && visit.busy) {
    cover();
    return put($("#operator-error"), t("deciding_title"));
  }
  if (place && !place.operator) next();
  uncover();
}

/** Begin to wait for somebody to touch the page; where nobody does, the customer has gone. */
function abandon() {
  clearTimeout(abandoned);
  abandoned = setTimeout(() => {
    $("#attending").close();
    nextCustomer();
  }, ABANDONED_MS);
}

/** Say how the card stands: `words` gives the state and, where it cannot be used, what to do. */
function tellCard(words, of = "") {
  visit.told = { words, of };
  cardPanel();
}

function cardPanel() {
  const { card, told } = visit;
  const [state = "", lead] = told?.words() ?? [];
  tone($("#card-state"), state, told?.of);
  $("#card-empty").hidden = Boolean(card);
  const wanted = bridge?.connected ? "card_wanted" : page.configuration.typed_cards ? "reader_none_demo" : "reader_none_teller";
  put($("#card-empty"), lead ?? t(wanted));
  $("#typing").hidden = !page.configuration.typed_cards || Boolean(card);
  $("#typing").open = !bridge?.connected;
  showFacts(card, visit.photo);
  verifyButton();
}

function verifyButton() {
  const declined = $("#without-face").checked;
  const fault = !visit.card ? "verify_needs_card" : groundMissing() ? "verify_needs_basis" : "";
  const why = fault || (declined ? "without_face_on" : !camera.running ? "verify_needs_camera" : "");
  $("#verify").disabled = (Boolean(why) && why !== "without_face_on") || visit.busy || visit.answer !== null;
  put($("#verify-why"), why && !visit.busy ? t(why) : "");
  // Nothing that is changed now would count for the answer that stands there.
  const settled = visit.busy || visit.answer !== null;
  for (const field of $$("#purpose, #basis, #without-face, #position, #finger-file input")) field.disabled = settled;
  $("#take-finger").disabled = !bridge?.scansFingers || settled;
}

async function takeCard(card) {
  visit.card = card;
  if (card.photo) visit.photo = pictureUrl(card.photo);
  tellCard(() => [t("card_read")], "good");
  abandon();
  toTheNextStep();
  await newNonce().catch(() => {}); // Asked for again when it is needed, and the fault is told then.
}

/** Purpose and ground stand before the capture; where both stand, and the camera runs, all that is left is the button. */
function toTheNextStep() {
  if (groundMissing()) $("#basis").focus();
  else $($("#verify").disabled ? "#purpose" : "#verify").focus();
}

async function newNonce() {
  const { nonce } = await ask("POST", "/v1/captures");
  visit.nonce = { text: nonce, at: performance.now() };
}

async function takeFinger() {
  const position = $("#position").value;
  const { signal } = visit.ended;
  tone($("#finger-state"), t("finger_press"));
  try {
    const taken = await bridge.finger(position, FINGER_MS, signal);
    addFinger({ position: taken.position, image: taken.image, dpi: taken.dpi });
  } catch (error) {
    if (!signal.aborted) tone($("#finger-state"), t(error.message === "finger_timeout" ? "finger_none" : "finger_failed"), "bad");
  }
}

function addFinger(finger) {
  visit.fingers = [...visit.fingers.filter(({ position }) => position !== finger.position), finger];
  sayFingers();
}

function sayFingers() {
  if (!visit.fingers.length) return put($("#finger-state"), "");
  const names = visit.fingers.map(({ position }) => fingerName(position)).join(t("comma"));
  tone($("#finger-state"), t("finger_taken", { names }), "good");
}

async function verify() {
  const { signal } = visit.ended;
  visit.busy = true;
  verifyButton();
  const end = waiting();
  try {
    if (!visit.nonce || performance.now() - visit.nonce.at > NONCE_MS) await newNonce();
    // Who declines the face is compared by nothing of it: neither picture nor the card's photograph is sent.
    const declined = $("#without-face").checked;
    const still = declined ? { at: new Date().toISOString() } : await camera.still();
    const captures = declined ? { face_declined: true, fingers: visit.fingers } : { face: { image: still.image }, fingers: visit.fingers };
    if (visit.card.photo && !declined) captures.chip_photo = visit.card.photo.image;
    const { body } = visit.card;
    const sent = { card: body, channel: "counter", purpose: $("#purpose").value, ...groundStated(), captures, captured_at: still.at, nonce: visit.nonce.text };
    visit.nonce = null;
    const answer = await askOnce("/v1/verifications", sent, () => put($("#outcome-waiting"), t("deciding_retry")));
    if (signal.aborted) return;
    visit.answer = answer;
    watching.rest();
    end();
    showAnswer();
  } catch (error) {
    end();
    if (!signal.aborted) failed(error);
  } finally {
    visit.busy = false;
    if (covered()) put($("#operator-error"), ""); // The form can be closed now.
    verifyButton();
    abandon();
  }
}

/** The decision, and what can be done after it. */
function showAnswer() {
  showOutcome(visit.answer, catalogue);
  showGoingOn(visit, catalogue);
  showHolder(visit);
}

function failed(error) {
  if (error instanceof Refused && error.status === 401) return signedOut();
  if (error.code === "operator_not_allowed") attendance().catch(() => {});
  visit.fault = () => faultWords(error);
  showFault(...visit.fault());
}

function faultWords(error) {
  if (error instanceof DOMException) return [t("refused_title"), t(cameraFault(error))];
  if (error instanceof Refused) return [t("refused_title"), explained(error)];
  return [t(error instanceof Unreachable ? "unanswered_title" : "refused_title"), t("unanswered_teller")];
}

function signedOut() {
  place = null;
  fresh();
  uncover();
  camera.stop();
  show("setup");
}

function again() {
  visit.answer = null;
  visit.override = null;
  visit.fault = null;
  visit.fingers = [];
  sayFingers();
  hideOutcome();
  verifyButton();
  newNonce().catch(() => {});
  $("#verify").focus();
}

function next() {
  const another = waits;
  nextCustomer();
  $("#card-title").focus();
  if (another) bridge.readAgain();
}

/** A card was laid there: the former customer is cleared away before it is read, which may fail. */
function cardPlaced({ again }) {
  if (view !== "work") return;
  if (visit.busy) return again || nextWaits();
  if (!again && (visit.card || visit.answer)) nextCustomer();
  if (!waits) tellCard(() => [t("reading_title")]);
}

/** No card takes an answer that is waited for, or was just given, from before the teller's eyes: it is read afterwards. */
function nextWaits() {
  waits = true;
  tellCard(() => [t("card_waits")]);
}

function cardRead(read) {
  if (view !== "work") return;
  // The card of this visit once more: the bridge was away, or it was moved.
  if (visit.card?.body.text === read.text) return sameCard();
  if (visit.busy || waits) return nextWaits();
  if (visit.card || visit.answer) nextCustomer();
  try {
    takeCard(fromReader(read, page.configuration.text_block));
  } catch (error) {
    cardFault(error instanceof CardFault ? error.code : "card_read_failed");
  }
}

function sameCard() {
  waits = false;
  tellCard(() => [t("card_read")], "good");
}

function cardFault(code) {
  if (visit.busy || waits) return;
  if (visit.card) nextCustomer();
  tellCard(() => tellerFaultWords(code), "bad");
}

function bridgeState() {
  if (view !== "work") return;
  if (!visit.card) visit.told = null;
  cardPanel();
}

function listen() {
  bridge.addEventListener("state", bridgeState);
  bridge.addEventListener("placed", ({ detail }) => cardPlaced(detail));
  bridge.addEventListener("read", ({ detail }) => cardRead(detail));
  bridge.addEventListener("removed", () => waits && sameCard());
  bridge.addEventListener("fault", ({ detail }) => detail.device === "card" && view === "work" && cardFault(detail.code));
  $("#typed").addEventListener("submit", (event) => {
    event.preventDefault();
    if (!event.target.checkValidity()) return put($("#typed-error"), t("typed_missing"));
    takeCard(typed(Object.fromEntries(new FormData(event.target))));
  });
  $("#verify").addEventListener("click", verify);
  $("#without-face").addEventListener("change", ({ target }) => {
    watching.decline(target.checked);
    verifyButton();
  });
  $("#basis").addEventListener("change", () => {
    sayWhatToSay();
    verifyButton();
  });
  $("#take-finger").addEventListener("click", takeFinger);
  $("#finger-file").hidden = !page.configuration.typed_cards;
  $("#finger-file input").addEventListener("change", async ({ target }) => {
    if (target.files[0]) addFinger({ position: $("#position").value, image: await fileBase64(target.files[0]) });
  });
  goOn(() => ({ visit, catalogue, operator: place.operator, signIn: () => $("#operator").click() }));
  serveHolder(() => ({ visit }));
  $("#again").addEventListener("click", again);
  $("#next").addEventListener("click", next);
  $("#attending").addEventListener("close", attended);
  tabs.addEventListener("message", () => {
    told = true;
    attendance().catch(() => {}); // Asked again for the next customer.
  });
  for (const name of ["pointerdown", "keydown", "input"]) {
    document.addEventListener(name, () => view === "work" && abandon(), { passive: true });
  }
  // A browser that goes back shows a page as it was left, without a camera.
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  addEventListener("pagehide", () => {
    fresh();
    camera.stop();
  });
}

/** What the page put there itself, in the language that was just chosen. */
function spoken() {
  if (!place) return;
  sayPlace();
  listFingers(page.configuration.finger_positions);
  listGrounds(page.configuration);
  if (view !== "work") return;
  sayFingers();
  if ($("#without-face").checked) put($("#camera-state"), t("camera_off"));
  else if (camera.running) put($("#camera-state"), t("camera_on"));
  cardPanel();
  if (visit.answer) showAnswer();
  if (visit.fault) showFault(...visit.fault());
}

function sayPlace() {
  put($("#place"), `${place.institution} ${place.terminal}`);
  put($("#operator"), place.operator ? t("operator_is", { name: place.operator }) : t("operator_none"));
  $("#operator").hidden = false;
}

async function signIn() {
  place = await session();
  if (place === null) return show("setup");
  if (place.channel === "kiosk") {
    await ask("POST", "/v1/session/end");
    place = null;
    put($("#setup-error"), t("setup_other_channel"));
    return show("setup");
  }
  catalogue = await ask("GET", "/v1/errors?brief=true");
  show("work");
  fresh();
  spoken();
}

/** The page that could not begin begins when the service answers. */
async function watch() {
  if (view === "away" && (await ready())) await signIn().catch(() => show("away"));
  setTimeout(watch, HEALTH_MS);
}

async function start() {
  askAs("counter");
  sayUnreachable("away_teller");
  page = await open(spoken, "terminal");
  bridge = new Bridge(page.configuration.bridge);
  setUp(signIn);
  attend(attendance);
  listen();
  sayAll();
  await signIn().catch(() => show("away"));
  bridge.open();
  watch();
}

start().catch(() => {
  // Not even the texts came: the page says so by itself, in both languages.
  put($("[data-view=start] h2"), "暂时无法连接核验服务。 The service cannot be reached.");
  setTimeout(() => location.reload(), HEALTH_MS);
});
