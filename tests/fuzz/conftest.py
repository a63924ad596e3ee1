"""Tells in the end how many runs there were: a fuzz that did nothing would pass too."""

import pytest

COUNTED = pytest.StashKey[dict[str, tuple[int, int]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTED] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = config.stash.get(COUNTED, {})
    if counted:
        total, taken = (sum(one) for one in zip(*counted.values(), strict=True))
        terminalreporter.write_line(f"fuzz: {total:,} runs of {len(counted)} decoders, {taken:,} files taken as sound")
