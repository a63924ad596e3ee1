"""`renzheng holds`: legal holds, put on, listed and lifted over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli import client, listing
from api.cli.failure import guarded
from api.personal.holds.words import HoldGround, HoldState, Subject

app = typer.Typer(
    help="Legal holds: place, list, lift. For keys of a supervisor, an issuing authority or a regulator.",
    no_args_is_help=True,
)

_EXAMPLE = "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"
_WORDS = {
    HoldState.STANDING: "保全中，到期与申请删除均不执行 holds",
    HoldState.LIFTING: "一人已同意解除，仍保全，待另一人解除 holds until a second person lifts it",
    HoldState.LIFTED: "已解除 lifted",
}


@app.command(
    "place",
    epilog=f"Example: RENZHENG_KEY=… renzheng holds place person {_EXAMPLE} --ground litigation --reference C-17",
)
@guarded
def place(
    subject: Annotated[Subject, typer.Argument(metavar="WHAT", help=f"{', '.join(Subject)}.")],
    subject_id: Annotated[
        UUID, typer.Argument(metavar="ID", help="Of the card (person), institution, verification, entry or case.")
    ],
    ground: Annotated[HoldGround, typer.Option("--ground", help="Why the data are held.")],
    reference: Annotated[
        str, typer.Option("--reference", metavar="TEXT", help="Of the court's file; no names, no person's number.")
    ],
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Put a hold on, and print its identifier. From then on nothing that it keeps is removed or erased."""
    body = {"subject": subject.value, "subject_id": str(subject_id), "ground": ground.value, "reference": reference}
    answer = client.ask("/v1/holds", body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if not raw:
        typer.echo(answer["id"])
        _tell(answer)


@app.command("list", epilog="Example: RENZHENG_KEY=… renzheng holds list --state standing")
@guarded
def list_holds(
    state: Annotated[HoldState | None, typer.Option("--state", help="Only these.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="How many.")] = 50,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    raw: client.Raw = False,
) -> None:
    """List the holds that your institution and its branches put on, the newest first."""
    given = {} if state is None else {"state": state.value}
    answer = client.look("/v1/holds", url=url, key_file=key_file, raw=raw, limit=limit, **given)
    if raw:
        return
    columns = ("id", "subject", "subject_id", "ground", "reference", "state", "placed_at")
    listing.show([{name: one[name] for name in columns} for one in answer["items"]], raw=False)


@app.command("lift", epilog=f"Example: RENZHENG_KEY=… renzheng holds lift {_EXAMPLE}")
@guarded
def lift(
    hold_id: Annotated[UUID, typer.Argument(metavar="HOLD_ID", help="The hold, as `holds list` names it.")],
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Say that a hold may end; said by a second person, it ends."""
    path = f"/v1/holds/{hold_id}/lift"
    answer = client.ask(path, {}, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if not raw:
        _tell(answer)


def _tell(answer: dict[str, Any]) -> None:
    typer.echo(f"{answer['subject']} {answer['subject_id']}: {_WORDS[HoldState(answer['state'])]}")
