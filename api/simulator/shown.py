"""What the public has been shown of the market, and the differences to what it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.simulator.contracts import SIDE_NAMES
from api.simulator.instruments import Instrument
from api.simulator.matching import Side
from api.simulator.ports import Action, Row, TableEvent
from api.simulator.quotes import (
    best_quote,
    book_columns,
    figure_columns,
    instrument_row,
    ladder,
    mark_columns,
    quote_row,
    trade_columns,
)
from api.simulator.times import iso

if TYPE_CHECKING:
    from api.simulator.exchange import Exchange

BOOKS = {"orderBookL2": None, "orderBookL2_25": 25}
Levels = dict[tuple[int, int], tuple[int, int]]  # (side, ticks) -> (id, size)


class Shown:
    """The market as drained events have described it so far."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._wanted: frozenset[tuple[str, str | None]] | None = None
        self._books: dict[tuple[str, str], Levels] = {}
        self._ladders: dict[str, tuple[list[list[float]], list[list[float]]]] = {}
        self._quotes: dict[str, Row] = {}
        self._columns: dict[str, Row] = {}

    def want(self, wanted: frozenset[tuple[str, str | None]] | None) -> None:
        """Say which (table, symbol) have listeners; symbol None: all; None alone: everything."""
        self._wanted = wanted
        for table, symbol in list(self._books):
            if not self.wants(table, symbol):
                del self._books[table, symbol]

    def wants(self, table: str, symbol: str) -> bool:
        """Tell whether anybody listens to a table of a symbol."""
        wanted = self._wanted
        return wanted is None or (table, symbol) in wanted or (table, None) in wanted

    def book_rows(self, table: str, instrument: Instrument) -> list[Row]:
        """Return the image of a book, sells from high to low, then buys."""
        levels = self._books.get((table, instrument.symbol))
        if levels is None or not self.wants(table, instrument.symbol):
            levels = _levels(instrument, BOOKS[table])
            if self.wants(table, instrument.symbol):
                self._books[table, instrument.symbol] = levels
        return [
            _level_row(instrument, key, levels[key], self._exchange.time)
            for key in sorted(levels, key=lambda key: (key[0], -key[1]))
        ]

    def ladder_row(self, instrument: Instrument) -> Row:
        """Return the image of orderBook10."""
        bids, asks = self._ladders.get(instrument.symbol) or _ladders(instrument)
        return {
            "symbol": instrument.symbol,
            "bids": bids,
            "asks": asks,
            "timestamp": iso(self._exchange.time),
        }

    def market_events(self) -> list[TableEvent]:
        """Return the changes of every market since the last call."""
        events: list[TableEvent] = []
        for instrument in self._exchange.instruments.values():
            self._quote(instrument, events)
            for table, depth in BOOKS.items():
                if self.wants(table, instrument.symbol):
                    self._book(table, depth, instrument, events)
            if self.wants("orderBook10", instrument.symbol):
                self._ladder(instrument, events)
            if self.wants("instrument", instrument.symbol):
                self._instrument(instrument, events)
        return events

    def _quote(self, instrument: Instrument, events: list[TableEvent]) -> None:
        row = quote_row(instrument, self._exchange.time)
        before = self._quotes.get(instrument.symbol)
        if before is not None and {**before, "timestamp": row["timestamp"]} == row:
            return
        self._quotes[instrument.symbol] = row
        instrument.quotes.append(row)
        instrument.closing.note(self._exchange.time, best_quote(instrument))
        if self.wants("quote", instrument.symbol):
            events.append(TableEvent("quote", Action.INSERT, [row]))

    def _book(
        self, table: str, depth: int | None, instrument: Instrument, events: list[TableEvent]
    ) -> None:
        now = _levels(instrument, depth)
        before = self._books.get((table, instrument.symbol), {})
        self._books[table, instrument.symbol] = now
        if before == now:
            return
        time = self._exchange.time
        changed = [key for key in now if key in before and before[key] != now[key]]
        # A level that went and came back has a new id: it is gone and a new one is there.
        renewed = [key for key in changed if before[key][0] != now[key][0]]
        gone = [key for key in before if key not in now] + renewed
        new = [key for key in now if key not in before] + renewed
        resized = [key for key in changed if before[key][0] == now[key][0]]
        for action, keys, levels in (
            (Action.DELETE, gone, before),
            (Action.UPDATE, resized, now),
            (Action.INSERT, new, now),
        ):
            if keys:
                rows = [_level_row(instrument, key, levels[key], time) for key in keys]
                if action is Action.DELETE:
                    for row in rows:
                        del row["size"]
                events.append(TableEvent(table, action, rows))

    def _ladder(self, instrument: Instrument, events: list[TableEvent]) -> None:
        now = _ladders(instrument)
        before = self._ladders.get(instrument.symbol)
        self._ladders[instrument.symbol] = now
        if before is None:
            events.append(TableEvent("orderBook10", Action.INSERT, [self.ladder_row(instrument)]))
            return
        if before == now:
            return
        row: Row = {"symbol": instrument.symbol}
        for name, side, old in (("bids", now[0], before[0]), ("asks", now[1], before[1])):
            if side != old:
                row[name] = side
        row["timestamp"] = iso(self._exchange.time)
        events.append(TableEvent("orderBook10", Action.UPDATE, [row]))

    def _instrument(self, instrument: Instrument, events: list[TableEvent]) -> None:
        time = self._exchange.time
        now = trade_columns(instrument) | book_columns(instrument) | mark_columns(instrument, time)
        now |= figure_columns(instrument)
        before = self._columns.get(instrument.symbol)
        self._columns[instrument.symbol] = now
        if before is None:
            row = instrument_row(instrument, time)
            events.append(TableEvent("instrument", Action.INSERT, [row]))
            return
        if before == now:
            return
        change: Row = {"symbol": instrument.symbol}
        change |= {name: value for name, value in now.items() if before.get(name) != value}
        change["timestamp"] = iso(time)
        events.append(TableEvent("instrument", Action.UPDATE, [change]))


def _levels(instrument: Instrument, depth: int | None) -> Levels:
    book = instrument.book
    return {**_side_levels(book.asks, depth), **_side_levels(book.bids, depth)}


def _side_levels(side: Side, depth: int | None) -> Levels:
    return {
        (side.side, ticks): (side.levels[ticks].number, size)
        for ticks in side.prices(depth)
        if (size := side.levels[ticks].size)
    }


def _ladders(instrument: Instrument) -> tuple[list[list[float]], list[list[float]]]:
    book = instrument.book
    return ladder(instrument, book.bids), ladder(instrument, book.asks)


def _level_row(
    instrument: Instrument, key: tuple[int, int], level: tuple[int, int], time: int
) -> Row:
    side, ticks = key
    number, size = level
    now = iso(time)
    return {
        "symbol": instrument.symbol,
        "id": number,
        "side": SIDE_NAMES[side],
        "size": size,
        "price": instrument.contract.price(ticks),
        "timestamp": now,
        "transactTime": now,
    }
