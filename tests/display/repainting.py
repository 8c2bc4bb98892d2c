"""Repaint of all tables: the window's canvases against a plain grid of labels, in one run.

Ten positions, twenty-one book rows, twenty robots and an account, painted alternately by both, from
the same texts, until Tk has nothing left to draw. "Everything changed" gives each cell a new text;
"varying widths" changes the number of digits, which makes labels ask for a new layout.
"""

from __future__ import annotations

import random
import statistics
import time
import tkinter as tk
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from common.domain.orders import Side
from common.engine.snapshot import Snapshot
from display import columns
from display.app import Terminal
from display.cells import BookRow, BookTable, Row, Tone
from tests.display import support

ROUNDS = 60
_TONES = (Tone.TEXT, Tone.GOOD, Tone.BAD)


@dataclass(frozen=True)
class Frame:
    """What is painted once."""

    positions: Sequence[Row]
    robots: Sequence[Row]
    accounts: Sequence[Row]
    book: BookTable


@dataclass(frozen=True)
class Figures:
    """Medians in milliseconds."""

    canvas_varying: float
    labels_varying: float
    canvas_constant: float
    labels_constant: float
    canvas_unchanged: float
    refresh_unchanged: float  # a whole turn of the loop on an equal snapshot
    refresh_changed: float  # a whole turn, texts made of figures included


class LabelGrid:
    """The plain way: a label for each cell in a grid, told its text and colour."""

    def __init__(self, root: tk.Tk, frame: Frame) -> None:
        self._top = tk.Toplevel(root)
        self._top.geometry("1280x800+0+0")
        self._labels: list[list[tk.Label]] = []
        for part in _cells(frame):
            panel = tk.Frame(self._top)
            panel.pack()
            for number, (texts, _) in enumerate(part):
                line = [tk.Label(panel, font="TkFixedFont") for _ in texts]
                for column, label in enumerate(line):
                    label.grid(row=number, column=column)
                self._labels.append(line)

    def show(self, frame: Frame) -> None:
        """Set every label."""
        rows = [row for part in _cells(frame) for row in part]
        for line, (texts, colours) in zip(self._labels, rows, strict=True):
            for label, text, colour in zip(line, texts, colours, strict=True):
                label.configure(text=text, fg=colour)


def _cells(frame: Frame) -> list[list[tuple[Sequence[str], Sequence[str]]]]:
    colours = {Tone.TEXT: "black", Tone.GOOD: "green", Tone.BAD: "red"}
    parts: list[list[tuple[Sequence[str], Sequence[str]]]] = [
        [(row.texts, [colours[tone] for tone in row.tones]) for row in rows]
        for rows in (frame.positions, frame.robots, frame.accounts)
    ]
    plain: list[tuple[Sequence[str], Sequence[str]]] = [
        (row.texts, ["black"] * 3) for row in (*reversed(frame.book.asks), *frame.book.bids)
    ]
    plain.append((("", f"spread {frame.book.spread}", ""), ["black"] * 3))
    return [*parts, plain]


def random_frame(chance: random.Random, *, varying: bool) -> Frame:
    """Return new figures for every cell; of six digits, or of three to nine."""

    def figure() -> str:
        digits = chance.randint(3, 9) if varying else 6
        return str(chance.randint(10 ** (digits - 1), 10**digits - 1))

    def rows(count: int, width: int) -> list[Row]:
        return [
            Row(
                str(number),
                tuple(figure() for _ in range(width)),
                tuple(chance.choice(_TONES) for _ in range(width)),
            )
            for number in range(count)
        ]

    def level(side: Side, number: int) -> BookRow:
        texts = (figure(), figure(), "") if side is Side.BUY else ("", figure(), figure())
        return BookRow(side, Decimal(number), texts, own=False, share=chance.randint(0, 100))

    asks = [level(Side.SELL, 20 + number) for number in range(10)]
    bids = [level(Side.BUY, 19 - number) for number in range(10)]
    return Frame(
        rows(10, len(columns.POSITIONS)),
        rows(20, len(columns.ROBOTS)),
        rows(2, len(columns.ACCOUNTS)),
        BookTable(asks, bids, figure()),
    )


def measure(rounds: int = ROUNDS, seed: int = 1) -> Figures:
    """Return the figures; DISPLAY must name a display."""
    chance = random.Random(seed)
    snapshot = support.busy_snapshot()
    holder = [snapshot]
    terminal = Terminal(snapshot=lambda: holder[0], submit=_ignore, refresh_rate=10)
    terminal.refresh()
    root = terminal.root
    root.geometry("1280x1000")  # high enough for all rows: nothing is saved by scrolling
    root.update()
    grid = LabelGrid(root, random_frame(chance, varying=True))
    root.update()

    def paint(frame: Frame) -> None:
        layout = terminal.layout
        layout.positions.show(frame.positions)
        layout.robots.show(frame.robots)
        layout.accounts.show(frame.accounts)
        layout.book.show(frame.book)

    both: dict[bool, tuple[float, float]] = {}
    for varying in (True, False):
        frames = [random_frame(chance, varying=varying) for _ in range(rounds)]
        canvas, labels = [], []
        for frame in frames:
            canvas.append(_timed(root, paint, frame))
            labels.append(_timed(root, grid.show, frame))
        both[varying] = statistics.median(canvas), statistics.median(labels)
    last = frames[-1]
    unchanged = statistics.median(_timed(root, paint, last) for _ in range(10 * rounds))
    same = [replace(snapshot, beat=beat) for beat in range(2, rounds + 2)]
    moving = [support.busy_snapshot(beat) for beat in range(100, rounds + 100)]
    terminal.refresh()
    root.update()
    figures = Figures(
        *both[True],
        *both[False],
        unchanged,
        *(_turns(terminal, holder, each) for each in (same, moving)),
    )
    terminal.close()
    return figures


def _ignore(_command: object) -> None:
    """Take a command of the window, which has no engine here."""


def _turns(terminal: Terminal, holder: list[Snapshot], snapshots: list[Snapshot]) -> float:
    times = []
    for each in snapshots:
        holder[0] = each
        times.append(_timed(terminal.root, lambda _: terminal.refresh(), None))
    return statistics.median(times)


def _timed(root: tk.Tk, paint: Callable[..., None], frame: object) -> float:
    """Return the milliseconds until everything is drawn."""
    start = time.perf_counter()
    paint(frame)
    root.update()
    return (time.perf_counter() - start) * 1000
