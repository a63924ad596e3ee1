"""One self-contained page: no script, no font, no picture from elsewhere; prints on paper as it stands."""

from collections.abc import Iterable, Sequence
from html import escape

from api.evaluation.style import Plot

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.2rem; margin-top: 2.5rem; border-bottom: 1px solid #ddd }
table { border-collapse: collapse; margin: 1rem 0; font-size: .92rem } td { border-bottom: 1px solid #eee }
th, td { padding: .25rem .55rem; vertical-align: top } th { border-bottom: 1px solid #bbb; vertical-align: bottom }
.n small { display: block; color: #666 }
th { text-align: left } .n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
h2 { break-after: avoid } tr { break-inside: avoid }
figure { margin: 1rem 0; break-inside: avoid } figure svg { max-width: 100%; height: auto }
figcaption, .note { color: #555; font-size: .92rem; max-width: 46rem }
dl { display: grid; grid-template-columns: max-content auto; gap: .2rem 1rem } dt { color: #555 } dd { margin: 0 }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole document."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head>\n<body><h1>{escape(title)}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def heading(text: str) -> str:
    """A section's."""
    return f"<h2>{escape(text)}</h2>"


def note(text: str) -> str:
    """A remark that a reader needs to judge what stands beside it."""
    return f'<p class="note">{escape(text)}</p>'


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names with their values."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows) + "</dl>"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """A table whose first `words` columns are text and the others numbers."""
    sorts = ["" if place < words else ' class="n"' for place in range(len(columns))]
    head = "".join(f"<th{sort}>{escape(column)}</th>" for sort, column in zip(sorts, columns, strict=True))
    lines = []
    for row in rows:
        cells = (f"<td{sort}>{_cell(cell)}</td>" for sort, cell in zip(sorts, row, strict=True))
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _cell(text: str) -> str:
    """A rate's interval, in brackets behind it, stands under it: so a table of many rates fits on the page."""
    value, bracket, interval = text.partition(" (")
    if bracket and interval.endswith(")") and "–" in interval:
        return f"{escape(value)}<small>({escape(interval)}</small>"
    return escape(text)


def figure(plot: Plot) -> str:
    """A plot, its SVG in the page, with its caption."""
    drawing = plot.svg[plot.svg.index("<svg") :]
    # One page holds several drawings: their inner names must not meet.
    for mark in ('id="', 'href="#', "url(#"):
        drawing = drawing.replace(mark, f"{mark}{plot.name}-")
    return f"<figure>{drawing}<figcaption>{escape(plot.caption)}</figcaption></figure>"
