"""`renzheng duplicates`: the cases of one person with two identities, looked at and decided, as an authority."""

from typing import Annotated, Any
from uuid import UUID

import typer

from api.cli import client, listing
from api.cli.failure import guarded
from api.cli.registered import out
from api.duplicates.parameters import LARGEST_PAGE, PAGE_CASES
from api.duplicates.words import CaseKind, Outcome, State

app = typer.Typer(
    help="Cases of one person with two identities: list, show, decide. For keys of an issuing authority.",
    no_args_is_help=True,
)

_WORDS = {
    CaseKind.SAME_PERSON_SUSPECTED: "疑似同一人",
    CaseKind.KIN_OR_TWINS: "近亲或双胞胎",
    State.OPEN: "待处理",
    State.PROPOSED: "待他人认定",
    State.CONFIRMED: "已认定同一人",
    State.REJECTED: "已排除",
    State.SUPERSEDED: "已并入他案",
}

Case = Annotated[UUID, typer.Argument(metavar="CASE_ID", help="The case, as `duplicates list` names it.")]


@app.command("list", epilog="Example: RENZHENG_KEY=… renzheng duplicates list --state open")
@guarded
def show_all(
    state: Annotated[State | None, typer.Option("--state", help="Only cases in this state.")] = None,
    kind: Annotated[CaseKind | None, typer.Option("--kind", help="Only cases of this kind.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=LARGEST_PAGE, help="How many.")] = PAGE_CASES,
    after: Annotated[UUID | None, typer.Option("--after", metavar="CASE_ID", help="Those behind this one.")] = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    raw: client.Raw = False,
) -> None:
    """List cases, the strongest first."""
    asked = {"state": state, "kind": kind, "after": after}
    given = {name: str(value) for name, value in asked.items() if value is not None}
    answer = client.look("/v1/duplicates", url=url, key_file=key_file, raw=raw, limit=limit, **given)
    if raw:
        return
    listing.show([_row(one) for one in answer["items"]], raw=False)
    if answer["next"] is not None:
        out(f"后面还有：--after {answer['next']} There are more: --after {answer['next']}")


@app.command("show", epilog="Example: RENZHENG_KEY=… renzheng duplicates show 0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11")
@guarded
def show(
    case_id: Case, url: client.Url = client.DEFAULT_URL, key_file: client.KeyFile = None, raw: client.Raw = False
) -> None:
    """Show a case: whom it is about, and the scores side by side."""
    case = client.look(f"/v1/duplicates/{case_id}", url=url, key_file=key_file, raw=raw)
    if raw:
        return
    typer.echo(_headline(case))
    names = {who["id"]: f"#{number}" for number, who in enumerate(case["members"], 1)}
    listing.show([_member(names, who) for who in case["members"]], raw=False)
    positions = sorted({finger["position"] for pair in case["pairs"] for finger in pair["fingers"]})
    listing.show([_pair(names, positions, pair) for pair in case["pairs"]], raw=False)
    for name, words in (
        ("reason", "理由 reason"),
        ("earlier_id", "此前曾被排除 rejected before"),
    ):
        if case[name] is not None:
            typer.echo(f"{words}: {case[name]}")


@app.command(
    "decide",
    epilog="Example: RENZHENG_KEY=… renzheng duplicates decide 0c5f7a3e-6f0d-4f6e-9b0a-2f6f2f0d9a11 rejected"
    ' --revision 1 --reason "Twins; their births are registered."',
)
@guarded
def decide(
    case_id: Case,
    outcome: Annotated[
        Outcome,
        typer.Argument(
            help="confirmed: one person (a second person has to say so too); rejected: different people; open: takes"
            " back what was decided or proposed."
        ),
    ],
    revision: Annotated[
        int, typer.Option("--revision", min=1, help="The case's revision as you looked at it: it may have changed.")
    ],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; no names, no numbers.")],
    member: Annotated[
        list[UUID] | None,
        typer.Option(
            "--member",
            metavar="ID",
            help="With confirmed, who is one person, as `duplicates show` names them; repeat it. Default: those that"
            " were proposed, else all.",
        ),
    ] = None,
    url: client.Url = client.DEFAULT_URL,
    key_file: client.KeyFile = None,
    idempotency_key: client.IdempotencyKey = None,
    raw: client.Raw = False,
) -> None:
    """Decide a case, or propose to. No card changes by it: report what is to happen to the cards."""
    body: dict[str, Any] = {"outcome": outcome.value, "reason": reason, "revision": revision}
    if member:
        body["members"] = [str(one) for one in member]
    path = f"/v1/duplicates/{case_id}/decide"
    answer = client.ask(path, body, url=url, key_file=key_file, idempotency_key=idempotency_key, raw=raw)
    if not raw:
        typer.echo(_headline(answer))


def _headline(case: dict[str, Any]) -> str:
    return (
        f"{case['id']}: {case['kind']} {_word(case['kind'])} · {case['state']} {_word(case['state'])}"
        f" · revision {case['revision']} · LLR {case['llr']:.2f}"
    )


def _word(code: str) -> str:
    return next((words for known, words in _WORDS.items() if known == code), "")


def _row(case: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": case["id"],
        "kind": case["kind"],
        "state": case["state"],
        "revision": case["revision"],
        "llr": f"{case['llr']:.2f}",
        "people": len(case["members"]),
        "opened": case["opened_at"],
    }


def _member(names: dict[str, str], who: dict[str, Any]) -> dict[str, Any]:
    return {
        "": names[who["id"]],
        "member": who["id"],
        "same": None if who["same"] is None else "yes" if who["same"] else "no",
        "cards": ", ".join(who["cards"]) or None,
        "institutions": ", ".join(who["institutions"]),
    }


def _pair(names: dict[str, str], positions: list[str], pair: dict[str, Any]) -> dict[str, Any]:
    fingers = {finger["position"]: f"{finger['llr']:.2f}" for finger in pair["fingers"]}
    return {
        "": f"{names[pair['first']]} – {names[pair['second']]}",
        "kind": pair["kind"],
        "llr": f"{pair['llr']:.2f}",
        "fmr": f"{pair['fmr']:.1e}" + (" (extrapolated)" if pair["extrapolated"] else ""),
        "face": f"{pair['face_llr']:.2f}",
        **{position: fingers.get(position) for position in positions},
    }
