"""How late the window's timers are under load, beside a bare Tk loop that runs at the same time."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.bench.registry import Figure, register

SECONDS = 30.0


@register("window", "milliseconds that timers of the window are late: history load, flood, outage")
def window() -> list[Figure]:
    """Measure the terminal, then the same with the engine's work on the window's thread."""
    from tests.e2e.punctual import LIMIT, measure  # noqa: PLC0415 -- listing costs nothing

    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder), SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        red = measure(Path(folder), SECONDS / 3, red=True)
    shown, bare, worse = measured.window, measured.bare, red.window
    return [
        Figure("messages sent", measured.messages, "a second"),
        Figure("messages taken in", shown["received"], "a second, two on end"),
        Figure("p50", shown["p50"], "ms"),
        Figure("p99", shown["p99"], "ms"),
        Figure("p99.9", shown["p99.9"], "ms", at_most=LIMIT),
        Figure("worst", shown["worst"], "ms"),
        Figure("p99.9 of a bare loop meanwhile", bare["p99.9"], "ms"),
        Figure("worst of a bare loop meanwhile", bare["worst"], "ms"),
        Figure("p99.9 with the engine on the window's thread", worse["p99.9"], "ms"),
    ]
