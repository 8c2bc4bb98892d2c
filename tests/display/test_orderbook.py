from __future__ import annotations

import tkinter as tk
from dataclasses import replace
from decimal import Decimal

from common.domain.orders import Side
from display.cells import BookRow, Tone
from tests.display import support
from tests.display.support import XBTUSDT, Bench, option_of, type_of


def shown_rows(window: Bench) -> list[list[str]]:
    """The rows of the book from the top down, read from the canvas."""
    canvas = window.terminal.layout.book.canvas
    lines: dict[float, list[tuple[float, str]]] = {}
    for item in canvas.find_withtag("cell"):
        x, y = canvas.coords(item)
        lines.setdefault(y, []).append((x, option_of(canvas, item, "text")))
    rows = [[text for _, text in sorted(cells)] for _, cells in sorted(lines.items())]
    return [row for row in rows if any(row)]


def test_asks_stand_above_bids_best_next_to_the_spread(window: Bench) -> None:
    rows = shown_rows(window)
    prices = [Decimal(row[1]) for row in rows]
    assert prices == sorted(prices, reverse=True)
    assert len(rows) == 20
    assert rows[9] == ["", "68413.0", "0.022"]
    assert rows[10] == ["0.020", "68412.0", ""]


def test_own_orders_are_coloured_beside_their_price(window: Bench) -> None:
    canvas = window.terminal.layout.book.canvas
    palette = window.terminal.theme.palette
    for price, colour, text in (
        ("Sell 68414.0", palette.own_sell, "0.010"),
        ("Buy 68410.5", palette.own_buy, "0.002"),
    ):
        _, y = window.terminal.geometry_of("book", price)
        y -= canvas.winfo_rooty()
        boxes = [
            item
            for item in canvas.find_overlapping(0, y, canvas.winfo_width(), y)
            if type_of(canvas, item) == "rectangle" and option_of(canvas, item, "fill") == colour
        ]
        assert len(boxes) == 1
        left, _, right, _ = canvas.coords(boxes[0])
        inside = canvas.find_overlapping(left, y, right, y)
        assert text in [
            option_of(canvas, i, "text") for i in inside if type_of(canvas, i) == "text"
        ]


def test_prices_that_are_not_those_of_now_are_dim_and_named(window: Bench) -> None:
    canvas = window.terminal.layout.book.canvas
    dim = window.terminal.theme.colour(Tone.DIM)

    def painted(price: str) -> str:
        return next(
            option_of(canvas, item, "fill")
            for item in canvas.find_withtag("cell")
            if option_of(canvas, item, "text") == price
        )

    assert painted("68412.0") != dim
    view = support.book_view(0)
    window.change(books={XBTUSDT.symbol: replace(view, fresh=False)})
    assert painted("68412.0") == dim
    assert "last known prices" in texts_of(canvas)
    window.change(books={XBTUSDT.symbol: view})
    assert painted("68412.0") != dim
    assert "last known prices" not in texts_of(canvas)


def texts_of(canvas: tk.Canvas) -> list[str]:
    return [option_of(canvas, i, "text") for i in canvas.find_all() if type_of(canvas, i) == "text"]


def test_only_changed_prices_are_painted(window: Bench) -> None:
    book = window.terminal.layout.book
    view = support.book_view(0)
    before = book.painted
    window.change(books={XBTUSDT.symbol: view})
    assert book.painted == before
    bids = ((view.book.bids[0][0], 999_000), *view.book.bids[1:])
    window.change(books={XBTUSDT.symbol: replace(view, book=replace(view.book, bids=bids))})
    assert book.painted == before + 1


def test_an_own_order_that_ended_loses_its_colour(window: Bench) -> None:
    view = replace(support.book_view(0), own_bids={}, own_asks={})
    window.change(books={XBTUSDT.symbol: view})
    book = window.terminal.layout.book
    assert not any(row.own for row in (*book.table.asks, *book.table.bids))
    assert ["0.059", "68410.5", ""] in shown_rows(window)


def test_a_smaller_window_shows_the_best_prices(window: Bench) -> None:
    window.root.geometry("1024x600")
    window.turn()
    rows = shown_rows(window)
    assert 6 <= len(rows) < 20
    middle = len(rows) // 2
    assert rows[middle - 1][1] == "68413.0"
    assert rows[middle][1] == "68412.0"


def test_u5_the_price_under_the_press_counts_though_the_book_moves(window: Bench) -> None:
    place = window.terminal.geometry_of("book", "Buy 68411.0")
    release = window.click(place, press_only=True)
    window.change(books={XBTUSDT.symbol: support.book_view(0, shift=4)})
    release()
    ticket = window.ticket()
    assert ticket.price.text.get() == "68411.0"


def test_an_empty_book_says_so_and_a_click_opens_a_ticket_without_price(window: Bench) -> None:
    window.change(books={})
    canvas = window.terminal.layout.book.canvas
    texts = [
        option_of(canvas, i, "text") for i in canvas.find_all() if type_of(canvas, i) == "text"
    ]
    assert "no order book yet" in texts
    window.click((canvas.winfo_rootx() + 40, canvas.winfo_rooty() + 60))
    assert window.ticket().price.text.get() == ""


def test_row_records_compare_by_value() -> None:
    row = BookRow(Side.BUY, Decimal("1.0"), ("1", "1.0", ""), own=False, share=3)
    assert row == replace(row)
