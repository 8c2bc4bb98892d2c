"""The trading side of a replay: accounts and orders beside a recorded market.

Accounts, orders, matching, clearing, margin and rows are those of the live exchange. Only where
prices come from differs: the books hold the recorded levels, and nobody else trades.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from api.simulator.accounts import Account
from api.simulator.catalog import CATALOG
from api.simulator.clearing import Clearing
from api.simulator.engine import Engine
from api.simulator.exchange import Exchange
from api.simulator.ids import Ids
from api.simulator.liquidation import Liquidation
from api.simulator.market_routes import MarketRoutes
from api.simulator.order_routes import OrderRoutes
from api.simulator.payments import Payments
from api.simulator.ports import Answer, Request, Row, TableEvent
from api.simulator.prices import DAY, FUNDING_INTERVAL, funding_period
from api.simulator.recorded_contracts import recorded_contract
from api.simulator.recorded_instrument import RecordedInstrument, RecordedPrices
from api.simulator.recording import read_time
from api.simulator.replay_market import Key, RecordedMarket
from api.simulator.routes import Routes
from api.simulator.schedule import SESSION_END
from api.simulator.timers import cancel_day_orders, cancel_overdue
from api.simulator.times import iso, milliseconds
from api.simulator.user_routes import UserRoutes
from api.simulator.venue import HOUSE, Customer


@dataclass(slots=True)
class _Timer:
    """Something that happens again and again; times in ms."""

    at: int
    period: int
    do: Callable[[], None]


class ReplayDesk:
    """Accounts that trade against a recording. Times are ms since the epoch."""

    def __init__(
        self, rows: Iterable[Row], time: int, customers: Iterable[Customer], ids: Ids
    ) -> None:
        listed = list(rows)
        self._exchange = exchange = Exchange(0, time)
        exchange.ids = ids
        exchange.prices = RecordedPrices(listed)
        exchange.feed.shown.want(frozenset())  # the market is shown by the recording
        self._payments = Payments(exchange)
        self._engine = Engine(exchange, Clearing(exchange))
        self._liquidation = Liquidation(exchange, self._engine)
        self._routes = Routes(
            exchange,
            MarketRoutes(exchange),
            UserRoutes(exchange),
            OrderRoutes(exchange, self._engine),
        )
        self._markets: dict[str, RecordedMarket] = {}
        self._timers = [
            _Timer(_next(time, 0), DAY, lambda: cancel_day_orders(exchange, self._engine)),
            _Timer(_next(time, SESSION_END), DAY, self._payments.close_session),
        ]
        for number, row in enumerate(listed, start=1):
            self._list(row, number)
        self._open_accounts(customers)

    @property
    def routes(self) -> Sequence[tuple[str, str]]:
        """Every (method, path) of accounts that is answered."""
        return [key for key in self._routes.known if CATALOG[key].permissions is not None]

    def handle(self, request: Request) -> Answer:
        """Answer a request of an account."""
        answer = self._routes.handle(request)
        self._exchange.check()
        return answer

    def run(self, time: int) -> None:
        """Let everything happen that is due up to a time, except what was recorded."""
        exchange = self._exchange
        while (timer := min(self._timers, key=lambda one: one.at)).at <= time:
            exchange.time = max(exchange.time, timer.at)
            cancel_overdue(exchange, self._engine)
            timer.do()
            timer.at += timer.period
        exchange.time = max(exchange.time, time)
        cancel_overdue(exchange, self._engine)
        exchange.feed.flush()

    def follow(
        self,
        symbol: str,
        changes: Iterable[tuple[Key, Row | None]],
        best: tuple[Row | None, Row | None],
    ) -> Row | None:
        """Follow the levels of a book; return the columns of its instrument that change by it.

        `best` are the recorded best levels to buy and to sell after the changes.
        """
        market = self._markets.get(symbol)
        if market is None:
            return None
        market.follow(changes)
        bid, ask = market.ticks(best[0]), market.ticks(best[1])
        if bid is None or ask is None or market.instrument.contract.is_spot:
            return None
        if not market.instrument.follow(bid, ask, self._exchange.time):
            return None
        self._mark(market.instrument)
        mark = market.instrument.mark / market.instrument.contract.mark_scale
        return {"markPrice": mark, "fairPrice": mark, "timestamp": iso(self._exchange.time)}

    def trade(self, symbol: str, rows: Iterable[Row]) -> None:
        """Let recorded trades fill and trigger orders."""
        market = self._markets.get(symbol)
        if market is None:
            return
        for row in rows:
            market.trade(str(row["side"]), row["price"], row["size"])
        if market.instrument.contract.is_spot:
            market.instrument.mark_at_last()
        self._mark(market.instrument)

    def end_step(self) -> None:
        """End a step of time: liquidate whom the market ruined, and compare the books."""
        self._liquidation.check()
        self._exchange.feed.flush()
        self._exchange.check()

    def drain(self) -> list[TableEvent]:
        """Return the events of accounts since the last call."""
        return [event for event in self._exchange.feed.drain() if event.account is not None]

    def own_rows(self, table: str, number: int | None, symbol: str | None) -> list[Row]:
        """Return the image of a table of an account."""
        account = self._exchange.accounts.get(number or 0)
        if account is None or account.house:
            return []
        rows = self._exchange.feed.own_rows(table, account)
        return [row for row in rows if symbol is None or row.get("symbol", symbol) == symbol]

    def _mark(self, instrument: RecordedInstrument) -> None:
        """Trigger orders and note who holds a position that is worth something else now."""
        self._engine.trigger(instrument)
        for account in self._exchange.customers():
            position = account.positions.get(instrument.symbol)
            if position is not None and position.quantity:
                self._exchange.feed.position(account, instrument.symbol)
        self._exchange.feed.flush()

    def _list(self, row: Row, number: int) -> None:
        exchange, contract = self._exchange, recorded_contract(row, number)
        if contract is None:
            return
        instrument = RecordedInstrument(contract, exchange.prices, exchange.time, row)
        exchange.instruments[contract.symbol] = instrument
        self._markets[contract.symbol] = RecordedMarket(exchange, self._engine, instrument)
        if contract.is_perpetual and "fundingTimestamp" in row:
            due = milliseconds(read_time(str(row["fundingTimestamp"])))
            if due <= exchange.time:  # the instruments were read before the recording began
                due += ((exchange.time - due) // FUNDING_INTERVAL + 1) * FUNDING_INTERVAL
            self._timers.append(_Timer(due, FUNDING_INTERVAL, lambda: self._fund(instrument)))

    def _fund(self, instrument: RecordedInstrument) -> None:
        time = self._exchange.time
        rate = instrument.funding_ppm(time)
        self._payments.fund(instrument, funding_period(time)[0] - 1, at=time, rate_ppm=rate)

    def _open_accounts(self, customers: Iterable[Customer]) -> None:
        exchange = self._exchange
        for number, name in HOUSE.items():
            exchange.open_account(Account(number, name, house=True), {})
        for customer in customers:
            account = Account(customer.number, customer.username, created=exchange.time)
            account.keys.extend(customer.keys)
            exchange.open_account(account, dict(customer.money))
            exchange.feed.introduce(account)
        exchange.feed.drain()


def _next(time: int, offset: int) -> int:
    """Return the first time after `time` that lies `offset` after a midnight."""
    return (time - offset) // DAY * DAY + DAY + offset
