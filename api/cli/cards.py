"""`renzheng cards`: registering cards and reporting what happens to them, as the issuing authority."""

from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from api.cards.lifecycle import Event
from api.cli import bulk, client, inputs, reenrol
from api.cli.failure import guarded
from api.errors import catalogue

app = typer.Typer(
    help="Cards: register, report, import, export. For keys of an issuing authority.", no_args_is_help=True
)
_OTHERWISE = {Event.REGISTERED, Event.FINGERPRINTS_ADDED, Event.FACE_RE_ENROLLED}
_EVENTS = [event for event in Event if event not in _OTHERWISE]


def _event(given: str) -> str:
    if given not in _EVENTS:
        raise typer.BadParameter(f"{given} is not one of {', '.join(_EVENTS)}")
    return given


@app.command(
    "register",
    epilog="Example: renzheng cards register --card card.json --face face.jpg --finger right_index=right.png --dpi 500",
)
@guarded
def register(
    card: inputs.CardFile = None,
    number: inputs.Number = None,
    issuer: inputs.Issuer = None,
    valid_from: inputs.ValidFrom = None,
    valid_to: inputs.ValidTo = None,
    serial: inputs.Serial = None,
    text: inputs.ChipText = None,
    face: inputs.Face = None,
    finger: inputs.Fingers = None,
    dpi: inputs.Dpi = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Register a card with templates of its holder, and print the card's identifier."""
    body = {
        "card": inputs.card_body(
            card,
            number=number,
            issuer=issuer,
            valid_from=valid_from,
            valid_to=valid_to,
            serial=serial,
            text=text,
        ),
        "captures": inputs.captures_body(face, finger, dpi),
    }
    answer = client.ask("/v1/cards", body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if raw:
        return
    typer.echo(answer["id"])
    _out(
        *(
            f"{made['modality']}{'' if made['position'] is None else ' ' + made['position']}: "
            f"{made['engine']}, quality {made['quality']:.0f}"
            for made in answer["enrolled"]
        )
    )


@app.command("report", epilog="Example: renzheng cards report 0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11 reported_lost")
@guarded
def report(
    card_id: Annotated[
        UUID, typer.Argument(metavar="CARD_ID", help="The card's identifier, as `cards register` printed it.")
    ],
    event: Annotated[
        str, typer.Argument(callback=_event, metavar="EVENT", help=f"What happened: {', '.join(_EVENTS)}.")
    ],
    superseded_by: Annotated[
        UUID | None, typer.Option(metavar="ID", help="The new card's identifier, where another takes its place.")
    ] = None,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; kept with the event.")] = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Report what happened to a card. Once this is done, no later verification passes a card that it made invalid."""
    body: dict[str, Any] = {"event": event}
    if superseded_by is not None:
        body["superseded_by"] = str(superseded_by)
    if reason is not None:
        body["reason"] = reason
    path = f"/v1/cards/{card_id}/events"
    answer = client.ask(path, body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if not raw:
        status = answer["status"]
        found = catalogue().get(status)
        words = "" if found is None else f" {found.message.zh} {found.message.en}"
        typer.echo(f"{status}{words} ({answer['recorded_at']})")


app.command("import", epilog="Example: RENZHENG_KEY=… renzheng cards import cards.csv --faults left-out.csv")(
    bulk.import_cards
)
app.command("re-enrol", epilog="Example: RENZHENG_KEY=… renzheng cards re-enrol pictures/ --faults left-out.csv")(
    reenrol.re_enrol
)
app.command("export", epilog="Example: RENZHENG_KEY=… renzheng cards export cards.parquet")(bulk.export_cards)


def _out(*lines: str) -> None:
    """Beside the answer, for people: on the error stream, so that the identifier can be piped."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for line in lines:
        console.print(line, markup=False)
