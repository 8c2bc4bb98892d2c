"""Rows of exported files -> executions.

The columns are those of the trade history, in either dialect: values that are missing may be
absent, null or empty. Category and settlement currency come from the row's own figures, since
nobody is asked about the instrument; all rows of a symbol get the category of the first one that
tells it without doubt.
"""

from __future__ import annotations

from api.bitmex.directory import Directory
from api.bitmex.execution_rows import executed, guess_category
from api.bitmex.wire import Row, integer_of, required_text, shown, text_of
from common.domain.imports import FileRow, Place
from common.domain.instruments import Category, Symbol
from common.errors import ProtocolError

NEEDED = ("execID", "symbol", "execType", "transactTime")


class FileReader:
    """Decodes rows; remembers which category the rows of a symbol have told."""

    def __init__(self, account: int | None) -> None:
        """account: whose the rows are that name none; without it they are refused."""
        self._account = account
        self._directory = Directory()
        self._symbols: dict[str, Symbol] = {}

    def knows(self, ticker: str) -> bool:
        """Whether the category of a symbol is told."""
        return ticker in self._symbols

    def learn(self, row: Row) -> None:
        """Take the category of a row's symbol, where the row tells it; refuses nothing."""
        try:
            self._symbol(row)
        except ProtocolError:
            return  # it is named when it is read

    def read(self, place: Place, row: Row | str, raw: str | None) -> FileRow:
        """Return the execution of a row, or why it is none. `row`: or why it cannot be read."""
        if isinstance(row, str):
            return FileRow(place, None, row)
        try:
            for name in NEEDED:
                required_text(row, name)
            if not integer_of(row, "account"):
                if self._account is None:
                    raise ProtocolError("account is missing; --account says whose the rows are")
                row, raw = (
                    {**row, "account": self._account},
                    None,
                )  # the journal keeps the row as it is booked
            symbol = self._symbol(row)
            return FileRow(place, executed(row, self._directory, symbol=symbol, raw=raw))
        except ProtocolError as error:
            return FileRow(place, None, f"execution {_id_of(row)}: {error}")

    def _symbol(self, row: Row) -> Symbol:
        ticker = text_of(row, "symbol")
        known = self._symbols.get(ticker)
        if known is not None:
            return known
        symbol = Symbol(ticker, guess_category(row))
        if symbol.category not in (Category.QUANTO, Category.INVERSE) or row.get("execCost"):
            self._symbols[ticker] = symbol  # else only the sign of a cost would tell
        return symbol


def _id_of(row: Row) -> str:
    value = row.get("execID")
    return shown(value) if isinstance(value, str) and value else "without an id"
