"""The exchange's day: what happens when, from the next quote to the expiry of a contract."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime

from api.simulator.candles import BIN_SIZES
from api.simulator.contracts import dated_future
from api.simulator.engine import Engine
from api.simulator.exchange import Exchange
from api.simulator.instruments import CLOSED, Instrument
from api.simulator.liquidation import Liquidation
from api.simulator.market import Population
from api.simulator.market_routes import bin_row, quote_bin_row
from api.simulator.payments import Payments
from api.simulator.ports import Action
from api.simulator.prices import DAY, FUNDING_OFFSET, HOUR, MINUTE, funding_period, funding_time
from api.simulator.timers import cancel_day_orders, cancel_overdue
from api.simulator.times import milliseconds

MARK_PERIOD, MARK_OFFSET = 5_000, 500  # marks are taken at x.500 every five seconds
SESSION_END = 12 * HOUR
_MOST_STEPS = 40  # of one kind in one advance; a longer gap is crossed in longer steps
_INTEREST = {"XBTUSD": 182_340_800, "XBTUSDT": 226_895_000, "SOLUSDT": 312_448_300}
SETTLEMENT_DELAY = 10_290  # from the expiry, which fixes the price, to the payments
_RANKS = {
    name: rank
    for rank, name in enumerate(
        ("minute", "funding", "expiry", "settlement", "session", "midnight", "mark", "move")
    )
}


class Schedule:
    """Runs everything that time brings about."""

    def __init__(
        self,
        exchange: Exchange,
        engine: Engine,
        payments: Payments,
        population: Population,
        liquidation: Liquidation,
    ) -> None:
        self._exchange = exchange
        self._engine = engine
        self._payments = payments
        self._population = population
        self._liquidation = liquidation
        self._due: list[tuple[int, int, str, str]] = []
        self._step = 0  # least ms between two events of a kind while a gap is crossed
        self._do: dict[str, Callable[[int, str], None]] = {
            "minute": self._minute,
            "funding": self._funding,
            "expiry": self._expiry,
            "settlement": self._settlement,
            "session": self._session,
            "midnight": self._midnight,
            "mark": self._mark,
            "move": self._move,
        }

    def begin(self) -> None:
        """Plan the first events after the exchange's time."""
        time = self._exchange.time
        interval, _ = funding_period(time)
        self._plan(time // MINUTE * MINUTE + MINUTE, "minute")
        self._plan(funding_time(interval), "funding")
        self._plan(_next(time, DAY, SESSION_END), "session")
        self._plan(_next(time, DAY, 0), "midnight")
        self._plan(_next(time, MARK_PERIOD, MARK_OFFSET), "mark")
        for instrument in self._exchange.instruments.values():
            if instrument.is_open:
                self._plan_instrument(instrument)
            elif instrument.state == CLOSED:
                self._plan(time, "settlement", instrument.symbol)

    def run(self, until: int) -> None:
        """Let everything happen that is due up to a time."""
        self._step = (until - self._exchange.time) // _MOST_STEPS
        while self._due and self._due[0][0] <= until:
            time, _, kind, symbol = heapq.heappop(self._due)
            self._exchange.time = time
            cancel_overdue(self._exchange, self._engine)
            self._do[kind](time, symbol)
        self._exchange.time = until
        cancel_overdue(self._exchange, self._engine)

    def _plan(self, time: int, kind: str, symbol: str = "") -> None:
        heapq.heappush(self._due, (time, _RANKS[kind], kind, symbol))

    def _plan_instrument(self, instrument: Instrument) -> None:
        time = self._exchange.time
        self._plan(time + self._population.pause(instrument), "move", instrument.symbol)
        expiry = instrument.contract.expiry
        if expiry is not None:
            self._plan(milliseconds(expiry), "expiry", instrument.symbol)

    def _move(self, time: int, symbol: str) -> None:
        instrument = self._exchange.instruments[symbol]
        if not instrument.is_open:
            return
        self._population.move(instrument)
        self._engine.trigger(instrument)
        pause = max(self._population.pause(instrument), self._step)
        self._plan(time + pause, "move", symbol)

    def _mark(self, time: int, _symbol: str) -> None:
        exchange = self._exchange
        for instrument in exchange.instruments.values():
            if instrument.is_open:
                instrument.revalue(time)
                self._engine.trigger(instrument)
        self._liquidation.check()
        for account in exchange.customers():
            for symbol, position in account.positions.items():
                if position.quantity:
                    exchange.feed.position(account, symbol)
        self._plan(_next(time + max(0, self._step - MARK_PERIOD), MARK_PERIOD, MARK_OFFSET), "mark")

    def _minute(self, time: int, _symbol: str) -> None:
        for instrument in self._exchange.instruments.values():
            if instrument.is_open:
                instrument.roll(time)
                self._publish_bins(instrument, time)
        self._plan(_next(time + max(0, self._step - MINUTE), MINUTE, 0), "minute")

    def _publish_bins(self, instrument: Instrument, time: int) -> None:
        feed, ended = self._exchange.feed, time // MINUTE
        for table, row_of in (("tradeBin", bin_row), ("quoteBin", quote_bin_row)):
            for size, minutes in BIN_SIZES.items():
                if ended % minutes == 0 and feed.shown.wants(table + size, instrument.symbol):
                    bar = instrument.candles.bar(ended - minutes, minutes)
                    feed.public(table + size, Action.INSERT, [row_of(instrument, time, bar)])

    def _funding(self, time: int, _symbol: str) -> None:
        interval = (time - FUNDING_OFFSET) // (8 * HOUR) - 1
        for instrument in self._exchange.instruments.values():
            if instrument.is_open and instrument.contract.is_perpetual:
                # The path ends a funding interval with no basis left: mark is index.
                instrument.revalue(time)
                self._payments.fund(instrument, interval)
        self._exchange.feed.flush()
        self._plan(funding_time(interval + 1), "funding")

    def _session(self, time: int, _symbol: str) -> None:
        self._payments.close_session()
        self._plan(time + DAY, "session")

    def _midnight(self, time: int, _symbol: str) -> None:
        cancel_day_orders(self._exchange, self._engine)
        self._plan(time + DAY, "midnight")

    def _expiry(self, time: int, symbol: str) -> None:
        instrument = self._exchange.instruments[symbol]
        if instrument.is_open:
            self._close(instrument)
            self._plan(time + SETTLEMENT_DELAY, "settlement", symbol)

    def _settlement(self, _time: int, symbol: str) -> None:
        instrument = self._exchange.instruments[symbol]
        if instrument.state == CLOSED:
            self._payments.settle(instrument)
            self._exchange.feed.flush()

    def settle(self, instrument: Instrument) -> None:
        """End a contract now; after a dated future the next one is listed."""
        self._close(instrument)
        self._settlement(self._exchange.time, instrument.symbol)

    def _close(self, instrument: Instrument) -> None:
        """End the trading of a contract and fix its last price, the index of the moment."""
        exchange = self._exchange
        for account in exchange.customers():
            self._engine.cancel_symbol(account, instrument.symbol, "Canceled: Instrument expired")
        self._population.leave(instrument)
        instrument.revalue(exchange.time)
        instrument.settled = instrument.mark = instrument.index
        instrument.state = CLOSED
        exchange.feed.flush()
        if instrument.contract.expiry is not None:
            self._list_next(instrument.contract.expiry)

    def _list_next(self, expiry: datetime) -> None:
        exchange = self._exchange
        following = exchange.list_contract(dated_future(expiry))
        self._population.begin(following, interest_of(following))
        self._plan_instrument(following)


def interest_of(instrument: Instrument) -> int:
    """Return the open interest with which an instrument begins."""
    contract = instrument.contract
    if contract.is_spot:
        return 0
    return _INTEREST.get(contract.symbol, 100_000 * contract.lot)


def _next(time: int, period: int, offset: int) -> int:
    """Return the first time after `time` that lies `offset` after a multiple of `period`."""
    return (time - offset) // period * period + period + offset
