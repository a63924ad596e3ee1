"""`renzheng cards find`, `enrol` and `erase`: registered cards looked up, given templates, and rid of them."""

from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console

from api.cli import client, inputs, listing
from api.cli.failure import NEGATIVE, guarded
from api.cli.wording import count
from api.errors import catalogue
from api.personal.consent import Basis
from api.personal.grounds import Ground


@guarded
def find(
    card: Annotated[
        Path | None,
        typer.Option(
            "--card",
            metavar="FILE",
            help="A JSON object with the number, such as the card as the API takes it; - for the standard input. Better"
            " than --number, which the list of processes shows to others.",
        ),
    ] = None,
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="Citizen number, 18 characters.")
    ] = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    raw: client.Raw = False,
) -> None:
    """List the cards of a citizen's number that this authority registered, the newest first. Ends with 1 for none."""
    body = {"number": inputs.number_of(card, number)}
    answer = client.ask("/v1/cards/search", body, url=url, key_file=key_file, idempotency_key=None, raw=raw)
    if not raw:
        listing.show([_row(one) for one in answer["items"]], raw=False)
    if not answer["items"]:
        raise typer.Exit(NEGATIVE)


@guarded
def enrol(
    card_id: Annotated[
        UUID, typer.Argument(metavar="CARD_ID", help="The card's identifier, as `cards find` and exports name it.")
    ],
    face: inputs.Face = None,
    more_face: inputs.MoreFaces = None,
    finger: inputs.Fingers = None,
    dpi: inputs.Dpi = None,
    basis: inputs.BasisOption = Basis.NOT_STATED,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Give a registered card the face or the fingers that it lacks, as cards do that came from a file.

    What it holds is not replaced. A face and fingers are two acts: the face first, and then the fingers.
    """
    captures = inputs.captures_body(face, finger, dpi, more_face)
    fingers = captures.pop("fingers", None)
    acts = {"face": captures or None, "fingerprints": None if fingers is None else {"fingers": fingers}}
    for place, body in acts.items():
        if body is not None:
            key = None if idempotency_key is None else f"{idempotency_key}.{place}"
            path = f"/v1/cards/{card_id}/{place}"
            stated = body | inputs.basis_body(basis)
            answer = client.ask(path, stated, url=url, key_file=key_file, idempotency_key=key, raw=raw)
            if not raw:
                tell_enrolled(answer)


@guarded
def erase(
    card_id: Annotated[
        UUID, typer.Argument(metavar="CARD_ID", help="A card of the person, as `cards find` and exports name it.")
    ],
    ground: Annotated[Ground, typer.Option("--ground", help="Why; kept with the event.")],
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Erase a person's templates, of all cards that this authority registered, with the keys that sealed them.

    Once this is done no backup of the database brings them back. The cards and what happened to them stay.
    """
    path, body = f"/v1/cards/{card_id}/erasure", {"ground": ground.value}
    answer = client.ask(path, body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if not raw:
        for one in (answer, *answer["also"]):
            typer.echo(f"{one['card_id']}: 已删除特征 {one['erased']} 个 {count(one['erased'], 'template')} erased")


def tell_enrolled(answer: dict[str, Any]) -> None:
    """The templates that were made."""
    for made in answer["enrolled"]:
        out(f"{_name(made)}: {made['engine']}, quality {made['quality']:.0f}")


def status_text(status: str) -> str:
    """A card's status with the tellers' words for it."""
    found = catalogue().get(status)
    return status if found is None else f"{status} {found.message.zh} {found.message.en}"


def out(line: str) -> None:
    """Beside the answer, for people: on the error stream, so that the identifier can be piped."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(line, markup=False)


def _row(card: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": card["id"],
        "status": card["status"],
        "valid_from": card["valid_from"],
        "valid_to": card["valid_to"] or "长期",
        "issuer": card["issuer"],
        "templates": ", ".join(_name(held) for held in card["templates"]) or None,
    }


def _name(template: dict[str, Any]) -> str:
    return template["modality"] if template["position"] is None else f"{template['modality']} {template['position']}"
