"""`renzheng impostors`: the list of known impostors, entered, approved, reviewed and ended over HTTP."""

from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli import client, inputs, listing
from api.cli.failure import guarded
from api.cli.registered import out
from api.screening.parameters import LARGEST_PAGE, PAGE_ENTRIES
from api.screening.words import Ground, State

app = typer.Typer(
    help="The impostor list: propose, approve, refuse, review, remove, list, show. For keys of a supervisor or of an"
    " issuing authority.",
    no_args_is_help=True,
)

_EXAMPLE = "0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"
_WORDS = {
    Ground.CARD_OF_ANOTHER: "冒用他人证件",
    Ground.FORGED_CARD: "伪造证件",
    Ground.PRESENTATION_ATTACK: "呈现攻击",
    Ground.SECOND_IDENTITY: "双重身份",
    Ground.ORDER: "依公安机关或法院要求",
    State.PROPOSED: "待批准",
    State.APPROVED: "已列入",
    State.REFUSED: "未批准",
    State.REMOVED: "已移除",
    State.EXPIRED: "已到期",
}

Entry = Annotated[UUID, typer.Argument(metavar="ENTRY_ID", help="The entry, as `impostors list` names it.")]
Reason = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the entry: no names, no numbers.")
]
ReviewOn = Annotated[
    str,
    typer.Option(
        "--review-on", metavar="DAY", callback=inputs.day, help="When somebody has to look again: YYYY-MM-DD."
    ),
]


