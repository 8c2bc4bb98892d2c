"""The order book on a canvas: QTY PRICE QTY, asks above bids, own orders coloured, clicks."""

from __future__ import annotations

import tkinter as tk
from collections.abc import Callable
from decimal import Decimal

from common.domain.orders import Side
from display.cells import BookRow, BookTable, Tone
from display.grid import CellGrid
from display.header import Header
from display.theme import Theme

_ROW_SPACE = 3  # pixels between the texts of two rows
_TONES = {
    (Side.BUY, False): (Tone.TEXT, Tone.GOOD, Tone.TEXT),
    (Side.BUY, True): (Tone.TEXT, Tone.GOOD, Tone.OWN_BUY),
    (Side.SELL, False): (Tone.TEXT, Tone.BAD, Tone.TEXT),
    (Side.SELL, True): (Tone.OWN_SELL, Tone.BAD, Tone.TEXT),
}
_STALE = {
    (Side.BUY, False): (Tone.DIM, Tone.DIM, Tone.DIM),
    (Side.BUY, True): (Tone.DIM, Tone.DIM, Tone.OWN_BUY),
    (Side.SELL, False): (Tone.DIM, Tone.DIM, Tone.DIM),
    (Side.SELL, True): (Tone.OWN_SELL, Tone.DIM, Tone.DIM),
}
_PLAIN = (Tone.DIM, Tone.DIM, Tone.DIM)
_NOWHERE = (-9, -9, -9, -9)


