"""`renzheng verify`: one verification, as a terminal posts it."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text

from api.cli import client, inputs
from api.cli.failure import NEGATIVE, guarded
from api.errors import catalogue
from api.personal.consent import Basis

_STYLES = {"PASS": "bold green", "REVIEW": "bold yellow", "REFUSE": "bold red"}


class Channel(StrEnum):
    """Where the person stands."""

    COUNTER = "counter"
    KIOSK = "kiosk"


@guarded
def verify(
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
    chip_photo: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            metavar="FILE",
            help="The chip's photograph, as the reader decoded it.",
            rich_help_panel="Captures",
        ),
    ] = None,
    channel: Annotated[Channel, typer.Option(help="Attended counter or unattended kiosk.")] = Channel.COUNTER,
    basis: inputs.BasisOption = Basis.NOT_STATED,
    without_face: Annotated[
        bool,
        typer.Option(
            "--without-face",
            help="The holder declines the face: fingers decide, or a member of staff.",
            rich_help_panel="Captures",
        ),
    ] = False,
    purpose: Annotated[
        str, typer.Option(metavar="WORD", help="Why the check is made, such as account_opening.")
    ] = "command_line_check",
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    raw: client.Raw = False,
) -> None:
    """Is this person the holder of this card, and is the card still good?

    Ends with 0 for PASS, with 1 for REVIEW and REFUSE. The files are taken for captures of this moment.
    """
    shown = inputs.card_body(
        card, number=number, issuer=issuer, valid_from=valid_from, valid_to=valid_to, serial=serial, text=text
    )
    body = {
        "card": shown,
        "channel": channel.value,
        "purpose": purpose,
        "captures": _captures(face, finger, dpi, chip_photo, without_face=without_face),
        "captured_at": datetime.now(UTC).isoformat(),
        **inputs.basis_body(basis),
    }
    answer = client.ask(
        "/v1/verifications", body, url=url, key_file=key_file, idempotency_key=None, raw=raw, complete=_nonce
    )
    if not raw:
        _show(answer)
    if answer["decision"] != "PASS":
        raise typer.Exit(NEGATIVE)


def _captures(
    face: Path | None, finger: list[str] | None, dpi: float | None, chip_photo: Path | None, *, without_face: bool
) -> dict[str, Any]:
    if not without_face:
        return inputs.captures_body(face, finger, dpi) | inputs.photo_body(chip_photo)
    if face is not None or chip_photo is not None:
        raise typer.BadParameter("--without-face 不可与 --face、--chip-photo 同用; goes with neither of the two")
    return {"face_declined": True, **(inputs.captures_body(None, finger, dpi) if finger else {})}


def _nonce(terminal: client.Client) -> dict[str, Any]:
    return {"nonce": terminal.post("/v1/captures", {})["nonce"]}


def _show(answer: dict[str, Any]) -> None:
    """Both axes in words; the figures are for terminals (`--json`), not for people."""
    out = Console(highlight=False, soft_wrap=True)
    decision = answer["decision"]
    out.print(Text(decision, style=_STYLES.get(decision, "bold")))
    words = {reason["code"]: f"{reason['zh']} {reason['en']}" for reason in answer["words"]["reasons"]}
    for title, axis in (("证件 card", answer["document"]), ("人员 person", answer["person"])):
        for code in axis["reasons"]:
            out.print(f"{title}: {words.get(code, '')} ({code})", markup=False)
    # A service before this one has none. What a card's holder does next is nothing for somebody else with their card.
    told = answer["words"].get("document") or {}
    _show_status(out, {**told, "holder": None} if answer["words"]["advice"]["code"] == "suspected_fraud" else told)
    for result in answer["person"]["modalities"]:
        out.print(f"  {_modality(result)}", markup=False)
    advice = answer["words"]["advice"]
    out.print(f"客户 customer: {advice['message']['zh']} {advice['message']['en']}", markup=False)
    out.print(f"柜员 operator: {advice['operator']['zh']} {advice['operator']['en']} ({advice['code']})", markup=False)
    out.print(f"核验编号 verification: {answer['id']}  {answer['decided_at']}", markup=False)
    out.print(f"回执 receipt: {answer['receipt']['leaf_hash']} (key {answer['receipt']['key_id']})", markup=False)


def _show_status(out: Console, told: dict[str, Any]) -> None:
    """Since when the card is what it is, and what its holder does next."""
    for title, text in (("状态时间 since", told.get("since_words")), ("持证人 holder", told.get("holder"))):
        if text is not None:
            out.print(f"{title}: {text['zh']} {text['en']}", markup=False)


def _modality(result: dict[str, Any]) -> str:
    name = result["modality"] if result.get("position") is None else f"{result['modality']} {result['position']}"
    if result["status"] == "assessed":
        return f"{name}: assessed"
    reason = str(result.get("reason"))
    found = catalogue().get(reason)
    words = "" if found is None else f" {found.message.zh} {found.message.en}"
    return f"{name}: not assessed,{words} ({reason})"
