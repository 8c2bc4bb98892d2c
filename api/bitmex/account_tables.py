"""The private realtime tables -> messages about orders, executions, positions and margin; pure.

A row that cannot be read costs only itself, is named, and, where it is an execution, ends the
session: what the stream failed to tell is then read from the trade history.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from api.bitmex import execution_rows, rows
from api.bitmex.directory import Directory
from api.bitmex.tables import Table
from api.bitmex.wire import Row, shown
from common.domain.instruments import Category
from common.domain.orders import Order
from common.engine.items import (
    MarginChanged,
    Message,
    OrderChanged,
    OrdersDoubted,
    OrdersReplaced,
    PositionChanged,
    StreamComplaint,
)
from common.errors import ProtocolError

log = logging.getLogger(__name__)

# The keys that stand in where a partial names none.
_USUAL_KEYS = {
    "order": ("orderID",),
    "position": ("account", "symbol"),
    "margin": ("account", "currency"),
    "execution": (),
}
PRIVATE_TABLES = tuple(_USUAL_KEYS)


class AccountTables:
    """The account as last streamed. One session, one thread."""

    def __init__(self, directory: Directory) -> None:
        self.failure: ProtocolError | None = None  # an execution or order could not be read
        self.wanted: list[str] = []  # tickers to look up at the exchange
        self._directory = directory
        self._tables = {name: Table(keys) for name, keys in _USUAL_KEYS.items()}
        self._held: dict[str, list[tuple[str, Row]]] = {}  # ticker not known yet -> rows
        self._readers: dict[str, Callable[[Row], list[Message]]] = {
            "order": self._order,
            "position": self._position,
            "margin": lambda row: [MarginChanged(rows.margin(row))],
            "execution": self._execution,
        }

    def partial(self, name: str, keys: Sequence[str], data: Sequence[Row]) -> list[Message]:
        """Take the image of a table; it replaces what was there."""
        table = self._tables[name]
        gone = table.replace(keys or _USUAL_KEYS[name], data, scope={})
        messages: list[Message] = []
        for row in list(table.rows()) if table.keys else data:
            self._read(name, row, messages)
        if name == "order":
            return self._replaced(messages)
        if name == "position":
            messages += self._vanished(gone, table)
        return messages

    def change(self, name: str, action: str, data: Sequence[Row]) -> list[Message]:
        """Take inserted, updated or deleted rows."""
        table = self._tables[name]
        messages: list[Message] = []
        for row in data:
            try:
                # An execution is told once and never changes: what claims so is not believed.
                known = name != "execution" or action == "insert"
                changed = self._apply(table, action, row) if known else None
            except ProtocolError as error:
                messages.append(self._complain(name, row, error))
                continue
            if changed is None:
                log.info("%s %s concerns no known row: %s", name, action, _ids(row))
                if name == "order" and not rows.has_ended(row) and OrdersDoubted() not in messages:
                    messages.append(OrdersDoubted())
            elif action != "delete":
                self._read(name, changed, messages)
                self._forget_ended(name, changed, table)
            elif name == "position":
                messages += self._vanished([changed], table)
        unread = next((m.text for m in messages if isinstance(m, StreamComplaint)), "")
        if name == "order" and unread:
            # A change of an order passed by: a new session compares the orders.
            self.failure = ProtocolError(unread)
        return messages

    def release(self, ticker: str) -> list[Message]:
        """Return what was held back until an instrument had been looked up."""
        messages: list[Message] = []
        known = self._directory.symbol(ticker) is not None
        for name, row in self._held.pop(ticker, []):
            if name == "execution" or known:
                self._read(name, row, messages, final=True)
            else:
                text = f"{name} row of {ticker}, an instrument that this program does not know"
                messages.append(StreamComplaint(text))
        return messages

    def _apply(self, table: Table, action: str, row: Row) -> Row | None:
        if action == "update" and table.keys:
            return table.update(row)
        return table.delete(row) if action == "delete" else table.insert(row)

    def _read(self, name: str, row: Row, messages: list[Message], final: bool = False) -> None:
        """Add what a whole row means to `messages`; `final`: it was held back once already."""
        try:
            if final or not self._hold(name, row):
                messages += self._readers[name](row)
        except ProtocolError as error:
            messages.append(self._complain(name, row, error))

    def _hold(self, name: str, row: Row) -> bool:
        """Keep a row back, or pass it over, while its instrument is not known."""
        ticker = "" if name == "margin" else rows.ticker_of(row)
        if not ticker or self._directory.symbol(ticker) is not None:
            return False
        if name == "position" and not rows.is_open_position(row):
            return True  # flat positions of instruments long gone are listed for ever
        if ticker not in self._held:
            self.wanted.append(ticker)
        self._held.setdefault(ticker, []).append((name, dict(row)))
        return True

    def _order(self, row: Row) -> list[Message]:
        return [OrderChanged(rows.order(row, self._directory))]

    def _position(self, row: Row) -> list[Message]:
        position = rows.position(row, self._directory)
        if position.symbol.category is Category.SPOT:
            return []  # the exchange keeps no position of a spot pair, only its open orders
        return [PositionChanged(position)]

    def _execution(self, row: Row) -> list[Message]:
        execution = execution_rows.executed(row, self._directory)
        return [] if execution is None else [execution]

    def _replaced(self, messages: list[Message]) -> list[Message]:
        orders: list[Order] = [m.order for m in messages if isinstance(m, OrderChanged)]
        others = [m for m in messages if not isinstance(m, OrderChanged)]
        # The image may hold orders that ended a moment ago.
        return [OrdersReplaced(tuple(o for o in orders if not o.phase.ended)), *others]

    def _vanished(self, gone: Sequence[Row], table: Table) -> list[Message]:
        left = {rows.ticker_of(row) for row in table.rows()}
        tickers = {rows.ticker_of(row) for row in gone} - left
        symbols = [self._directory.symbol(ticker) for ticker in sorted(tickers)]
        return [PositionChanged(rows.flat(symbol)) for symbol in symbols if symbol]

    def _forget_ended(self, name: str, row: Row, table: Table) -> None:
        """Orders that end are only updated by the exchange, never deleted."""
        if name == "order" and rows.has_ended(row):
            table.delete(row)

    def _complain(self, name: str, row: Row, error: ProtocolError) -> Message:
        text = f"{name} row {_ids(row)}: {error}"
        log.error("%s in %s", error, shown(repr(row)))
        if name == "execution":
            self.failure = ProtocolError(text)
        return StreamComplaint(text)


def _ids(row: Row) -> str:
    return shown(" ".join(str(v) for v in rows.identity(row) if v) or "without an id")
