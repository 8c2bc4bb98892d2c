"""The engine's port onto an exchange whose market is a sequence of bars.

Requests are those of the real client, carried out at once on rows instead of texts, and rows are
decoded by the client of the real exchange. Of the stream only what the engine acts on is told:
public trades, executions that move money, and orders that filled or ended without being asked to.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache

from api.bitmex import execution_rows, rows
from api.bitmex.answers import Answer, Purpose, read
from api.bitmex.calls import Calls
from api.bitmex.directory import Directory
from api.bitmex.exchange_clock import ExchangeClock
from api.simulator.accounts import HISTORY_TYPES
from api.simulator.bar_venue import BarVenue
from api.simulator.bars import Bars, minute_of
from api.simulator.encoding import to_json_bytes
from api.simulator.ports import Request as VenueRequest
from api.simulator.ports import Row
from api.simulator.times import moment
from api.simulator.virtual_clock import VirtualClock
from common.domain.executions import Network
from common.domain.instruments import Symbol
from common.domain.market import Book, Candle, RequestsLeft, Ticker, Trade
from common.engine.items import (
    MarginChanged,
    Message,
    OrderChanged,
    OrdersReplaced,
    RawText,
    Reply,
    StreamOpened,
    StreamReady,
)
from common.engine.ports import Inbox
from common.engine.requests import FetchCandles, Permit, Request, check_permit
from common.errors import TmaticError

MILLION = Decimal(1_000_000)
_ORDERS = frozenset({"order"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that changed something, and when."""

    at: datetime
    request: Request


class BarClient:
    """Requests of the account, carried out at once; satisfies `api.bitmex.calls.Client`."""

    def __init__(self, venue: BarVenue) -> None:
        self._venue = venue

    def get(self, path: str, query: Mapping[str, object] | None = None) -> object:
        """Read something."""
        return self._send("GET", path, query or {}, Purpose.READ)

    def cancel(self, path: str, body: Mapping[str, object]) -> object:
        """Send a DELETE."""
        return self._send("DELETE", path, body, Purpose.CANCEL)

    def order(
        self, verb: str, path: str, body: Mapping[str, object], permit: Permit | None = None
    ) -> object:
        """Send a POST or PUT."""
        check_permit(permit)
        return self._send(verb, path, body, Purpose.ORDER)

    def switch(self, path: str, body: Mapping[str, object]) -> object:
        """Send a POST of the dead man's switch."""
        return self._send("POST", path, body, Purpose.CANCEL)

    def _send(self, verb: str, path: str, params: Mapping[str, object], purpose: Purpose) -> object:
        number = self._venue.account.number
        answer = self._venue.handle(VenueRequest(verb, path, params, number, _ORDERS))
        if answer.status == 200:
            return answer.body
        return read(Answer(path, answer.status, {}, to_json_bytes(answer.body)), purpose)


