"""`renzheng errors`: what a code means, why it comes, and what is done about it, without a network."""

from typing import Annotated

import typer

from api.cli.failure import NEGATIVE, fail, guarded


@guarded
def errors(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A code, as it stands in an answer or a log.")] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="The whole catalogue as docs/errors.md.")] = False,
) -> None:
    """Explain a code: for the customer, its cause, what to do at once, and what then. Without one, list all codes."""
    from api.errors import catalogue, rendering

    known = catalogue()
    if markdown:
        typer.echo(rendering.page(known), nl=False)
    elif not code:
        typer.echo("\n".join(known))
    elif code in known:
        typer.echo(rendering.told(code, known[code]))
    else:
        fail(_unknown(code, list(known)), NEGATIVE)


def _unknown(code: str, known: list[str]) -> str:
    from difflib import get_close_matches

    near = ", ".join(get_close_matches(code.lower(), known))
    if not near:
        return f"没有代码 {code}。\nThere is no code {code}."
    return f"没有代码 {code}；相近的有：{near}\nThere is no code {code}; near are: {near}"
