"""What `cards register` and `verify` share: the card and the captures, from options and files to a request's body."""

import base64
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli.failure import CommandFailed
from api.cli.files import read_text, said_of
from api.matching.captures import FingerPosition
from api.personal.consent import Basis

_CARD = "Card"
_CAPTURES = "Captures"
_LONG_TERM = "长期"
# As the service takes them: a chip writes a day without hyphens.
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}", re.ASCII)


def _file(help_text: str, *names: str, panel: str, exists: bool = True) -> Any:
    return typer.Option(*names, exists=exists, dir_okay=False, metavar="FILE", help=help_text, rich_help_panel=panel)


def _text(help_text: str, *names: str, metavar: str, callback: Callable[[str | None], str | None] | None = None) -> Any:
    return typer.Option(*names, metavar=metavar, help=help_text, rich_help_panel=_CARD, callback=callback)


def day(given: str | None) -> str | None:
    """A day as it was given. Raises `typer.BadParameter` for one that there is none of."""
    if given is None:
        return None
    try:
        if _DAY.fullmatch(given) is None:
            raise ValueError
        date.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(
            f"{given}：日期须为 YYYY-MM-DD 的有效日期 / it has to be a real day as YYYY-MM-DD"
        ) from error
    return given


def _last_day(given: str | None) -> str | None:
    return given if given == _LONG_TERM else day(given)


CardFile = Annotated[
    Path | None,
    _file(
        "The card as the API takes it: a JSON object with number, issuer, valid_from, valid_to, and serial, type or"
        " text; - for the standard input. Better than --number, which the list of processes shows to others.",
        "--card",
        panel=_CARD,
        exists=False,  # it may be -
    ),
]
Number = Annotated[str | None, _text("Citizen number, 18 characters.", "--number", metavar="NUMBER")]
Issuer = Annotated[str | None, _text("Issuing authority, as printed.", "--issuer", metavar="NAME")]
ValidFrom = Annotated[
    str | None, _text("First day of validity, YYYY-MM-DD.", "--valid-from", metavar="DAY", callback=day)
]
ValidTo = Annotated[
    str | None,
    _text("Last day of validity, YYYY-MM-DD, or 长期 (long-term).", "--valid-to", metavar="DAY", callback=_last_day),
]
Serial = Annotated[str | None, _text("The chip's card serial.", "--serial", metavar="SERIAL")]
ChipText = Annotated[
    Path | None, _file("The chip's text block as the reader delivers it, 256 bytes.", "--text", panel=_CARD)
]
Face = Annotated[Path | None, _file("Picture of the face.", "--face", panel=_CAPTURES)]
MoreFaces = Annotated[
    list[Path] | None,
    _file("A further picture of the same face; repeat it for more, up to four.", "--more-face", panel=_CAPTURES),
]
Fingers = Annotated[
    list[str] | None,
    typer.Option(
        "--finger",
        metavar="POSITION=FILE",
        help=f"A fingerprint; repeat it for more fingers. Positions: {', '.join(FingerPosition)}.",
        rich_help_panel=_CAPTURES,
    ),
]
Dpi = Annotated[
    float | None,
    typer.Option(
        min=100,
        max=2000,
        help="Resolution of the fingerprints. Default: what their files say, else 500.",
        rich_help_panel=_CAPTURES,
    ),
]


def card_body(
    file: Path | None,
    *,
    number: str | None,
    issuer: str | None,
    valid_from: str | None,
    valid_to: str | None,
    serial: str | None,
    text: Path | None,
) -> dict[str, Any]:
    """The card's part of a request. Raises `typer.BadParameter` for options that do not go together."""
    given = {"number": number, "issuer": issuer, "valid_from": valid_from, "valid_to": valid_to}
    body: dict[str, Any]
    if file is not None:
        if any(value is not None for value in (*given.values(), serial)):
            raise typer.BadParameter("--card 与单独字段只能用其一 / give --card or the card's single fields, not both")
        body = _read_card(file)
    else:
        missing = [f"--{name.replace('_', '-')}" for name, value in given.items() if value is None]
        if missing:
            raise typer.BadParameter(f"须给出 --card，或补全以下各项 / give --card FILE, or also: {', '.join(missing)}")
        body = given | ({} if serial is None else {"serial": serial})
    if text is not None:
        body["text"] = _encoded(text)
    return body


BasisOption = Annotated[
    Basis,
    typer.Option("--basis", help="On which ground the captures are processed.", rich_help_panel=_CAPTURES),
]


def basis_body(basis: Basis) -> dict[str, str]:
    """The ground's part of a request: nothing where none is stated, which services before this one know too."""
    return {} if basis is Basis.NOT_STATED else {"basis": basis.value}


def captures_body(
    face: Path | None, fingers: list[str] | None, dpi: float | None, more_faces: list[Path] | None = None
) -> dict[str, Any]:
    """The captures' part of a request. Raises `typer.BadParameter` for a finger that is not POSITION=FILE."""
    if face is None and not fingers:
        raise typer.BadParameter("须给出 --face 或至少一个 --finger / give --face or at least one --finger")
    if face is None and more_faces:
        raise typer.BadParameter("--more-face 须与 --face 同用 / --more-face goes with --face")
    body: dict[str, Any] = {} if face is None else {"face": {"image": _encoded(face)}}
    if more_faces:
        body["more_faces"] = [{"image": _encoded(path)} for path in more_faces]
    if fingers:
        resolution = {} if dpi is None else {"dpi": dpi}
        body["fingers"] = [
            {"position": position, "image": _encoded(path), **resolution} for position, path in map(_finger, fingers)
        ]
    return body


def number_of(file: Path | None, number: str | None) -> str:
    """The number that is asked about, from an option or a card's file. Raises `typer.BadParameter`."""
    if (file is None) == (number is None):
        raise typer.BadParameter("--card 与 --number 须给出且只给一个 / give --card FILE or --number, one of them")
    if file is None:
        return str(number)
    found = _read_card(file).get("number")
    if not isinstance(found, str):
        raise CommandFailed(said_of(file, "中没有 number。", "has no number."))
    return found


def photo_body(path: Path | None) -> dict[str, Any]:
    """The chip's photograph as a part of the captures, empty without one."""
    return {} if path is None else {"chip_photo": _encoded(path)}


def _finger(given: str) -> tuple[str, Path]:
    position, equals, name = given.partition("=")
    path = Path(name)
    if position not in set(FingerPosition):
        raise typer.BadParameter(
            f"{position}：不是指位，须为下列之一，后接 = 和文件 / "
            f"not a finger: {position}; one of {', '.join(FingerPosition)}, then = and a file"
        )
    if not equals or not name:
        example = f"{position}=finger.png"
        raise typer.BadParameter(f"请写作 指位=文件，如 {example} / write POSITION=FILE, such as {example}")
    if not path.is_file():
        raise typer.BadParameter(f"{position}：没有文件 {name} / there is no file of that name")
    return position, path


def _read_card(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(read_text(file))
    except json.JSONDecodeError as error:
        text = said_of(
            file,
            f"不是 JSON：第 {error.lineno} 行第 {error.colno} 列有误。",
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
        )
        raise CommandFailed(text) from error
    if not isinstance(body, dict):
        raise CommandFailed(said_of(file, "须为一个 JSON 对象，即证件。", "must hold one JSON object: the card."))
    return body


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