class BarGateway:
    """The account of a `BarVenue`. Satisfies `common.engine.ports.Gateway`."""

    network = Network.DEMO
    endpoint = "in this process"

    def __init__(
        self, market: str, symbol: Symbol, venue: BarVenue, bars: Bars, clock: VirtualClock
    ) -> None:
        self.market = market
        self.asked: list[Asked] | None = None  # of orders, kept where somebody sets a list
        self._symbol = symbol
        self._venue = venue
        self._bars = bars
        self._clock = clock
        self._directory = Directory()
        self._calls = Calls(
            BarClient(venue), self._directory, ExchangeClock(lambda: clock.now().timestamp())
        )
        self._numbers = itertools.count(1)
        self._inbox: Inbox | None = None
        self._session = 0
        self._quoted: tuple[int, ...] = ()  # what the ticker was made of
        self._ticker = Ticker(symbol)
        self._told: deque[list[Message]] = deque()  # of the texts in the inbox
        self._unit = venue.contract.ticks_per_unit
        self.price = lru_cache(maxsize=1 << 16)(self._price)
        self._funding = lru_cache(maxsize=1)(self._next_funding)

    # ---- the port ---------------------------------------------------------------------------

    def start(self, inbox: Inbox) -> None:
        """Remember where outcomes go."""
        self._inbox = inbox
        self._told.clear()

    def request(self, request: Request) -> int:
        """Carry out a request and return its number; the `Reply` comes to the inbox."""
        number = next(self._numbers)
        if isinstance(request, FetchCandles):
            self._put(Reply(self.market, number, request, self._candles(request)))
            return number
        result, error = self._outcome(request)
        self._put(Reply(self.market, number, request, result, error))
        self.tell_account()
        return number

    def connect(self, session: int, symbols: Sequence[Symbol], tapes: Collection[Symbol]) -> None:
        """Open a stream session; its images follow at once."""
        self._session = session
        self._put(StreamOpened(self.market, session))
        margins = [MarginChanged(rows.margin(row)) for row in self._venue.own_rows("margin")]
        orders = [rows.order(row, self._directory) for row in self._venue.orders()]
        self.tell([*margins, OrdersReplaced(tuple(orders)), StreamReady()])

    def disconnect(self) -> None:
        """Close the stream session, if any, without a `StreamClosed`."""
        self._session = 0

    def receive(self, item: RawText) -> Sequence[Message]:
        """Return what a text stands for; one of a former session says nothing."""
        messages = self._told.popleft()
        return messages if item.session == self._session else ()

    def ticker(self, symbol: Symbol) -> Ticker:
        """Return the prices of now."""
        if symbol != self._symbol:
            return Ticker(symbol)
        venue = self._venue
        now = (venue.bid, venue.ask, venue.instrument.last, venue.next_funding)
        if now != self._quoted:
            self._quoted, self._ticker = now, self._make_ticker()
        return self._ticker

    def _make_ticker(self) -> Ticker:
        venue, instrument = self._venue, self._venue.instrument
        last = self.price(instrument.last)
        rate, at = self._funding(venue.next_funding)
        return Ticker(
            self._symbol,
            bid=self.price(venue.bid),
            ask=self.price(venue.ask),
            last=last,
            mark=last,
            funding_rate=rate,
            funding_at=at,
            state=instrument.state,
        )

    def book(self, symbol: Symbol) -> Book:
        """Return the best prices, with a lot at each."""
        if symbol != self._symbol:
            return Book()
        lot, venue = self._venue.contract.lot, self._venue
        return Book(((self.price(venue.bid), lot),), ((self.price(venue.ask), lot),))

    def trouble(self) -> str:
        """Return "": prices are always those of now."""
        return ""

    def requests_left(self) -> RequestsLeft | None:
        """Nobody counts requests that are carried out at once."""
        return None

    def clock_offset(self) -> float:
        """Return 0: there is one clock."""
        return 0.0

    def stop(self) -> None:
        """Close the stream."""
        self.disconnect()

    # ---- what the player tells --------------------------------------------------------------

    def tell(self, messages: list[Message]) -> None:
        """Say something on the stream, now."""
        if self._session:
            self._told.append(messages)
            self._put(RawText(self.market, self._session, self._clock.monotonic(), b""))

    def tell_account(self) -> None:
        """Say on the stream what happened to orders and money, as far as it is news."""
        messages = self.news()
        if messages:
            self.tell(messages)

    def news(self) -> list[Message]:
        """Return what happened to orders and money since the last call."""
        messages: list[Message] = []
        for event in self._venue.events():
            if event.table == "execution":
                self._executions(event.rows, messages)
        return messages

    def _next_funding(self, time: int) -> tuple[Decimal | None, datetime | None]:
        """Return rate and time of the next payment, Nones where none is paid."""
        if not self._venue.contract.is_perpetual:
            return None, None
        return Decimal(self._venue.instrument.funding_ppm(time)) / MILLION, moment(time)

    def trade(self, ticks: int, quantity: int, at: datetime) -> Trade:
        """Return a public trade."""
        return Trade(self._symbol, self.price(ticks), quantity, at)

    def _executions(self, table: Sequence[Row], messages: list[Message]) -> None:
        for row in table:
            if row["execType"] in HISTORY_TYPES:
                executed = execution_rows.executed(row, self._directory)
                if executed is not None:
                    messages.append(executed)
            changed = self._venue.order(str(row.get("orderID", "")))
            if changed is not None:
                messages.append(OrderChanged(rows.order(changed, self._directory)))

    def _candles(self, request: FetchCandles) -> tuple[Candle, ...]:
        first = self._bars.index_at(minute_of(request.since))
        last = self._bars.index_at(minute_of(self._clock.now()))
        return self._bars.candles(first, last, request.timeframe)

    def _outcome(self, request: Request) -> tuple[object, TmaticError | None]:
        if self.asked is not None and type(request).__name__.startswith("Send"):
            self.asked.append(Asked(self._clock.now(), request))
        try:
            return self._calls.carry_out(request), None
        except TmaticError as error:
            return None, error

    def _price(self, ticks: int) -> Decimal:
        return Decimal(repr(ticks / self._unit))

    def _put(self, item: object) -> None:
        if self._inbox is None:
            raise RuntimeError("the gateway was not started")
        self._inbox.put(item)
