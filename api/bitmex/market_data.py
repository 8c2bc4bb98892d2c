"""What the stream says of the market: instruments, books, quotes, public trades; pure.

A book message is not parsed when it arrives: only its newest text is kept, per symbol, until
someone looks. A screen looks ten times a second, while books change hundreds of times.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable

import orjson

from api.bitmex import market_rows
from api.bitmex.directory import Directory
from api.bitmex.wire import Row, shown, text_of
from common.domain.instruments import Symbol
from common.domain.market import Book, Ticker, Trade
from common.errors import ProtocolError
from common.settings_types import Depth

log = logging.getLogger(__name__)

EMPTY = Book()
_SYMBOL = b'"symbol":"'
_MESSAGES = {
    Depth.TEN: b'{"table":"orderBook10","action":"update","data":[{"symbol":"',
    Depth.BEST: b'{"table":"quote","action":"insert","data":[{',
}
_HEAD = 160  # bytes within which a message names its symbol
_DIGITS = 12  # of a price whose instrument is not known


class MarketData:
    """The market as last streamed. One session, one thread."""

    def __init__(self, directory: Directory, depth: Depth, tapes: Collection[Symbol]) -> None:
        self.depth = depth
        self.bad_books = 0  # texts that turned out not to be a book when looked at
        self.message = _MESSAGES[depth]  # how a message begins that `keep` may be asked about
        self._symbol_at = len(self.message) if self.message.endswith(_SYMBOL) else 0
        self._two_sided = depth is Depth.TEN
        self._directory = directory
        self._tapes = {symbol.ticker: symbol for symbol in tapes}
        self._open_tapes: dict[str, Symbol] = {}
        self._instruments: dict[str, dict[str, object]] = {}
        self._raw: dict[bytes, bytes] = {}  # ticker -> newest message not looked at
        self._rows: dict[str, dict[str, object]] = {}  # ticker -> book row or quote row
        self._books: dict[str, Book] = {}  # ticker -> what `_rows` amounts to

    # ---- books ------------------------------------------------------------------------------

    def keep(self, text: bytes) -> bool:
        """Keep a book message unread if it says everything about one known symbol.

        False: it concerns several symbols, one side only, or a symbol without an image so far.
        `text` begins with `self.message`.
        """
        start = self._symbol_at or text.find(_SYMBOL, 0, _HEAD) + len(_SYMBOL)
        end = text.find(b'"', start)
        name = text[start:end]
        if name not in self._raw or text.find(b"{", end) != -1:
            return False
        if self._two_sided:
            # One character is found many times faster than a word, and k stands nowhere else;
            # where it does after all, the message is merely parsed at once.
            asks = text.find(b"k", end)
            if not (text.startswith(b'","bids":[[', end) and text.startswith(b'ks":[[', asks)):
                return False
        self._raw[name] = text
        return True

    def set_book(self, ticker: str, rows: Iterable[Row]) -> None:
        """Take the image of a book; no rows: an empty book."""
        self._raw[ticker.encode()] = b""  # from now on `keep` knows the symbol
        self._rows[ticker] = {}
        for row in rows:
            self.change_book(ticker, row)
        self._books.pop(ticker, None)

    def change_book(self, ticker: str, row: Row) -> None:
        """Merge a parsed book or quote row; a side that it does not tell stays as it is."""
        self._look(ticker)
        if self.depth is Depth.BEST:
            self._rows[ticker] = dict(row)
        else:
            self._rows.setdefault(ticker, {}).update(row)
        self._books.pop(ticker, None)

    def book(self, symbol: Symbol) -> Book:
        """Return the book as last streamed."""
        ticker = symbol.ticker
        self._look(ticker)
        book = self._books.get(ticker)
        if book is None:
            book = self._books[ticker] = self._read_book(ticker)
        return book

    def _look(self, ticker: str) -> None:
        """Parse the kept text of a book, if there is one."""
        name = ticker.encode()
        text = self._raw.get(name)
        if not text:
            return
        self._raw[name] = b""
        try:
            row = orjson.loads(text)["data"][-1]
            if row["symbol"] != ticker:
                raise ValueError("another symbol")
        except (ValueError, LookupError, TypeError):
            self.bad_books += 1
            log.warning("a book message cannot be read: %s", shown(text))
            return
        self._rows[ticker] = row
        self._books.pop(ticker, None)

    def _read_book(self, ticker: str) -> Book:
        row = self._rows.get(ticker)
        if row is None:
            return EMPTY
        known = self._directory.instrument(ticker)
        digits = known.price_decimals if known else _DIGITS
        read = market_rows.book_of if self.depth is Depth.TEN else market_rows.best_of
        try:
            return read(row, digits)
        except ProtocolError as error:
            self.bad_books += 1
            log.warning("a book of %s cannot be read: %s", ticker, error)
            return EMPTY

    # ---- instruments and trades -------------------------------------------------------------

    def set_instrument(self, row: Row) -> bool:
        """Take a whole instrument row; True when the contract differs from what was known."""
        self._instruments[text_of(row, "symbol")] = dict(row)
        return self._learn(row)

    def touch(self, rows: Iterable[Row]) -> bool:
        """Merge updates that leave contracts as they are; False when one is more than that.

        The rows may then be given to `change_instrument`: merging them again changes nothing.
        """
        for row in rows:
            known = self._instruments.get(text_of(row, "symbol"))
            if known is None or not market_rows.CONTRACT_FIELDS.isdisjoint(row):
                return False
            known.update(row)
        return True

    def change_instrument(self, row: Row) -> bool | None:
        """Merge changed columns; True when the contract changed, None when the row is unknown."""
        known = self._instruments.get(text_of(row, "symbol"))
        if known is None:
            return None
        known.update(row)
        return self._learn(known)

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return what the stream last said of an instrument."""
        row = self._instruments.get(symbol.ticker, {})
        return market_rows.ticker(row, symbol, self.book(symbol))

    def open_tape(self, ticker: str) -> None:
        """Let the trades of a symbol through: its image, which is the past, has arrived."""
        if ticker in self._tapes:
            self._open_tapes[ticker] = self._tapes[ticker]

    def trades(self, rows: Iterable[Row]) -> list[Trade]:
        """Return the public trades of the open tapes; a row that cannot be read is passed over."""
        trades = []
        for row in rows:
            try:
                symbol = self._open_tapes.get(text_of(row, "symbol"))
                trade = market_rows.public_trade(row, symbol) if symbol else None
            except ProtocolError as error:
                log.warning("a public trade cannot be read: %s", error)
                continue
            if trade is not None:
                trades.append(trade)
        return trades

    def _learn(self, row: Row) -> bool:
        instrument = market_rows.instrument(row, self._directory)
        if instrument is None or instrument == self._directory.instrument(text_of(row, "symbol")):
            return False
        self._directory.add(instrument)
        return True
