"""How the plots look: colours that colour-blind readers tell apart, axes in per cent, one size, one way to be saved."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import FuncFormatter, NullFormatter

# Okabe and Ito, "Color universal design", 2008; yellow is left out: it does not show on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
# A second sign beside the colour, for black-and-white print.
LINES = ("-", "--", "-.", (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (3, 1)))
SIZE_INCHES = (6.4, 4.6)
PNG_DPI = 200

_SETTINGS: dict[Any, Any] = {
    # Letters as letters, and the same file for the same data.
    "svg.fonttype": "none",
    "svg.hashsalt": "renzheng",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    # Lines of the grid under what is drawn, not through it.
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Plot:
    """A finished plot: `name` of its files, `caption` that says how to read it, SVG and PNG."""

    name: str
    caption: str
    svg: str
    png: bytes

    def write(self, folder: Path) -> None:
        """`<name>.svg` and `<name>.png`. Raises OSError."""
        (folder / f"{self.name}.svg").write_text(self.svg, encoding="utf-8")
        (folder / f"{self.name}.png").write_bytes(self.png)


def drawing() -> tuple[Drawing, Axes]:
    """An empty drawing of the common size; no window system is asked."""
    with mpl.rc_context(_SETTINGS):
        made = Drawing(figsize=SIZE_INCHES, layout="constrained")
        return made, made.add_subplot()


def finished(made: Drawing, name: str, caption: str) -> Plot:
    """Legends below the axes, where they cover no data; then both forms."""
    with mpl.rc_context(_SETTINGS):
        handles, labels = made.axes[0].get_legend_handles_labels()
        if len(labels) > 0:
            made.legend(handles, labels, loc="outside lower center", ncols=_columns(labels), fontsize=9)
        svg, png = io.StringIO(), io.BytesIO()
        made.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        made.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": None})
    return Plot(name, caption, svg.getvalue(), png.getvalue())


def per_cent(axes: Axes, *, x: bool = False, y: bool = False) -> None:
    """Label an axis of shares in per cent, a log one at its decades only."""
    for wanted, axis in ((x, axes.xaxis), (y, axes.yaxis)):
        if wanted:
            axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.10g}"))
            axis.set_minor_formatter(NullFormatter())


def _columns(labels: Sequence[str]) -> int:
    """As many columns as lines of about 80 letters hold."""
    return max(1, min(len(labels), 80 // (6 + max(len(label) for label in labels))))
