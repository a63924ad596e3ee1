"""`renzheng demo`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from api.cli.failure import NEGATIVE, fail, guarded


@guarded
def demo(
    data: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Labelled pictures: faces/lfw/PERSON/*.jpg and fingerprints/SET/F_I.png."
        ),
    ] = None,
) -> None:
    """Register cards, show them at a counter over HTTP, and print what was decided and why.

    Example: renzheng demo --data DIR
    """
    from api.client import RenzhengError
    from api.demo.material import MaterialMissing
    from api.demo.run import ServiceFailed, run

    try:
        as_expected = run(data, Console(highlight=False))
    except (MaterialMissing, RenzhengError, ServiceFailed) as error:
        fail(str(error))
    if not as_expected:
        fail("有一项判定与应有的不符，见上表。\nA decision is not the one that it must be; see the table.", NEGATIVE)