class OrderBook(tk.Frame):
    """Prices of one symbol. `on_click` is given the price and side that lay under the press."""

    def __init__(
        self,
        parent: tk.Misc,
        theme: Theme,
        on_click: Callable[[Decimal | None, Side | None], None],
        on_resize: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(parent, name="book")
        self._theme = theme
        self._on_click = on_click
        self._on_resize = on_resize
        self._table = BookTable((), (), "")
        self._rows: list[BookRow | None] = []  # row of each line in sight
        self._boxes: list[tuple[int, int]] = []  # bar and own mark of each line
        self._placed: dict[int, tuple[int, ...]] = {}  # where a bar or a mark is now
        self._pressed: tuple[Decimal | None, Side | None] | None = None
        self.canvas = tk.Canvas(
            self, name="canvas", highlightthickness=1, borderwidth=0, takefocus=True
        )
        self.canvas.pack(fill="both", expand=True)
        self._header = Header(self.canvas, theme, ("QTY", "PRICE", "QTY"))
        self._middle_box = self.canvas.create_rectangle(0, 0, 0, 0, width=0)
        self._spread = self.canvas.create_text(0, 0, font=theme.mono)
        self._spread_text = ""
        self._grid = CellGrid(self.canvas, theme, 3)
        self.canvas.bind("<Configure>", self._resized)
        self.canvas.bind("<ButtonPress-1>", self._press)
        self.canvas.bind("<ButtonRelease-1>", self._release)
        for key in ("Return", "KP_Enter", "space"):
            self.canvas.bind(f"<{key}>", lambda _event: self._on_click(None, None))
        self.restyle()

    @property
    def levels(self) -> int:
        """How many prices of each side are in sight."""
        height = self.canvas.winfo_height()
        return max(1, (height // self._row_height - 2) // 2)

    @property
    def painted(self) -> int:
        """How many cells Tk has been told to change."""
        return self._grid.painted

    @property
    def table(self) -> BookTable:
        """The book as last given to `show`."""
        return self._table

    def show(self, table: BookTable) -> None:
        """Show a book of at most `levels` prices a side."""
        if table is not self._table:
            self._table = table
            self._paint()

    def row_at_root(self, price: Decimal, side: Side | None) -> tuple[int, int] | None:
        """Return the middle of a price's cell in coordinates of the screen; None: not in sight."""
        for line, row in enumerate(self._rows):
            if row is not None and row.price == price and side in (None, row.side):
                x = self.canvas.winfo_rootx() + self.canvas.winfo_width() // 2
                return x, self.canvas.winfo_rooty() + self._line_y(line)
        return None

    def restyle(self) -> None:
        """Take the colours and fonts of the theme as they are now."""
        palette, canvas = self._theme.palette, self.canvas
        self._row_height = self._theme.mono.metrics("linespace") + _ROW_SPACE
        canvas.configure(
            background=palette.panel,
            height=self._row_height * 8,
            width=self._theme.mono.measure("0") * 36,
            highlightbackground=palette.panel,
            highlightcolor=self._theme.colour(Tone.ACCENT),
        )
        self._header.restyle()
        canvas.itemconfigure(self._middle_box, fill=palette.header)
        canvas.itemconfigure(self._spread, fill=self._theme.colour(Tone.DIM))
        self._grid.recolour()
        self._lay_out()

    # ---- painting ---------------------------------------------------------------------------

    def _lay_out(self) -> None:
        levels, width = self.levels, self.canvas.winfo_width()
        self._grid.resize(2 * levels)
        self._resize_boxes(2 * levels)
        third = width // 3
        edges, anchors = (third - 8, width // 2, width - 10), ("e", "center", "e")
        for line in range(2 * levels):
            self._grid.place(line, self._line_y(line), edges, anchors)
        self._header.place(edges, anchors, self._row_height, width)
        middle = self._row_height * (levels + 1)
        self.canvas.coords(self._middle_box, 0, middle, width, middle + self._row_height)
        self.canvas.coords(self._spread, width // 2, middle + self._row_height // 2)
        self._rows = [None] * (2 * levels)
        for line in range(2 * levels):
            self._show_row(line, None)
        self._paint()

    def _paint(self) -> None:
        table, levels = self._table, self.levels
        asks, bids = list(table.asks)[:levels], list(table.bids)[:levels]
        rows: list[BookRow | None] = [None] * (levels - len(asks))
        rows += [*reversed(asks), *bids]
        rows += [None] * (2 * levels - len(rows))
        for line, row in enumerate(rows):
            if row != self._rows[line]:
                self._rows[line] = row
                self._show_row(line, row)
        spread = f"spread {table.spread}" if table.spread else "no order book yet"
        if rows.count(None) < len(rows) and not table.spread:
            spread = "one side only"
        if not table.fresh:
            spread = "last known prices"
        if spread != self._spread_text:
            self._spread_text = spread
            self.canvas.itemconfigure(self._spread, text=spread)

    def _resize_boxes(self, lines: int) -> None:
        canvas, palette = self.canvas, self._theme.palette
        for boxes in self._boxes:
            canvas.delete(*boxes)
        self._placed.clear()
        self._boxes = []
        for line in range(lines):
            bid = line >= lines // 2
            bar = canvas.create_rectangle(
                *_NOWHERE, width=0, fill=palette.bid_bar if bid else palette.ask_bar
            )
            own = canvas.create_rectangle(
                *_NOWHERE, width=0, fill=palette.own_buy if bid else palette.own_sell
            )
            canvas.tag_lower(own)
            canvas.tag_lower(bar)
            self._boxes.append((bar, own))

    def _line_y(self, line: int) -> int:
        """Return the middle of a line; the spread stands between asks and bids."""
        below_spread = line >= len(self._boxes) // 2
        return self._row_height * (line + 1 + below_spread) + self._row_height // 2

    def _show_row(self, line: int, row: BookRow | None) -> None:
        if row is None:
            self._grid.put(line, ("", "", ""), _PLAIN)
        else:
            self._grid.put(line, row.texts, (_TONES if row.fresh else _STALE)[row.side, row.own])
        self._place_boxes(line, row)

    def _place_boxes(self, line: int, row: BookRow | None) -> None:
        """Draw the bar of the market's quantity from the price outwards, and the own mark."""
        bar, own = self._boxes[line]
        if row is None:
            self._move(bar, _NOWHERE)
            self._move(own, _NOWHERE)
            return
        width = self.canvas.winfo_width()
        third = width // 3
        y = self._line_y(line)
        top, bottom = y - self._row_height // 2, y + (self._row_height + 1) // 2
        length = third * row.share // 100
        left_third, right_third = (0, top, third, bottom), (width - third, top, width, bottom)
        if row.side is Side.BUY:
            self._move(bar, (third - length, top, third, bottom))
            self._move(own, right_third if row.own else _NOWHERE)
        else:
            self._move(bar, (width - third, top, width - third + length, bottom))
            self._move(own, left_third if row.own else _NOWHERE)

    def _move(self, item: int, place: tuple[int, int, int, int]) -> None:
        if self._placed.get(item) != place:
            self._placed[item] = place
            self.canvas.coords(item, *place)

    # ---- clicks -----------------------------------------------------------------------------

    def _resized(self, _event: tk.Event[tk.Canvas]) -> None:
        self._lay_out()
        self._on_resize()

    def _row_at(self, y: int) -> BookRow | None:
        half = self._row_height // 2
        for line, row in enumerate(self._rows):
            if abs(y - self._line_y(line)) <= half:
                return row
        return None

    def _press(self, event: tk.Event[tk.Canvas]) -> None:
        # The book moves under the pointer: the price that lay under the press is meant.
        row = self._row_at(event.y)
        self._pressed = (row.price, row.side) if row else (None, None)
        self.canvas.focus_set()

    def _release(self, event: tk.Event[tk.Canvas]) -> None:
        pressed, self._pressed = self._pressed, None
        inside = 0 <= event.x < self.canvas.winfo_width()
        if pressed and inside and 0 <= event.y < self.canvas.winfo_height():
            self._on_click(*pressed)
