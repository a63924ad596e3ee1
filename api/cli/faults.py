"""What a command over a whole file leaves out: shown, written to a file, and each code explained in the end."""

import csv
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from api.errors import entry

_SHOWN = 20
_console = Console(stderr=True, highlight=False)

Note = Callable[[str, Sequence[object], str], None]
"""Takes a fault: where it is, in words and as the first columns of the file, and its code."""


@contextmanager
def noted(path: Path | None) -> Iterator[Note]:
    """The first faults are shown, all are written to the file where one is wanted, and at the end each code is
    explained once."""
    codes: Counter[str] = Counter()
    with Path(os.devnull if path is None else path).open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")

        def note(words: str, columns: Sequence[object], code: str) -> None:
            writer.writerow((*columns, code))
            file.flush()
            codes[code] += 1
            told = codes.total()
            if told <= _SHOWN:
                _console.print(f"{words}: {code}", markup=False, soft_wrap=True)
            elif told == _SHOWN + 1 and path is None:
                _console.print("…… 其余从略，--faults FILE 可列出全部 … there are more; --faults FILE lists them all")

        yield note
    for code, times in codes.most_common():
        text = entry(code).message  # the advice beside it is for a terminal's operator
        _console.print(f"{code} ({times:,}): {text.zh} {text.en}", markup=False, soft_wrap=True)
