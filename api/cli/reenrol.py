"""`renzheng cards re-enrol`: new face templates for registered cards, where the database is."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import client
from api.cli.bulk import signed_in, status_line
from api.cli.failure import BROKEN_OFF, NEGATIVE, CommandFailed, fail, guarded
from api.cli.faults import noted
from api.cli.wording import count


@guarded
def re_enrol(
    pictures: Annotated[
        Path,
        typer.Argument(
            exists=True,
            help="A folder of pictures called CARD.jpg, or of folders CARD/ with several each, CARD being the card's"
            " identifier; or a CSV with the columns card and picture (a path, from the CSV's folder).",
        ),
    ],
    first: Annotated[
        bool, typer.Option("--first", help="Also cards that hold no face, such as those of files, where they are good.")
    ] = False,
    faults: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the cards that are left out here (CSV: card, code)."),
    ] = None,
    key_file: client.KeyFile = None,
) -> None:
    """Make new face templates of pictures, with the recogniser that RENZHENG_FACE_PACK names.

    For an authority whose key is given, and its cards. A card that has such a template already is passed over, so a run
    that was broken off goes on where it was. Cards that are left out keep the template that they have. The pictures are
    not kept. With --first cards that came from a file get their first face.
    """
    from api.cards.bulk import reenrolling
    from api.cards.bulk.reading import FileUnusable
    from api.institutions.roles import Scope
    from api.matching import calibrations
    from biometrics.face.packs import open_engine
    from biometrics.finger import FingerEngine

    with (
        signed_in(key_file, Scope.REGISTER_CARDS) as (opened, caller),
        noted(faults) as note,
        status_line() as status,
    ):
        settings = opened.settings
        engine = open_engine(settings.face_pack, settings.home, provider=settings.face_provider)
        # Asked for before anything is written: without one the service would not start with this pack.
        own = calibrations.load((engine.engine, FingerEngine.engine), settings.calibration_path)
        try:
            tally = reenrolling.re_enrol(
                opened.database,
                opened.keys,
                caller,
                engine,
                own[engine.engine],
                pictures,
                lambda card, code: note(card, (card,), code),
                lambda so_far: status(
                    f"新建 made {so_far.made:,} · 已有 there {so_far.there:,} · 略过 left out {so_far.left_out:,}"
                ),
                first=first,
            )
        except FileUnusable as error:
            raise CommandFailed(f"{pictures.name}: {error}") from error
        except KeyboardInterrupt:
            fail(
                "已中断：已完成的不受影响；再次执行同一命令即继续。\n"
                "Broken off: what is done is done, and the same command goes on from there.",
                BROKEN_OFF,
            )
    typer.echo(
        f"{engine.engine}：新建模板 {tally.made:,} 张，已有 {tally.there:,} 张，略过 {tally.left_out:,} 张。"
        f" {count(tally.made, 'new template')} made, {count(tally.there, 'card')} had one already,"
        f" {count(tally.left_out, 'card')} left out."
    )
    if tally.left_out:
        raise typer.Exit(NEGATIVE)
