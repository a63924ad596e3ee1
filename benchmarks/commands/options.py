"""Options that several commands take."""

from pathlib import Path
from typing import Annotated, Any

import typer

Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write the figures here as JSON.")]
Vectors = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        metavar="NPZ",
        help="What `vectors` wrote: the cosines of all pairs of different persons are the non-mated scores.",
    ),
]
LabelNoise = Annotated[float, typer.Option(min=0, max=0.01, help="Share of non-mated pairs that may be mislabelled.")]
Embeddings = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        metavar="NPZ",
        help="Embeddings are read from here if it is there, else written. Delete it after any change.",
    ),
]
Scores = Annotated[
    Path | None, typer.Option("--scores", metavar="FILE", help="Write every comparison score here as CSV.")
]


def folder(help_text: str) -> Any:
    """An option that takes an existing folder."""
    return typer.Option(exists=True, file_okay=False, metavar="DIR", help=help_text)


Images = Annotated[Path, folder("Folder that the picture paths in PAIRS start from.")]
Pairs = Annotated[
    Path,
    typer.Option(exists=True, dir_okay=False, metavar="CSV", help="Columns reference, probe, mated (1 or 0)."),
]
Cache = Annotated[
    Path | None,
    typer.Option(file_okay=False, metavar="DIR", help="Keep templates here from one run to the next."),
]
