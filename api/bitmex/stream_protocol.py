"""The realtime protocol without a socket: subscriptions out, texts in, messages of the port; pure.

Deltas that come before the image of their topic are dropped and counted, as the exchange asks.
Unknown tables, actions and fields are ignored; a text that is no message raises ProtocolError.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

import orjson

from api.bitmex.account_tables import PRIVATE_TABLES, AccountTables
from api.bitmex.directory import Directory
from api.bitmex.market_data import MarketData
from api.bitmex.topics import Topics
from api.bitmex.wire import (
    DEPTH_LIMIT,
    Row,
    as_rows,
    check_depth,
    decode_exact,
    shown,
    text_of,
)
from common.domain.instruments import Symbol
from common.domain.market import Book, Ticker
from common.engine.items import InstrumentChanged, Message, StreamComplaint, StreamReady
from common.errors import AuthenticationFailed, ExchangeUnavailable, ProtocolError, TmaticError
from common.settings_types import Depth

log = logging.getLogger(__name__)

_TABLE = b'{"table":"'
_PRIVATE = frozenset(PRIVATE_TABLES)
_PRIVATE_BYTES = frozenset(name.encode() for name in PRIVATE_TABLES)
_TOKEN_EXPIRED = 419  # the right to a topic has ended; no code of HTTP
_ACTIONS = frozenset({"partial", "insert", "update", "delete"})


class StreamProtocol:
    """One session of the stream. All methods belong to one thread."""

    def __init__(
        self,
        directory: Directory,
        depth: Depth,
        symbols: Sequence[Symbol],
        tapes: Collection[Symbol],
    ) -> None:
        names = list(PRIVATE_TABLES)
        names += [f"{table}:{s.ticker}" for s in symbols for table in ("instrument", depth.value)]
        names += [f"trade:{s.ticker}" for s in symbols if s in tapes]
        self.topics = Topics(names)
        self.dropped = 0  # deltas that came before the image of their topic
        self.failure: TmaticError | None = None  # why the session has to be closed
        self._directory = directory
        self._market = MarketData(directory, depth, tapes)
        self._account = AccountTables(directory)
        self._keep = self._market.keep
        self._book_table = depth.value
        self._tables = frozenset(name.partition(":")[0].encode() for name in names)
        self._book_message = self._market.message
        self._outgoing: list[str] = []
        self._next_look = 0.0

    def feed(self, text: str | bytes, now: float) -> Sequence[Message]:
        """Return what a text of the socket means; `now` is in monotonic seconds."""
        if now >= self._next_look:
            self._next_look = now + 1.0
            self._check_topics(now)
        if not isinstance(text, bytes):
            text = text.encode()
        if text.startswith(self._book_message) and self._keep(text):
            return ()
        table = text[len(_TABLE) : text.find(b'"', len(_TABLE))] if text.startswith(_TABLE) else b""
        if (table and table not in self._tables) or text == b"pong":
            return ()
        message = _decode(text, exact=table in _PRIVATE_BYTES)
        # The two commonest messages that have to be parsed at once take the shortest way.
        if table == b"trade" and message.get("action") == "insert":
            return self._market.trades(as_rows(message.get("data")))
        known = table == b"instrument" and message.get("action") == "update"
        if known and self._market.touch(as_rows(message.get("data"))):
            return ()
        return self._message(message)

    def is_market_data(self, text: str | bytes) -> bool:
        """Tell whether a text, readable or not, is plainly one of the public market."""
        data = text.encode(errors="replace") if isinstance(text, str) else text
        table = data[len(_TABLE) : data.find(b'"', len(_TABLE))]
        public = data.startswith(_TABLE) and table in self._tables
        return public and table not in _PRIVATE_BYTES

    def take_outgoing(self) -> list[str]:
        """Return the texts to be sent now, once."""
        texts, self._outgoing = self._outgoing, []
        return texts

    def leave_market_out(self) -> list[str]:
        """Return the texts that end all public subscriptions; what still comes of them is dropped.

        Orders, executions, positions and margin go on.
        """
        return self.topics.drop(lambda name: name not in _PRIVATE)

    def take_wanted(self) -> list[str]:
        """Return the tickers whose instruments have to be looked up, once."""
        wanted, self._account.wanted = self._account.wanted, []
        return wanted

    def release(self, ticker: str) -> Sequence[Message]:
        """Return what waited for the look-up of an instrument."""
        return self._account.release(ticker)

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return what was last said of an instrument."""
        return self._market.ticker(symbol)

    def book(self, symbol: Symbol) -> Book:
        """Return the order book as last streamed."""
        return self._market.book(symbol)

    def _message(self, message: dict[str, object]) -> list[Message]:
        if "error" in message:
            return self._refusal(message)
        table, action = message.get("table"), message.get("action")
        if not isinstance(table, str) or not isinstance(action, str) or action not in _ACTIONS:
            return []  # welcome, acknowledgement, or something newer than this program
        data = as_rows(message.get("data"))
        try:
            if action == "partial":
                messages = self._partial(table, message, data)
            else:
                messages = self._delta(table, action, data)
        except ProtocolError as error:
            # One row of public data: the rest of the market goes on.
            messages = [StreamComplaint(f"{table}: {error}")]
        if self._account.failure is not None:
            self.failure = self._account.failure
        if action == "partial" and self.topics.completed():
            messages.append(StreamReady())
        return messages

    def _partial(self, table: str, message: Row, data: list[Row]) -> list[Message]:
        topic = self._topic_of(table, message, data)
        if topic not in self.topics:
            return []
        messages: list[Message] = []
        if table in _PRIVATE:
            messages = self._account.partial(table, _keys(message), data)
        elif table == "instrument":
            messages = self._instruments("insert", data)
        elif table == self._book_table:
            self._market.set_book(topic.partition(":")[2], data[-1:])
        elif table == "trade":
            self._market.open_tape(topic.partition(":")[2])
        self.topics.arrive(topic)
        return messages

    def _delta(self, table: str, action: str, data: list[Row]) -> list[Message]:
        if table in _PRIVATE:
            if not self.topics.has(table):
                self.dropped += len(data)
                return []
            return self._account.change(table, action, data)
        known = [row for row in data if self.topics.has(f"{table}:{row.get('symbol')}")]
        self.dropped += len(data) - len(known)
        if table == "instrument":
            return self._instruments(action, known)
        if table == self._book_table and action != "delete":
            for row in known:
                self._market.change_book(text_of(row, "symbol"), row)
        return []

    def _instruments(self, action: str, data: list[Row]) -> list[Message]:
        messages: list[Message] = []
        for row in data:
            try:
                if action == "insert":
                    changed = self._market.set_instrument(row)
                else:
                    changed = action == "update" and bool(self._market.change_instrument(row))
                instrument = self._directory.instrument(text_of(row, "symbol"))
            except ProtocolError as error:
                messages.append(StreamComplaint(f"instrument {row.get('symbol')}: {error}"))
                continue
            if changed and instrument is not None:
                messages.append(InstrumentChanged(instrument))
        return messages

    def _topic_of(self, table: str, message: Row, data: list[Row]) -> str:
        scope = message.get("filter")
        symbol = scope.get("symbol") if isinstance(scope, dict) else None
        if symbol is None and table not in self.topics and data:
            symbol = data[0].get("symbol")
        return f"{table}:{symbol}" if symbol is not None and table not in self.topics else table

    def _check_topics(self, now: float) -> None:
        again, lost = self.topics.overdue(now)
        if lost:
            names = ", ".join(lost)
            self.failure = ExchangeUnavailable(f"the exchange sends no image of {names}")
        elif again:
            log.warning("no image of %s yet, subscribing again", ", ".join(again))
            self._outgoing += self.topics.again(again)

    def _refusal(self, message: Row) -> list[Message]:
        """React to an error of the exchange; the screen is told in its own words."""
        text = shown(str(message.get("error")))
        status = message.get("status")
        if "already subscribed" in text:
            return []
        if status in (401, 403):
            self.failure = AuthenticationFailed(text)
        if status == _TOKEN_EXPIRED:
            self._renew(_named_topic(text))
        topics = _asked_topics(message)
        if status in (400, 404) and len(topics) == 1 and ":" in topics[0]:
            self.topics.give_up(topics[0])
        messages: list[Message] = [StreamComplaint(" ".join([text, *topics]))]
        if self.topics.completed():
            messages.append(StreamReady())
        return messages

    def _renew(self, topic: str) -> None:
        """The right to a topic has expired: subscribe it anew, or everything.

        The image of executions does not tell those that passed meanwhile: a new session reads the
        history.
        """
        if topic in self.topics and topic != "execution":
            self._outgoing += self.topics.again([topic])
        else:
            self.failure = ExchangeUnavailable("a subscription has expired: the session is renewed")


def _decode(text: bytes, *, exact: bool) -> dict[str, object]:
    """Parse a message: private tables exactly, the rest fast."""
    if exact:
        message = decode_exact(text)
    else:
        try:
            if text.count(b"[") + text.count(b"{") > DEPTH_LIMIT:
                check_depth(text.decode())
            message = orjson.loads(text)
        except ValueError as error:
            raise ProtocolError(f"not JSON: {shown(text)}") from error
        spelt_otherwise = not text.startswith(_TABLE) and isinstance(message, dict)
        if spelt_otherwise and str(message.get("table")) in _PRIVATE:
            message = decode_exact(text)
    if not isinstance(message, dict):
        raise ProtocolError(f"not a message: {shown(text)}")
    return message


def _keys(message: Row) -> list[str]:
    keys = message.get("keys")
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def _asked_topics(message: Row) -> list[str]:
    request = message.get("request")
    asked = request.get("args") if isinstance(request, dict) else None
    if isinstance(asked, str):
        return [asked]
    return [name for name in asked if isinstance(name, str)] if isinstance(asked, list) else []


def _named_topic(text: str) -> str:
    return text.rpartition(": ")[2].removesuffix(":*")
