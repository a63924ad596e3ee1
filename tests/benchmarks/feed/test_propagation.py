"""What the benchmark of the feed counts: late, lost, twice, out of order; and how a terminal reads cut frames."""

from typing import Any, cast

import numpy as np
import pytest

from benchmarks.common.report import Result
from benchmarks.feed.propagation import Seen, summarise
from benchmarks.feed.terminals import Records, Terminal

MS = 1_000_000


def seen(pairs: list[tuple[int, int, float]], *, killed_ms: float | None = None, back_ms: float = 0.0) -> Seen:
    """Two terminals and events 11 to 14, committed at 1000, 2000, 3000 and 4000 ms; `pairs` are terminal, seq, time."""
    terminal, seq, received = zip(*pairs, strict=True)
    lost = [0, 0] if killed_ms is None else [0, 0, round(killed_ms * MS)]
    opened = [0, 0] if killed_ms is None else [0, 0, round(back_ms * MS)]
    records = {
        "terminal": np.array(terminal),
        "seq": np.array(seq),
        "received_ns": np.array([round(one * MS) for one in received]),
        "lost_ns": np.array(lost),
        "opened_ns": np.array(opened),
    }
    committed = np.array([1000, 2000, 3000, 4000]) * MS
    return Seen(2, 11, committed, None if killed_ms is None else round(killed_ms * MS), records, 200_000.0)


def figures(given: Seen) -> dict[str, float]:
    results: list[Result] = summarise(given)
    return {one.metric: one.value for one in results}


def everything(late_ms: float = 10) -> list[tuple[int, int, float]]:
    return [(terminal, seq, 1000 * (seq - 10) + late_ms) for seq in range(11, 15) for terminal in (0, 1)]


def test_a_run_in_which_all_is_well() -> None:
    found = figures(seen(everything()))
    assert (found["lost"], found["duplicates"], found["disordered"], found["kills"]) == (0, 0, 0, 0)
    assert found["latency_p50_ms"] == found["latency_p99_ms"] == found["latency_max_ms"] == pytest.approx(10)
    assert found["memory_per_terminal_bytes"] == 100_000


def test_what_is_missing_comes_twice_or_out_of_order_is_counted() -> None:
    assert figures(seen(everything()[:-1]))["lost"] == 1
    twice = figures(seen([*everything(), (0, 14, 4500)]))
    assert (twice["duplicates"], twice["lost"]) == (1, 0)
    assert twice["latency_max_ms"] == pytest.approx(10), "when it was first heard"
    pairs = everything()
    pairs[0], pairs[2] = pairs[2], pairs[0]
    assert figures(seen(pairs))["disordered"] == 1


def test_what_was_late_because_of_a_kill_is_in_the_whole_and_apart() -> None:
    pairs = [(terminal, seq, 2900.0 if (terminal, seq) == (0, 12) else at) for terminal, seq, at in everything()]
    found = figures(seen(pairs, killed_ms=1990, back_ms=2890))
    assert found["latency_max_ms"] == pytest.approx(900)
    assert found["undisturbed_latency_max_ms"] == pytest.approx(10)
    assert found["return_p99_ms"] == pytest.approx(900)
    assert found["kills"] == 1


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_a_terminal_reads_frames_that_are_cut_anywhere(size: int) -> None:
    answer = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n2a\r\nretry: 1000\n\nevent: head\ndata: {}\n\n\r\n"
    )
    answer += b"".join(b"3c\r\nid: %d\ndata: {}\n\n\r\n" % seq for seq in (7, 8, 9))
    records = Records()

    class Transport:
        def write(self, asked: bytes) -> None:
            assert b"Last-Event-ID: 6\r\n" in asked

    terminal = Terminal(3, "key", 6, [("127.0.0.1", 1)], records)
    terminal.opened = cast(Any, type("Opened", (), {"set": lambda self: None})())
    terminal.connection_made(cast(Any, Transport()))
    for start in range(0, len(answer), size):
        terminal.data_received(answer[start : start + size])
    assert (records.terminal, records.seq) == ([3, 3, 3], [7, 8, 9])
    assert records.opened_terminal == [3]


def test_a_refused_stream_is_an_error() -> None:
    terminal = Terminal(0, "key", 0, [("127.0.0.1", 1)], Records())
    terminal.connection_made(cast(Any, type("Transport", (), {"write": lambda self, asked: None})()))
    with pytest.raises(RuntimeError, match="refused"):
        terminal.data_received(b"HTTP/1.1 401 Unauthorized\r\n")
