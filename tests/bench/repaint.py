"""Repaint of all tables: the window's canvases against a plain grid of labels."""

from __future__ import annotations

import os

from tests.bench.registry import Figure, register


@register("repaint", "milliseconds until ten positions, a book, twenty robots and an account stand")
def repaint() -> list[Figure]:
    """Paint both in turn on a private display and return the medians."""
    from tests.display.repainting import measure  # noqa: PLC0415 -- listing costs nothing
    from tests.support.screen import virtual_display  # noqa: PLC0415 -- listing costs nothing

    before = os.environ.get("DISPLAY")
    with virtual_display("1280x1024x24") as name:
        os.environ["DISPLAY"] = name
        try:
            figures = measure()
        finally:
            if before is None:
                del os.environ["DISPLAY"]
            else:
                os.environ["DISPLAY"] = before
    grid = "label grid"
    return [
        Figure(
            "everything changed, varying widths",
            figures.canvas_varying,
            "ms",
            figures.labels_varying,
            grid,
            at_most=1 / 5,
        ),
        Figure(
            "everything changed, constant widths",
            figures.canvas_constant,
            "ms",
            figures.labels_constant,
            grid,
            at_most=1 / 2,
        ),
        Figure("nothing changed", figures.canvas_unchanged, "ms", at_most=0.1),
        Figure("a turn of the loop on an equal snapshot", figures.refresh_unchanged, "ms"),
        Figure("a turn of the loop, all books moved", figures.refresh_changed, "ms"),
    ]
