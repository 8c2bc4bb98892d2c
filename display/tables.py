"""A table on a canvas: header, rows by key, scrolling, clicks and keys. Paints only differences.

Only the rows in sight exist as items, so a long list costs no more than a short one.
"""

from __future__ import annotations

import sys
import tkinter as tk
from collections.abc import Callable, Sequence
from tkinter import ttk

from display.cells import Column, Row, Tone
from display.grid import CellGrid
from display.header import Header
from display.row_marks import RowMarks
from display.theme import Theme
from display.widths import ColumnWidths

_ROW_SPACE = 3  # pixels between the texts of two rows


class Table(ttk.Frame):
    """Rows of fixed columns. `on_click` is given the key that lay under the press.

    `on_open` is given the key under a press of the right button (of a Mac: with Control, too).
    """

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        columns: Sequence[Column],
        *,
        name: str,
        empty: str,
        rows: int = 4,
        on_click: Callable[[str], None] | None = None,
        on_open: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(parent, name=name)
        self._theme = theme
        self._columns = tuple(columns)
        self._widths = ColumnWidths(columns)
        self._empty = empty
        self._on_click = on_click
        self._on_open = on_open
        self._rows: Sequence[Row] = ()
        self._shown: list[Row | None] = []  # row of each line in sight
        self._first = 0
        self._total = 0  # width of all columns
        self._selected: str | None = None
        self._cursor: str | None = None  # row that the keyboard is at
        self._pressed: str | None = None
        self._least_rows = rows
        self._focused = False
        self._marked: tuple[object, ...] = ()  # what `_mark` last placed
        self._make_canvas()
        self._make_items()
        self._bind()
        self.restyle()

    def _make_canvas(self) -> None:
        """Make the canvas and its bars."""
        focus = self._on_click is not None
        self.canvas = tk.Canvas(
            self, name="canvas", highlightthickness=0, borderwidth=0, takefocus=focus
        )
        self._vertical = ttk.Scrollbar(self, orient="vertical", command=self._scroll_to)
        self._horizontal = ttk.Scrollbar(self, orient="horizontal", command=self.canvas.xview)
        self.canvas.configure(xscrollcommand=self._horizontal.set)
        self.rowconfigure(0, weight=1)
        self.columnconfigure(0, weight=1)
        self.columnconfigure(1, minsize=12)  # the bar comes and goes without moving a column
        self.canvas.grid(row=0, column=0, sticky="nsew")

    def _make_items(self) -> None:
        canvas = self.canvas
        titles = [column.title for column in self._columns]
        self._header = Header(canvas, self._theme, titles)
        self._marks = RowMarks(canvas, self._theme)
        self._note = canvas.create_text(0, 0, font=self._theme.mono, anchor="center")
        self._grid = CellGrid(canvas, self._theme, len(self._columns))

    def _bind(self) -> None:
        canvas = self.canvas
        canvas.bind("<Configure>", lambda _event: self._lay_out())
        canvas.bind("<ButtonPress-1>", self._press)
        canvas.bind("<ButtonRelease-1>", self._release)
        rights = ("<ButtonPress-2>", "<Control-ButtonPress-1>") if sys.platform == "darwin" else ()
        for right in ("<ButtonPress-3>", *rights):
            canvas.bind(right, self._press_right)
        canvas.bind("<FocusIn>", lambda _event: self._focus(True))
        canvas.bind("<FocusOut>", lambda _event: self._focus(False))
        canvas.bind("<MouseWheel>", self._wheel)
        canvas.bind("<Shift-MouseWheel>", lambda event: self._shift(-1 if event.delta > 0 else 1))
        canvas.bind("<Button-4>", lambda _event: self._move_view(-3))
        canvas.bind("<Button-5>", lambda _event: self._move_view(3))
        canvas.bind("<Shift-Button-4>", lambda _event: self._shift(-1))
        canvas.bind("<Shift-Button-5>", lambda _event: self._shift(1))
        for key, rows in (("Up", -1), ("Down", 1), ("Prior", -10), ("Next", 10)):
            canvas.bind(f"<{key}>", lambda _event, rows=rows: self._move_cursor(rows))  # type: ignore[misc]
        for key in ("Return", "KP_Enter", "space"):
            canvas.bind(f"<{key}>", lambda _event: self._activate())

    # ---- what is shown ----------------------------------------------------------------------

    @property
    def painted(self) -> int:
        """How many cells Tk has been told to change."""
        return self._grid.painted

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as last given to `show`."""
        return self._rows

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows. A row object that was there before must not have changed."""
        if rows is self._rows:
            return
        self._rows = rows
        self._paint()

    @property
    def cursor(self) -> str | None:
        """The key of the row that the keyboard or the pointer was at last, if it is there."""
        return self._cursor if self._index(self._cursor) is not None else None

    def select(self, key: str | None) -> None:
        """Mark the row of this key, now and wherever it moves."""
        if key != self._selected:
            self._selected = key
            self._mark()

    def see(self, key: str) -> bool:
        """Scroll so that the row of this key is in sight; False: there is none."""
        index = self._index(key)
        if index is None:
            return False
        lines = self._whole_lines()
        if not self._first <= index < self._first + lines:
            self._first = max(0, index - lines // 2)
            self._paint()
        return True

    def row_at_root(self, key: str) -> tuple[int, int] | None:
        """Return the middle of a row in coordinates of the screen, scrolled into sight."""
        if not self.see(key):
            return None
        index = self._index(key)
        if index is None:
            return None
        y = self._line_y(index - self._first)
        width = self.canvas.winfo_width()
        return self.canvas.winfo_rootx() + width // 3, self.canvas.winfo_rooty() + y

    def forget_widths(self) -> None:
        """Let columns be as narrow again as the rows of now allow."""
        self._widths = ColumnWidths(self._columns)
        self._shown = [None] * len(self._shown)
        self._lay_out()

    def restyle(self) -> None:
        """Take the colours and fonts of the theme as they are now."""
        palette, canvas = self._theme.palette, self.canvas
        self._row_height = self._theme.mono.metrics("linespace") + _ROW_SPACE
        self._char_width = self._theme.mono.measure("0")
        canvas.configure(background=palette.panel)
        canvas.configure(height=self._row_height * (self._least_rows + 1), width=200)
        self._header.restyle()
        self._marks.restyle(self._row_height)
        canvas.itemconfigure(self._note, fill=self._theme.colour(Tone.DIM))
        self._grid.recolour()
        self._lay_out()

    # ---- painting ---------------------------------------------------------------------------

    def _lay_out(self) -> None:
        """Place every item anew; needed when the size, a font or a column's width changes."""
        width, height = self.canvas.winfo_width(), self.canvas.winfo_height()
        lines = max(1, -(-(height - self._row_height) // self._row_height))
        self._grid.resize(lines)
        self._shown = [*self._shown[:lines], *[None] * (lines - len(self._shown))]
        cut = self._widths.cut
        edges, total = self._widths.edges(width, self._char_width)
        if self._widths.cut != cut:
            self._shown = [None] * lines  # their texts have more or less room
        anchors = ["e" if column.right else "w" for column in self._columns]
        for line in range(lines):
            self._grid.place(line, self._line_y(line), edges, anchors)
        self._header.place(edges, anchors, self._row_height, total)
        self._total = total
        self._marked = ()
        self.canvas.coords(self._note, min(width, total) // 2, self._line_y(0) + self._row_height)
        self.canvas.configure(scrollregion=(0, 0, total, height))
        _show_bar(self._horizontal, total > width, row=1, column=0, sticky="ew")
        self._paint()

    def _line_y(self, line: int) -> int:
        return self._row_height * (line + 1) + self._row_height // 2

    def _paint(self) -> None:
        self._first = max(0, min(self._first, len(self._rows) - self._whole_lines()))
        rows, first, count = self._rows, self._first, len(self._rows)
        for line, before in enumerate(self._shown):
            index = first + line
            row = rows[index] if index < count else None
            if row is before:
                continue
            if row is not None and self._widths.widen(row.texts, self._theme.mono):
                self._lay_out()  # paints this line and those below, too
                return
            self._shown[line] = row
            if row is None:
                self._grid.clear(line)
            else:
                self._grid.put(line, self._widths.fit(row.texts), row.tones)
        self._mark()

    def _mark(self) -> None:
        """Place the selection, the cursor, the note of an empty table and the bar."""
        first, lines, count = self._first, self._whole_lines(), len(self._rows)
        selected = self._line_of(self._selected)
        cursor = self._line_of(self._cursor) if self._focused else None
        marks = (selected, cursor, first, lines, count, self._row_height)
        if marks == self._marked:
            return
        self._marked = marks
        in_sight = sum(row is not None for row in self._shown)
        self._marks.place(selected, cursor, in_sight, self._total)
        self.canvas.itemconfigure(self._note, text="" if count else self._empty)
        _show_bar(self._vertical, count > lines, row=0, column=1, sticky="ns")
        whole = max(1, count)
        self._vertical.set(first / whole, min(1.0, (first + lines) / whole))

    def _line_of(self, key: str | None) -> int | None:
        """Return the line in sight that shows a key."""
        if key is None:
            return None
        for line, row in enumerate(self._shown):
            if row is not None and row.key == key:
                return line
        return None

    def _focus(self, focused: bool) -> None:
        self._focused = focused
        self._mark()

    # ---- clicks, keys, scrolling ------------------------------------------------------------

    def _index(self, key: str | None) -> int | None:
        return next((at for at, row in enumerate(self._rows) if row.key == key), None)

    def _whole_lines(self) -> int:
        return max(1, (self.canvas.winfo_height() - self._row_height) // self._row_height)

    def _key_at(self, y: int) -> str | None:
        line = y // self._row_height - 1
        row = self._shown[line] if 0 <= line < len(self._shown) else None
        return row.key if row else None

    def _press(self, event: tk.Event[tk.Canvas]) -> None:
        # The row may move or vanish before the button is released: what lay under the press counts.
        self._pressed = self._key_at(event.y)
        if self._on_click is not None:
            self._cursor = self._pressed
            self.canvas.focus_set()
            self._mark()

    def _release(self, event: tk.Event[tk.Canvas]) -> None:
        key, self._pressed = self._pressed, None
        inside = 0 <= event.x < self.canvas.winfo_width()
        inside = inside and 0 <= event.y < self.canvas.winfo_height()
        if key is not None and inside and self._on_click is not None:
            self._on_click(key)

    def _press_right(self, event: tk.Event[tk.Canvas]) -> str:
        key = self._key_at(event.y)
        if key is not None and self._on_open is not None:
            self._cursor = key
            self._mark()
            self._on_open(key)
        return "break"

    def _activate(self) -> None:
        if self._on_click is not None and self._index(self._cursor) is not None and self._cursor:
            self._on_click(self._cursor)

    def _move_cursor(self, rows: int) -> None:
        if not self._rows:
            return
        index = self._index(self._cursor)
        target = 0 if index is None else index + rows
        self._cursor = self._rows[max(0, min(target, len(self._rows) - 1))].key
        self.see(self._cursor)
        self._mark()

    def _wheel(self, event: tk.Event[tk.Canvas]) -> None:
        notch = 1 if sys.platform == "darwin" else 120
        self._move_view(-3 * event.delta // notch)

    def _shift(self, units: int) -> None:
        self.canvas.xview_scroll(units * 5, "units")

    def _move_view(self, rows: int) -> None:
        self._first += rows
        self._paint()

    def _scroll_to(self, action: str, amount: str, what: str = "") -> None:
        if action == "moveto":
            self._first = round(float(amount) * len(self._rows))
        else:
            self._first += int(amount) * (self._whole_lines() if what == "pages" else 1)
        self._paint()


def _show_bar(bar: ttk.Scrollbar, wanted: bool, *, row: int, column: int, sticky: str) -> None:
    if wanted and not bar.winfo_manager():
        bar.grid(row=row, column=column, sticky=sticky)
    elif not wanted and bar.winfo_manager():
        bar.grid_remove()
