"""From the teller's click to the answer in sight: the counter's page in Chromium before a real service.

A service as `renzheng serve` runs it (real engines, embedded PostgreSQL) holds a card of each of four people, with a
face and one finger; the page reads it from the simulated reader, takes the finger, and the button is pressed. The
camera is a canvas with the person's other picture, moved a little and so never the same twice, as a camera's is.

- `latency_*`: from the click on *Capture and check* until the decision was drawn: picture, request, engines, decision,
  evidence, and the page. Intervals from a bootstrap over the answers.
- `page_ms`: the median of what of it lies outside the request for the verification.
- `cores_of_others`: cores that programs beside service, database, browser and reader kept busy meanwhile.
"""

import base64
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil
import typer
from PIL import Image

import models
from api.demo.counter import ISSUER, Caller, Card
from api.demo.material import MaterialMissing, Person, gather
from api.institutions import principals
from api.institutions.roles import Role
from api.reader.cards import DemoCard, demo_card
from api.reader.simulator import Simulator
from api.settings import Settings
from api.storage import database, embedded, keys, migrate
from benchmarks.common.progress import say
from benchmarks.common.report import FRACTION, Result, print_table, write_json
from benchmarks.service import meter
from benchmarks.service import process as service_process
from benchmarks.service.rate import UNLIMITED, latencies
from models.errors import ModelError

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROGRAM = [sys.executable, "-c", "from api.cli import main; main()", "serve"]
WARM_UP = 2
WIDTH, HEIGHT = 1366, 860
TIMEOUT_MS = 60_000
# What the page takes for a camera; `show` puts somebody before it.
CAMERA = """{
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [640, 480];
  const brush = canvas.getContext("2d");
  let picture = null;
  // Shifts of a picture are a few hundred at most: what is strewn over it makes each one another.
  const frame = () => {
    brush.drawImage(picture, Math.random() - 0.5, Math.random() - 0.5);
    for (let grain = 0; grain < 100; grain += 1) {
      brush.fillStyle = `rgb(${256 * Math.random()} ${256 * Math.random()} ${256 * Math.random()} / 4%)`;
      brush.fillRect(canvas.width * Math.random(), canvas.height * Math.random(), 12, 12);
    }
  };
  setInterval(() => picture && frame(), 40);
  navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(25);
  window.show = async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    picture = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  };
}"""
WATCHED = """() => {
  let began;
  performance.clearResourceTimings();
  const button = document.querySelector("#verify");
  button.addEventListener("click", () => { began = performance.now(); }, { capture: true, once: true });
  const outcome = document.querySelector("#outcome");
  window.answered = new Promise((resolve) => new MutationObserver((_, watcher) => {
    if (outcome.hidden) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
  }).observe(outcome, { attributeFilter: ["hidden"] }));
}"""
SERVED = """() => performance.getEntriesByType("resource")
  .filter((one) => one.name.endsWith("/v1/verifications")).reduce((sum, one) => sum + one.duration, 0)"""


@dataclass(frozen=True)
class Seen:
    """One answer: the decision, and how long it took from the click, of which `served_ms` at the service."""

    decision: str
    whole_ms: float
    served_ms: float


