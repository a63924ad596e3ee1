"""The commands and their groups."""

import typer

from api.cli import cards, demo, evaluate, models, serve, terminals, verify

app = typer.Typer(
    name="renzheng",
    help="Renzheng 人证: is this person the holder of this card, and is the card still good?",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
app.add_typer(models.app, name="models")
app.add_typer(terminals.app, name="terminals")
app.add_typer(cards.app, name="cards")
app.command("serve")(serve.serve)
app.command("migrate")(serve.migrate)
app.command("demo")(demo.demo)
app.command("verify")(verify.verify)
app.command("evaluate")(evaluate.evaluate)


def main() -> None:
    """Run the command line."""
    app()
