"""Order book -> rows of texts, with the account's own orders beside their prices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from common.domain.orders import Side
from common.engine.snapshot import BookView
from display.cells import BookRow, BookTable
from display.formats import price_text, quantity_text

_Level = tuple[Decimal, int, int]  # price, the market's contracts, own contracts


def book_table(view: BookView | None, levels: int) -> BookTable:
    """Present up to `levels` prices of each side, own orders included where the book ends too."""
    if view is None:
        return BookTable((), (), "")
    bids = _cut(_levels(view.book.bids, view.own_bids, Side.BUY), levels)
    asks = _cut(_levels(view.book.asks, view.own_asks, Side.SELL), levels)
    largest = max((market for _, market, _ in (*bids, *asks)), default=0)
    spread = ""
    if view.book.bids and view.book.asks:
        spread = price_text(view.book.asks[0][0] - view.book.bids[0][0], view.instrument)
    return BookTable(
        [_book_row(view, Side.SELL, level, largest) for level in asks],
        [_book_row(view, Side.BUY, level, largest) for level in bids],
        spread,
        view.fresh,
    )


def _levels(
    levels: Sequence[tuple[Decimal, int]], own: Mapping[Decimal, int], side: Side
) -> list[_Level]:
    orders = dict(own)
    rows = [(price, contracts, orders.pop(price, 0)) for price, contracts in levels]
    if orders:
        rows += [(price, 0, contracts) for price, contracts in orders.items()]
        rows.sort(reverse=side is Side.BUY)
    return rows


def _cut(rows: list[_Level], levels: int) -> list[_Level]:
    """Return the rows nearest to the market; own orders beyond them take places at the edge."""
    if len(rows) <= levels:
        return rows
    own = [row[0] for row in rows if row[2]]
    kept = own[: levels // 2]
    others = [row[0] for row in rows if row[0] not in kept][: levels - len(kept)]
    return [row for row in rows if row[0] in kept or row[0] in others]


def _book_row(view: BookView, side: Side, level: _Level, largest: int) -> BookRow:
    price, contracts, own = level
    instrument = view.instrument
    market = quantity_text(contracts, instrument) if contracts else ""
    mine = quantity_text(own, instrument) if own else ""
    left, right = (market, mine) if side is Side.BUY else (mine, market)
    share = contracts * 100 // largest if largest else 0
    texts = (left, price_text(price, instrument), right)
    return BookRow(side, price, texts, own > 0, share, view.fresh)
