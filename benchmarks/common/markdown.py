"""What a benchmark wrote as JSON, as a section of RESULTS.md: command, date, machine, versions and a table."""

import json
from pathlib import Path
from typing import Any

from benchmarks.common.report import FRACTION, Result, figure, value_text


def run(json_path: Path, metrics: list[str] | None) -> None:
    """Print the section; with `metrics` only their rows."""
    print(section(json.loads(json_path.read_text(encoding="utf-8")), metrics))  # noqa: T201 - the output is the product


def section(body: dict[str, Any], metrics: list[str] | None = None) -> str:
    """Markdown of one document of `benchmarks.common.report`."""
    machine = body["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in body["versions"].items())
    head = [
        f"`{body['command']}`",
        "",
        f"{body['when']}; {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB; {versions}.",
        "",
    ]
    results = [Result(**row) for row in body["results"]]
    return "\n".join(head + table([one for one in results if not metrics or one.metric in metrics]))


def table(results: list[Result]) -> list[str]:
    """Lines of a Markdown table, rates in per cent, the interval in brackets."""
    lines = ["| set | metric | value | 95 % interval | unit | n |", "|---|---|---:|---:|---|---:|"]
    for one in results:
        bounds = "-"
        if one.low is not None and one.high is not None:
            bounds = f"{figure(one.low, one.unit)} .. {figure(one.high, one.unit)}"
        unit = "%" if one.unit == FRACTION else one.unit
        lines.append(f"| {one.set} | {one.metric} | {value_text(one)} | {bounds} | {unit} | {one.n:,} |")
    return lines