@app.command(
    "propose",
    epilog="Example: RENZHENG_KEY=… renzheng impostors propose --face caught.jpg --ground card_of_another"
    " --case-reference A-2026-1187 --review-on 2027-05-22 --expires-on 2028-11-22",
)
@guarded
def propose(
    ground: Annotated[Ground, typer.Option("--ground", help="Why somebody is to be listed.")],
    case_reference: Annotated[
        str,
        typer.Option(
            "--case-reference",
            metavar="REFERENCE",
            help="The case's number in your files; no names, no person's number.",
        ),
    ],
    review_on: ReviewOn,
    expires_on: Annotated[
        str,
        typer.Option(
            "--expires-on",
            metavar="DAY",
            callback=inputs.day,
            help="The last day on which the entry is found: YYYY-MM-DD, within five years.",
        ),
    ],
    face: inputs.Face = None,
    more_face: inputs.MoreFaces = None,
    finger: inputs.Fingers = None,
    dpi: inputs.Dpi = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Propose somebody, and print the entry's identifier. Nobody is found by it before another person approves.

    A face is needed. The pictures become templates and are not kept.
    """
    if face is None:
        raise typer.BadParameter("须给出 --face / give --face: every entry has a face")
    body = {
        "captures": inputs.captures_body(face, finger, dpi, more_face),
        "ground": ground.value,
        "case_reference": case_reference,
        "review_on": review_on,
        "expires_on": expires_on,
    }
    answer = client.ask("/v1/impostors", body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if not raw:
        typer.echo(answer["id"])
        out(_headline(answer))


@app.command(
    "approve", epilog="Example: RENZHENG_KEY=… renzheng impostors approve 0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11"
)
@guarded
def approve(
    entry_id: Entry,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Approve an entry that somebody else proposed: from then on every verification is screened against it."""
    _act(entry_id, "approve", {}, url, key_file, idempotency_key, raw=raw)


@app.command("refuse", epilog=f'Example: RENZHENG_KEY=… renzheng impostors refuse {_EXAMPLE} --reason "The victim."')
@guarded
def refuse(
    entry_id: Entry,
    reason: Reason,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Refuse an entry that was proposed, also one's own. Its templates are deleted."""
    _act(entry_id, "refuse", {"reason": reason}, url, key_file, idempotency_key, raw=raw)


@app.command("review", epilog=f"Example: RENZHENG_KEY=… renzheng impostors review {_EXAMPLE} --review-on 2027-11-22")
@guarded
def review(
    entry_id: Entry,
    review_on: ReviewOn,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Confirm a listed entry until its next review; its last day stays."""
    _act(entry_id, "review", {"review_on": review_on}, url, key_file, idempotency_key, raw=raw)


@app.command("remove", epilog=f'Example: RENZHENG_KEY=… renzheng impostors remove {_EXAMPLE} --reason "A mistake."')
@guarded
def remove(
    entry_id: Entry,
    reason: Reason,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Take an entry off the list, at once: no later verification hits it. Its templates are deleted."""
    _act(entry_id, "remove", {"reason": reason}, url, key_file, idempotency_key, raw=raw)


@app.command("list", epilog="Example: RENZHENG_KEY=… renzheng impostors list --review-due")
@guarded
def show_all(
    state: Annotated[State | None, typer.Option("--state", help="Only entries in this state.")] = None,
    review_due: Annotated[
        bool, typer.Option("--review-due", help="Only listed ones that somebody has to look at again.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LARGEST_PAGE, help="How many.")] = PAGE_ENTRIES,
    after: Annotated[UUID | None, typer.Option("--after", metavar="ENTRY_ID", help="Those behind this one.")] = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    raw: client.Raw = False,
) -> None:
    """List entries, the newest first."""
    asked = {"state": state, "review_due": "true" if review_due else None, "after": after}
    given = {name: str(value) for name, value in asked.items() if value is not None}
    answer = client.look("/v1/impostors", url=url, key_file=key_file, raw=raw, limit=limit, **given)
    if raw:
        return
    listing.show([_row(one) for one in answer["items"]], raw=False)
    if answer["next"] is not None:
        out(f"后面还有：--after {answer['next']} There are more: --after {answer['next']}")


@app.command("show", epilog=f"Example: RENZHENG_KEY=… renzheng impostors show {_EXAMPLE}")
@guarded
def show(
    entry_id: Entry, url: client.Url = client.DEFAULT_URL, key_file: client.KeyFile = None, raw: client.Raw = False
) -> None:
    """Show an entry: its ground, case and days, who did what, and what is held of it."""
    entry = client.look(f"/v1/impostors/{entry_id}", url=url, key_file=key_file, raw=raw)
    if raw:
        return
    typer.echo(_headline(entry))
    held = ", ".join(_template(one) for one in entry["templates"])
    for words, value in (
        ("案号 case", entry["case_reference"]),
        ("录入 entered", _who(entry["entered_by"], entry["entered_at"])),
        ("批准 approved", _who(entry["approved_by"], entry["approved_at"])),
        ("结束 ended", _who(entry["ended_by"], entry["ended_at"])),
        ("理由 reason", entry["reason"]),
        ("模板 templates", held or None),
    ):
        if value is not None:
            typer.echo(f"{words}: {value}")


def _act(
    entry_id: UUID,
    what: str,
    body: dict[str, Any],
    url: str,
    key_file: client.KeyFile,
    idempotency_key: str | None,
    *,
    raw: bool,
) -> None:
    path = f"/v1/impostors/{entry_id}/{what}"
    answer = client.ask(path, body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if not raw:
        typer.echo(_headline(answer))


def _headline(entry: dict[str, Any]) -> str:
    """Where an entry is, why, and until when; and, after an act that changed the list, its number."""
    told = (
        f"{entry['id']}: {entry['state']} {_word(entry['state'])} · {entry['ground']} {_word(entry['ground'])}"
        f" · 复查 review {entry['review_on']} · 到期 until {entry['expires_on']}"
    )
    if entry.get("review_due"):
        told += " · 应复查 review due"
    sequence = entry.get("sequence")
    return told if sequence is None else f"{told} · 名单序号 list number {sequence}"


def _word(code: str) -> str:
    # A newer service may know more words.
    return next((words for known, words in _WORDS.items() if known == code), "")


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": entry["id"],
        "state": entry["state"],
        "ground": entry["ground"],
        "case": entry["case_reference"],
        "review": entry["review_on"] + (" due" if entry["review_due"] else ""),
        "until": entry["expires_on"],
        "templates": ", ".join(_template(one) for one in entry["templates"]) or None,
    }


def _template(held: dict[str, Any]) -> str:
    return str(held["position"] or held["modality"])


def _who(principal: str | None, at: str | None) -> str | None:
    return None if at is None else f"{at} {principal or '–'}"
