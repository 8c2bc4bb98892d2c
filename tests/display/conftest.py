"""A window for each test that asks for one; an error inside any Tk callback fails the test."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator

import pytest

from common.engine.snapshot import Snapshot
from tests.display.support import Bench, busy_snapshot


@pytest.fixture(scope="module", autouse=True)
def _free_closed_windows() -> Iterator[None]:
    """Free what a module has closed here: Tcl aborts when another thread's collector does it."""
    yield
    gc.collect()


@pytest.fixture
def open_window(xvfb: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Bench]]:
    """Return a function that opens a terminal: `open_window(snapshot, size, theme)`."""
    monkeypatch.setenv("DISPLAY", xvfb)
    opened: list[Bench] = []

    def start(snapshot: Snapshot | None = None, *arguments: str) -> Bench:
        bench = Bench(snapshot or busy_snapshot(), *arguments)
        opened.append(bench)
        return bench

    yield start
    for bench in opened:
        errors = list(bench.terminal.callback_errors)
        bench.terminal.close()
        assert errors == bench.expected_errors, "an error inside a Tk callback"


@pytest.fixture
def window(open_window: Callable[..., Bench]) -> Bench:
    """Return a terminal of 1280x800 that shows the busy account."""
    return open_window()
