"""`renzheng reader-simulator`."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from api.cli import client
from api.cli.failure import CommandFailed, guarded

if TYPE_CHECKING:
    from api.reader.cards import DemoCard
    from api.reader.simulator import Simulator

EXAMPLES = 'Example: RENZHENG_KEY=… renzheng reader-simulator --face me.jpg --play "1 r garbled r"'
PAUSE_S = 8.0
_FINGER = "right_index"
_HELP = "1-4: 放卡 place a card; r: 取走 take it away; pulled, read-error, garbled, wrong-type; no-finger, finger; q"
console = Console(stderr=True, highlight=False)


@guarded
def reader_simulator(
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    face: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="The holder's picture: your own, to pass at your own camera."),
    ] = None,
    origin: Annotated[
        list[str] | None, typer.Option(help="Address whose pages may connect; may be repeated. Default: that of --url.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on this machine, 0 for a free one.")] = 8471,
    play: Annotated[
        str | None, typer.Option(help="What to do, in words with spaces between; else it is asked for.")
    ] = None,
    pause: Annotated[float, typer.Option(min=0, help="Seconds between the words of --play.")] = PAUSE_S,
) -> None:
    """Stand in for a card reader and a fingerprint scanner, with cards of nobody; play faults (docs/reader-bridge.md).

    With an authority's key (RENZHENG_KEY) the cards are registered at the service first.
    """
    from api.reader.simulator import Simulator

    cards = _cards(url, key_file, face)
    try:
        simulator = Simulator(origin or [url.rstrip("/")], port=port)
    except OSError as error:
        raise CommandFailed(
            f"无法监听本机端口 {port}（{error.strerror}）。\nCannot listen on port {port}: {error.strerror}."
        ) from error
    with simulator, suppress(KeyboardInterrupt, EOFError):
        console.print(f"The reader listens on {simulator.address}", soft_wrap=True)
        for number, card in enumerate(cards, 1):
            console.print(f"  {number}  {card.title}")
        for word in _asked() if play is None else _paused(play.split(), pause):
            if word == "q":
                break
            if not act(simulator, cards, word):
                console.print(_HELP)


def act(simulator: "Simulator", cards: "list[DemoCard]", word: str) -> bool:
    """Do what a word says; False where it says nothing."""
    from api.reader.simulator import Mishap

    if word.isdigit() and 1 <= int(word) <= len(cards):
        simulator.place(cards[int(word) - 1])
    elif word == "r":
        simulator.remove()
    elif word in set(Mishap):
        simulator.place(cards[0], Mishap(word))
    elif word in {"finger", "no-finger"}:
        simulator.let_fingers(word == "finger")
    else:
        return False
    return True


def _asked() -> Iterator[str]:
    console.print(_HELP)
    while True:
        # Without a terminal the words come from a pipe, and end with it.
        line = console.input("> ") if sys.stdin.isatty() else input()
        yield from line.split()


def _paused(words: list[str], pause_s: float) -> Iterator[str]:
    import time

    for word in words:
        yield word
        time.sleep(pause_s)


def _cards(url: str, key_file: Path | None, face: Path | None) -> "list[DemoCard]":
    """The cards, registered where there is a key."""
    import os

    from api.reader.cards import demo_card

    registering = key_file is not None or bool(os.environ.get(client.KEY_VARIABLE))
    with console.status("Making the cards…"):
        picture, finger, impression = _material(face)
        how: dict[str, Any] = {"photo": _chip_photo(picture), "fingers": {_FINGER: impression}}
        past = date(2003, 5, 1), date(2013, 5, 1)
        cards = [
            demo_card("有效 valid", 0, **how),
            demo_card("已挂失 reported lost", 1, **how),
            demo_card("已过期 expired", 2, days=past, **how),
            demo_card("库中无此证 in no register", 3, **how),
        ]
        if not registering:
            console.print(f"No key in {client.KEY_VARIABLE}: no register knows these cards.")
            return cards
        key = client.read_key(key_file, os.environ.get(client.KEY_VARIABLE), authority=True)
        with client.Client(url, key, client.signing_key_file()) as authority:
            made = [authority.post("/v1/cards", _registration(card, picture, finger)) for card in cards[:3]]
            authority.post(f"/v1/cards/{made[1]['id']}/events", {"event": "reported_lost"})
    return cards


def _material(face: Path | None) -> tuple[bytes, bytes, bytes]:
    """A face, and two impressions of a finger that nobody has."""
    from api.demo.material import MaterialMissing, gather
    from models import home

    try:
        people = gather(None, home(), lambda _: None).people
    except MaterialMissing as error:
        raise CommandFailed(str(error)) from error
    picture = people[0].reference if face is None else face.read_bytes()
    return picture, people[0].finger_reference, people[0].finger_capture


def _chip_photo(picture: bytes) -> bytes:
    """The picture as a reader decodes it from a chip: small, upright, cut in the middle."""
    from io import BytesIO

    from PIL import Image, ImageOps

    from api.demo.material import CHIP_JPEG_QUALITY, CHIP_SIZE
    from biometrics.errors import InvalidImage
    from biometrics.images import decode

    try:
        whole = Image.fromarray(decode(picture).rgb)
    except InvalidImage as error:
        raise CommandFailed(f"照片无法使用（{error.code}）。\nThe picture cannot be used: {error.code}.") from error
    file = BytesIO()
    ImageOps.fit(whole, CHIP_SIZE, Image.Resampling.LANCZOS).save(file, "JPEG", quality=CHIP_JPEG_QUALITY)
    return file.getvalue()


def _registration(card: "DemoCard", picture: bytes, finger: bytes) -> dict[str, Any]:
    from api.demo.counter import captures

    text = card.text
    days = {"valid_from": text.valid_from.isoformat(), "valid_to": text.valid_to and text.valid_to.isoformat()}
    return {
        "card": {"number": text.number, "issuer": text.issuer, **days},
        "captures": captures(picture, finger),
    }
