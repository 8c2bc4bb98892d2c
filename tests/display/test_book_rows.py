"""The order book with the own orders in it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from common.domain.market import Book
from common.domain.orders import Side
from common.engine.snapshot import BookView
from display.book_rows import book_table
from tests.display import support


def test_own_orders_stand_beside_their_price() -> None:
    table = book_table(support.book_view(0), 10)
    own = [row for row in (*table.asks, *table.bids) if row.own]
    assert [(row.side, row.texts) for row in own] == [
        (Side.SELL, ("0.010", "68414.0", "0.056")),
        (Side.BUY, ("0.059", "68410.5", "0.002")),
    ]
    assert table.spread == "1.0"


def test_own_orders_beyond_the_streamed_depth_are_shown_too() -> None:
    view = support.book_view(0, depth=1)
    view = replace(view, own_bids={Decimal("68000.0"): 5000}, own_asks={Decimal("68412.9"): 1000})
    table = book_table(view, 10)
    assert [row.texts for row in table.bids] == [
        ("0.020", "68412.0", ""),
        ("", "68000.0", "0.005"),
    ]
    assert [row.texts[1] for row in table.asks] == ["68412.9", "68413.0"]


def test_the_book_shows_the_best_prices_when_there_is_no_room_for_all() -> None:
    view = replace(support.book_view(0), own_bids={}, own_asks={})
    table = book_table(view, 2)
    assert [row.texts[1] for row in table.asks] == ["68413.0", "68413.5"]
    assert [row.texts[1] for row in table.bids] == ["68412.0", "68411.5"]


def test_own_orders_beyond_the_room_take_places_at_the_edge() -> None:
    table = book_table(support.book_view(0), 2)
    assert [row.texts for row in table.asks] == [
        ("", "68413.0", "0.022"),
        ("0.010", "68414.0", "0.056"),
    ]
    many = {Decimal(60000 - number): 1000 for number in range(20)}
    table = book_table(replace(support.book_view(0), own_bids=many), 10)
    assert [row.texts[1] for row in table.bids][:5] == [f"{68412 - k / 2:.1f}" for k in range(5)]
    assert len(table.bids) == 10


def test_a_missing_or_one_sided_book_is_no_error() -> None:
    assert book_table(None, 10).bids == ()
    view = support.book_view(0)
    half = BookView(view.symbol, view.instrument, Book(bids=view.book.bids), {}, {})
    assert book_table(half, 3).asks == []
    assert book_table(half, 3).spread == ""
