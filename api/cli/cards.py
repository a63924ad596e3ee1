"""`renzheng cards`: registering cards and reporting what happens to them, as the issuing authority.

What is done to cards that are registered stands in `registered.py`, files of cards in `bulk.py` and `reenrol.py`.
"""

from typing import Annotated, Any
from uuid import UUID

import typer

from api.cards.lifecycle import SUPERSEDING, Event
from api.cli import bulk, client, inputs, reenrol, registered
from api.cli.failure import guarded
from api.personal.consent import Basis

app = typer.Typer(
    help="Cards: register, find, enrol, erase, report, import, export. For keys of an issuing authority.",
    no_args_is_help=True,
)
_OTHERWISE = {
    Event.REGISTERED,
    Event.FACE_ADDED,
    Event.FINGERPRINTS_ADDED,
    Event.FACE_RE_ENROLLED,
    Event.BIOMETRICS_ERASED,
}
_EVENTS = [event for event in Event if event not in _OTHERWISE]


def _event(given: str) -> str:
    if given not in _EVENTS:
        raise typer.BadParameter(f"{given}：须为下列之一 / it has to be one of: {', '.join(_EVENTS)}")
    return given


def _superseding(given: str | None) -> str | None:
    if given is not None and given not in SUPERSEDING:
        raise typer.BadParameter(f"{given}：须为下列之一 / it has to be one of: {', '.join(sorted(SUPERSEDING))}")
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
    more_face: inputs.MoreFaces = None,
    finger: inputs.Fingers = None,
    dpi: inputs.Dpi = None,
    basis: inputs.BasisOption = Basis.NOT_STATED,
    supersedes: Annotated[
        UUID | None,
        typer.Option(metavar="CARD_ID", help="The card whose place this one takes: invalid from then on, in one act."),
    ] = None,
    supersedes_event: Annotated[
        str | None,
        typer.Option(
            callback=_superseding,
            metavar="EVENT",
            help=f"What that card is recorded with: {', '.join(sorted(SUPERSEDING))}. Default: {Event.REISSUED}.",
        ),
    ] = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Register a card with templates of its holder, and print the card's identifier."""
    if supersedes_event is not None and supersedes is None:
        raise typer.BadParameter(
            "--supersedes-event 须与 --supersedes CARD_ID 同用；--supersedes-event goes with --supersedes CARD_ID"
        )
    body: dict[str, Any] = {
        "card": inputs.card_body(
            card,
            number=number,
            issuer=issuer,
            valid_from=valid_from,
            valid_to=valid_to,
            serial=serial,
            text=text,
        ),
        "captures": inputs.captures_body(face, finger, dpi, more_face),
        **inputs.basis_body(basis),
    }
    if supersedes is not None:
        body["supersedes"] = {"card_id": str(supersedes), "event": supersedes_event or Event.REISSUED.value}
    answer = client.ask("/v1/cards", body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if raw:
        return
    typer.echo(answer["id"])
    registered.tell_enrolled(answer)
    superseded = answer.get("superseded")
    if superseded is not None:
        registered.out(f"{superseded['card_id']}: {registered.status_text(superseded['status'])}")
    for other in answer.get("also_valid", ()):
        registered.out(f"同一号码另有有效证件 also valid, until it is reported: {other}")


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
    if raw:
        return
    typer.echo(f"{registered.status_text(answer['status'])} ({answer['recorded_at']})")
    for other in answer.get("also", ()):
        typer.echo(f"同一号码另有证件一并失效 also invalid now: {other['card_id']}")


app.command("find", epilog="Example: renzheng cards find --card card.json")(registered.find)
app.command("enrol", epilog="Example: renzheng cards enrol 0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11 --face face.jpg")(
    registered.enrol
)
app.command(
    "erase", epilog="Example: renzheng cards erase 0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11 --ground consent_withdrawn"
)(registered.erase)
app.command("import", epilog="Example: RENZHENG_KEY=… renzheng cards import cards.csv --faults left-out.csv")(
    bulk.import_cards
)
app.command("re-enrol", epilog="Example: RENZHENG_KEY=… renzheng cards re-enrol pictures/ --faults left-out.csv")(
    reenrol.re_enrol
)
app.command("export", epilog="Example: RENZHENG_KEY=… renzheng cards export cards.parquet")(bulk.export_cards)
