"""The commands and their groups."""

from importlib.metadata import version
from typing import Annotated

import typer

from api.cli import (
    archive,
    biosdk,
    calibrate,
    cards,
    deduplicate,
    demo,
    doctor,
    duplicates,
    errors,
    evaluate,
    explain,
    fsck,
    holds,
    impostors,
    institutions,
    keys,
    models,
    people,
    reader,
    retention,
    scorecard,
    serve,
    signing,
    terminals,
    verify,
)
from api.cli.usage import Told

app = typer.Typer(
    name="renzheng",
    cls=Told,
    help="Renzheng 人证: is this person the holder of this card, and is the card still good?",
    epilog="Example: renzheng demo",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"renzheng {version('renzheng')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Renzheng 人证: is this person the holder of this card, and is the card still good?"""


app.add_typer(models.app, name="models")
app.command("bootstrap", epilog="Example: renzheng bootstrap 总部 > administrator.key")(institutions.bootstrap)
app.add_typer(institutions.app, name="institutions")
app.add_typer(people.app, name="people")
app.add_typer(terminals.app, name="terminals")
app.command("signing-key", epilog="Example: renzheng signing-key counter-7.pem")(signing.signing_key)
app.add_typer(cards.app, name="cards")
app.command("deduplicate", epilog="Example: RENZHENG_KEY=… renzheng deduplicate --case-reference Q-2026-4")(
    deduplicate.deduplicate
)
app.add_typer(duplicates.app, name="duplicates")
app.add_typer(impostors.app, name="impostors")
app.add_typer(keys.app, name="keys")
app.command("serve", epilog="Example: renzheng serve --host 0.0.0.0 --port 8470")(serve.serve)
app.command("biosdk", epilog="Example: renzheng biosdk --host 0.0.0.0 --port 9099")(biosdk.biosdk)
app.command("migrate", epilog="Example: RENZHENG_DATABASE_URL=postgresql://… renzheng migrate")(serve.migrate)
app.command("archive", epilog="Example: renzheng archive --before 2024-01-01 --out /archive/renzheng")(archive.archive)
app.add_typer(scorecard.app, name="scorecard")
app.add_typer(holds.app, name="holds")
app.command("retention", epilog="Example: renzheng retention --check")(retention.retention)
app.command("fsck", epilog="Example: renzheng fsck --checkpoint kept/2026-11-22.note")(fsck.fsck)
app.command("doctor", epilog="Example: renzheng doctor --json")(doctor.doctor)
app.command("errors", epilog="Example: renzheng errors nonce_expired")(errors.errors)
app.command("demo", epilog="Example: renzheng demo --data DIR")(demo.demo)
app.command(
    "verify",
    epilog="Example: RENZHENG_KEY=… renzheng verify --card card.json --face live.jpg --finger right_index=live.png",
)(verify.verify)
app.command("reader-simulator", epilog=reader.EXAMPLES)(reader.reader_simulator)
app.command("calibrate", epilog=calibrate.EXAMPLES)(calibrate.calibrate)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("explain", epilog="Example: renzheng explain live.png enrolled.png --out explained")(explain.explain)


def main() -> None:
    """Run the command line."""
    app()