def run(answers: int, json_path: Path | None = None) -> None:
    """Measure, print the table, write the JSON. Exit code 1 when an answer was no PASS, 3 without chromium or packs."""
    chromium = shutil.which("chromium")
    if chromium is None:
        typer.echo("no chromium: `make browser` installs it", err=True)
        raise typer.Exit(3)
    try:
        people = gather(None, models.home(), say).people
    except (MaterialMissing, ModelError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(3) from error
    with service_process.own_home(models.home()) as home:
        seen, others = measure(home, people, answers, chromium)
    results = summarise(seen, others)
    print_table(results, title="Counter page, face and one finger")
    if json_path is not None:
        write_json(json_path, "counter", results)
    if any(one.decision != "PASS" for one in seen):
        raise typer.Exit(1)


def measure(home: Path, people: Sequence[Person], answers: int, chromium: str) -> tuple[list[Seen], float]:
    """The answers after the warm-up, and the cores that others kept busy meanwhile."""
    authority_key, terminal_key = _keys(home)
    port = service_process.free_port()
    try:
        with _served(home, f"ws://127.0.0.1:{port}") as service:
            say("registering the cards")
            with closing(Caller(service.url, authority_key)) as authority:
                cards = [_registered(authority, person) for person in people]
            with (
                Simulator([service.url], port=port) as reader,
                _page(chromium, service.url, terminal_key) as page,
            ):
                process = psutil.Process(service.process.pid)
                for number in range(WARM_UP):
                    _shown(page, reader, people[number], cards[number])
                began, ours = meter.read(process, home), _family_s()
                seen = []
                for number in range(answers):
                    place = number % len(people)
                    seen.append(_shown(page, reader, people[place], cards[place]))
                    say(f"{number + 1} of {answers}: {seen[-1].decision}, {seen[-1].whole_ms:.0f} ms")
                ended, ours = meter.read(process, home), _family_s() - ours
    finally:
        embedded.stop(home / "database")
    others = ended.machine - began.machine - (ended.database - began.database) - ours
    return seen, max(0.0, others) / (ended.at_s - began.at_s)


def _family_s() -> float:
    """CPU seconds of this process and of all that it started: service, browser, reader."""
    me = psutil.Process()
    times = [one.cpu_times() for one in (me, *me.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def summarise(seen: Sequence[Seen], others: float) -> list[Result]:
    """The figures; see above."""
    name, n = "generated", len(seen)
    passed = [one for one in seen if one.decision == "PASS"]
    results = [Result(name, "pass_share", len(passed) / n, None, None, FRACTION, n)]
    if not passed:
        return results
    own = median(one.whole_ms - one.served_ms for one in passed)
    return [
        *results,
        *latencies(name, [one.whole_ms for one in passed]),
        Result(name, "page_ms", own, None, None, "ms", len(passed)),
        Result(name, "cores_of_others", others, None, None, "cores", n),
    ]


def _keys(home: Path) -> tuple[str, str]:
    """The authority's key and the counter's; the database is started and stays."""
    settings = Settings(home=home, database_url=None)
    secrets = keys.load(settings.keys_dir)
    opened = database.open_database(settings)
    try:
        migrate.upgrade(opened)
        with opened.begin() as connection:
            authority = principals.add(connection, secrets, "authority", "authority", Role.AUTHORITY)
            counter = principals.add(
                connection, secrets, "bank", "1", Role.TERMINAL, channel="counter", requests_per_minute=UNLIMITED
            )
    finally:
        opened.close()
    return authority.key, counter.key


@contextmanager
def _served(home: Path, bridge: str) -> Iterator[service_process.ServiceProcess]:
    say("starting the database and the service")
    service = service_process.start(home, PROGRAM, settings={"RENZHENG_READER_BRIDGE": bridge})
    try:
        yield service
    finally:
        service.stop()


def _registered(authority: Caller, person: Person) -> DemoCard:
    """A card of a person; the chip's picture is the registered one."""
    file = BytesIO()
    Image.open(BytesIO(person.reference)).convert("RGB").save(file, "JPEG", quality=85)
    card = demo_card("valid", photo=file.getvalue(), fingers={"right_index": person.finger_capture})
    card = replace(card, text=replace(card.text, issuer=ISSUER))
    assert card.text.valid_to is not None
    known = Card(card.text.number, card.text.valid_from, card.text.valid_to)
    authority.register(known, person.reference, person.finger_reference)
    return card


@contextmanager
def _page(chromium: str, url: str, key: str) -> Iterator["Page"]:
    """The counter's page, signed in."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            chromium_sandbox=False,
            args=["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--disable-gpu"],
        )
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}, permissions=["camera"])
        context.set_default_timeout(TIMEOUT_MS)
        context.add_init_script(CAMERA)
        page = context.new_page()
        page.goto(f"{url}/counter?lang=zh")
        page.locator("#key").fill(key)
        page.locator("#setup button").click()
        page.locator("[data-view=work]").wait_for()
        try:
            yield page
        finally:
            browser.close()


def _shown(page: "Page", reader: Simulator, person: Person, card: DemoCard) -> Seen:
    """One customer, from the card to the answer."""
    page.evaluate("(picture) => window.show(picture)", _before_the_camera(person.capture))
    reader.place(card)
    page.locator("#card-shown").wait_for()
    page.locator("#take-finger").click()
    page.locator("#finger-state[data-tone=good]").wait_for()
    page.locator("#verify:not([disabled])").wait_for()
    page.evaluate(WATCHED)
    page.locator("#verify").click()
    page.locator("#outcome, #outcome-fault").locator("visible=true").wait_for()
    if page.locator("#outcome-fault").is_visible():
        return Seen(page.locator("#fault-lead").inner_text(), 0.0, 0.0)
    whole, served = float(page.evaluate("window.answered")), float(page.evaluate(SERVED))
    decision = page.locator("#verdict").get_attribute("data-decision") or ""
    reader.remove()
    page.locator("#next").click()
    return Seen(decision, whole, served)


def _before_the_camera(picture: bytes) -> str:
    """A person's picture in the middle of what the camera sees: base64 of a JPEG of 640 x 480 pixels."""
    face = Image.open(BytesIO(picture)).convert("RGB")
    face = face.resize((round(face.width * 480 / face.height), 480), Image.Resampling.BICUBIC)
    seen = Image.new("RGB", (640, 480), (188, 196, 200))
    seen.paste(face, ((640 - face.width) // 2, 0))
    file = BytesIO()
    seen.save(file, "JPEG", quality=92)
    return base64.b64encode(file.getvalue()).decode()
