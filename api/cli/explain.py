"""`renzheng explain`: what two fingerprints have in common, as a picture for an examiner. Needs no service."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from api.cli.failure import CommandFailed, guarded

if TYPE_CHECKING:
    from biometrics.finger import FingerEngine, FingerTemplate, PreparedFinger
    from biometrics.finger.drawing import Side
    from biometrics.finger.explanation import Explanation
    from biometrics.finger.trace import Recording

MINUTIA_KINDS = {1: "ending", 2: "bifurcation"}
PICTURE, FIGURES, TRACE = "explanation.png", "explanation.json", "trace.npz"


def _file(metavar: str) -> Any:
    return typer.Argument(
        exists=True, dir_okay=False, metavar=metavar, help="Picture of one finger, or a template in any known format."
    )


@guarded
def explain(
    probe: Annotated[Path, _file("A")],
    reference: Annotated[Path, _file("B")],
    out: Annotated[Path, typer.Option("--out", file_okay=False, metavar="DIR", help="Where the files are written.")],
    dpi: Annotated[
        float | None,
        typer.Option(min=125, max=4000, help="Resolution of the pictures. Default: what their files say, else 500."),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help=f"Write every stage's result to {TRACE} as well (a NumPy archive).")
    ] = False,
) -> None:
    """Draw two fingerprints with their minutiae, the pairs found, and the parts of the score.

    Writes explanation.png for people and explanation.json for programs. Both hold biometric data: treat them like the
    fingerprints themselves. The score is the engine's own; what it means for an identity, `verify` says.
    """
    from biometrics.finger import FingerEngine
    from biometrics.finger.drawing import draw
    from biometrics.finger.explanation import explain as explained
    from biometrics.finger.trace import Recording

    recording = Recording()
    engine = FingerEngine.open()
    own, own_side = _side(engine, probe, dpi, recording, "A")
    other, other_side = _side(engine, reference, dpi, recording, "B")
    explanation = explained(own, other, trace=recording)
    out.mkdir(parents=True, exist_ok=True)
    draw(own_side, other_side, explanation).save(out / PICTURE)
    (out / FIGURES).write_text(json.dumps(figures(explanation, own, other), indent=1) + "\n", encoding="utf-8")
    if trace:
        _write(recording, out / TRACE)
    console = Console(highlight=False, soft_wrap=True)
    pairs, score = len(explanation.comparison.tree), explanation.comparison.score
    console.print(f"Score {score:.1f}; {pairs} pairs of {len(own.template)} and {len(other.template)} minutiae.")
    if explanation.movement is not None:
        turn = math.degrees(explanation.movement.angle)
        console.print(f"B lies turned by {abs(turn):.1f}° {'' if turn >= 0 else 'anti'}clockwise from A.")
    console.print(f"{out / PICTURE}\n{out / FIGURES}" + (f"\n{out / TRACE}" if trace else ""), markup=False)


def _side(
    engine: FingerEngine, path: Path, dpi: float | None, recording: Recording, name: str
) -> tuple[PreparedFinger, Side]:
    """A finger from a picture or a template file, ready to compare and to draw."""
    from biometrics.errors import InvalidTemplate
    from biometrics.finger.drawing import Side
    from biometrics.finger.interchange import read

    data = path.read_bytes()
    try:
        templates = read(data)
    except InvalidTemplate as error:
        if error.code != "template_format_unknown":
            raise
        template = engine.extract(data, dpi=dpi, trace=recording.under(name))
        return engine.prepare(template), Side(path.name, template, recording.stages[f"{name}/resampled"])
    if len(templates) > 1:
        raise CommandFailed(
            f"{path.name} 含有 {len(templates)} 个模板，请给出只含一个的文件。\n"
            f"{path.name} holds {len(templates)} templates; give a file with one."
        )
    return engine.prepare_imported(templates[0]), Side(path.name, templates[0])


def figures(explanation: Explanation, probe: PreparedFinger, reference: PreparedFinger) -> dict[str, object]:
    """An explanation as JSON: lengths in pixels at 500 dpi, y downwards; angles in degrees; numbers of minutiae from 0.

    The movement lays the probe (A) on the reference (B): A is turned by `turned_degrees`, clockwise as one looks at the
    picture (anticlockwise where negative), about the point `from`, which then goes to `to`. The picture shows the other
    way round, B turned back to lie as A.
    """
    here, there = probe.template, reference.template
    movement = explanation.movement
    return {
        "score": explanation.comparison.score,
        "engines": [here.engine, there.engine],
        "minutiae": [len(here), len(there)],
        "minutiae_in_shared_area": [int(explanation.probe_shared.sum()), int(explanation.reference_shared.sum())],
        "movement": None
        if movement is None
        else {
            "moves": "probe (A) onto reference (B)",
            "turned_degrees": math.degrees(movement.angle),
            "turned": "clockwise" if movement.angle >= 0 else "anticlockwise",
            "from": [movement.from_x, movement.from_y],
            "to": [movement.to_x, movement.to_y],
        },
        "pairs": [
            {
                "probe": _minutia(here, row[0]),
                "reference": _minutia(there, row[1]),
                "reached_from": None if row[2] < 0 else [int(row[2]), int(row[3])],
                "further_lines": int(support),
            }
            for row, support in zip(explanation.comparison.tree, explanation.support, strict=True)
        ],
        "parts": [asdict(part) for part in explanation.parts],
    }


def _minutia(template: FingerTemplate, number: int) -> dict[str, object]:
    return {
        "number": int(number),
        "x": float(template.x[number]),
        "y": float(template.y[number]),
        "direction_degrees": math.degrees(template.direction[number]),
        "kind": MINUTIA_KINDS[int(template.kind[number])],
        "quality": int(template.minutia_quality[number]),
    }


def _write(recording: Recording, path: Path) -> None:
    import numpy as np

    np.savez_compressed(path, allow_pickle=False, **recording.stages)
