"""An exchange whose market is a sequence of bars, in which accounts trade.

Accounts, matching, clearing, margin, liquidation and rows are those of the live exchange. Only
where prices come from differs: makers keep one bid and one ask beside the price of the path.

While the price rises it trades at the ask, while it falls at the bid; the other quote lies
`spread` ticks away. So an order that rests is reached when the market went through its price by
the spread (one tick, usually), or, with `touch`, when the market came to it. Of one bar no more
is filled than its volume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.simulator.accounts import Account
from api.simulator.bar_feed import BarFeed
from api.simulator.bar_instrument import BarInstrument, Rate
from api.simulator.clearing import Clearing
from api.simulator.contracts import BUY, SELL, Contract
from api.simulator.engine import Engine
from api.simulator.exchange import Exchange
from api.simulator.journal import Sums
from api.simulator.liquidation import Liquidation
from api.simulator.margin import margin
from api.simulator.market import MAKERS, TAKERS
from api.simulator.market_routes import MarketRoutes
from api.simulator.matching import Resting
from api.simulator.order_routes import OrderRoutes
from api.simulator.payments import Payments
from api.simulator.ports import Answer, Request, Row, TableEvent
from api.simulator.prices import DAY, funding_period, funding_time
from api.simulator.routes import Routes
from api.simulator.rows import order_row
from api.simulator.schedule import SESSION_END
from api.simulator.timers import cancel_day_orders, cancel_overdue
from api.simulator.user_routes import UserRoutes
from api.simulator.venue import DEMO_ACCOUNT, HOUSE

SAFE_PART = 4  # a fourth of the way to liquidation is looked past without computing margins


@dataclass(frozen=True, slots=True)
class Fills:
    """When orders that rest are filled."""

    spread: int = 1  # ticks (of orders) between bid and ask
    touch: bool = False  # the price need not go through an order


class BarVenue:
    """One account and one instrument. Times are ms since the epoch, prices ticks."""

    def __init__(
        self,
        contract: Contract,
        time: int,
        ticks: int,
        money: Mapping[str, int],
        rate: Rate,
        fills: Fills,
    ) -> None:
        self.contract = contract
        self._spread = fills.spread * contract.step
        self._touch = fills.touch
        self._rate = rate
        self._exchange = exchange = Exchange(0, time)
        self._feed = exchange.feed = BarFeed(exchange)
        exchange.feed.shown.want(frozenset())
        self.instrument = BarInstrument(contract, time, ticks, rate)
        exchange.prices = self.instrument.prices
        exchange.instruments[contract.symbol] = self.instrument
        for number, name in HOUSE.items():
            exchange.open_account(Account(number, name, house=True), {})
        self.account = Account(DEMO_ACCOUNT, "back-test", created=time)
        exchange.open_account(self.account, dict(money))
        exchange.feed.introduce(self.account)
        self._payments = Payments(exchange)
        self._engine = Engine(exchange, Clearing(exchange))
        self._liquidation = Liquidation(exchange, self._engine)
        self._routes = Routes(
            exchange,
            MarketRoutes(exchange),
            UserRoutes(exchange),
            OrderRoutes(exchange, self._engine),
        )
        self.bid, self.ask = ticks, ticks + self._spread
        self._quotes: list[Resting] = []
        self._stale = True  # the quotes in the book are not those of now
        self._left = contract.lot  # contracts of the bar that may still be filled
        self._safe = (0, 0)  # prices between which nobody is liquidated, exclusive
        self._next_session = _next(time, SESSION_END)
        self._next_day = _next(time, 0)
        self.instrument.next_funding = funding_time(funding_period(time)[0])

    @property
    def next_funding(self) -> int:
        """When funding is paid next."""
        return self.instrument.next_funding

    def handle(self, request: Request) -> Answer:
        """Answer a request of the account."""
        if request.method != "GET" and self._stale:
            self._quote()
        if request.method == "GET":
            self._feed.publish_orders()
        answer = self._routes.handle(request)
        if request.method != "GET":
            self._safe = (0, 0)
        return answer

    def events(self) -> list[TableEvent]:
        """Return the executions and the ends of orders since the last call."""
        return self._feed.take()

    def own_rows(self, table: str) -> list[Row]:
        """Return the image of a table of the account."""
        return self._exchange.feed.own_rows(table, self.account)

    def order(self, order_id: str) -> Row | None:
        """Return an order of the account as it is now."""
        order = self.account.orders.get(order_id)
        return None if order is None else order_row(order, self.contract)

    def orders(self) -> list[Row]:
        """Return the open orders of the account."""
        return [order_row(order, self.contract) for order in self.account.open_orders()]

    def check(self) -> None:
        """Raise BooksDoNotBalance if contracts or money were made or lost."""
        self._exchange.check()

    def journal_sums(self) -> list[tuple[str, Sums]]:
        """Return what the account did in each instrument by the exchange's second ledger."""
        return self._exchange.journal.by_symbol(self.account.number)

    def fundings(self) -> list[Row]:
        """Return the funding payments of the account."""
        return [row for row in self.account.history if row["execType"] == "Funding"]

    # ---- the market -------------------------------------------------------------------------

    def is_quiet(self, low: int, high: int, bid: int, ask: int) -> bool:
        """Tell whether nothing can happen to the account while the price goes from low to high.

        `bid` and `ask` are those at the close, 0 where they are not known.
        """
        position = self.account.positions.get(self.contract.symbol)
        if position is not None and position.quantity:
            if not self._safe[0] < low:
                return False
            if not high < self._safe[1]:
                return False
        if not self.account.live:
            return True
        # With a wider spread a rising ask may meet an order that the falling one had not reached.
        reach = self.contract.step if self._spread == self.contract.step and not self._touch else 0
        lowest = min(low + reach, ask or low + reach)  # at which orders to buy are reached
        highest = max(high - reach, bid)
        for order in self.account.live.values():
            if order.ticks is None or order.resting is None:
                return False
            if order.ticks >= lowest if order.side == BUY else order.ticks <= highest:
                return False
        return True

    def begin_bar(self, volume: int) -> None:
        """A bar begins in which so much was traded."""
        lot = self.contract.lot
        self._withdraw()
        self._left = max(lot, volume // lot * lot)

    def skip(self, prices: Sequence[int], time: int, bid: int, ask: int) -> None:
        """The price went this way without meeting anybody; the best prices are given or follow."""
        self._exchange.time = time
        for ticks in prices:
            self._turn(ticks)
            self.instrument.last = ticks
        if bid and ask > bid:
            self.bid, self.ask = bid, ask
        self.instrument.move(self.instrument.last, time)
        self._stale = True

    def go_to(self, ticks: int, time: int, bid: int = 0, ask: int = 0) -> None:
        """The price goes here and fills what it meets."""
        self.skip((ticks,), time, bid, ask)
        self._quote()
        if self._touch:
            self._fill_touched(ticks)
        self._engine.trigger(self.instrument)
        self._liquidation.check()
        self._find_safe()
        self._exchange.feed.flush()

    def pass_time(self, time: int) -> None:
        """Let everything happen that is due up to a time: funding, sessions, days, timers."""
        exchange = self._exchange
        exchange.time = time
        if self.account.cancel_at is not None:
            cancel_overdue(exchange, self._engine)
        if time >= self.instrument.next_funding:
            self._fund()
        if time >= self._next_session:
            self._payments.close_session()
            self._next_session += DAY
        if time >= self._next_day:
            cancel_day_orders(exchange, self._engine)
            self._next_day += DAY
            exchange.check()

    def _fund(self) -> None:
        due, instrument = self.instrument.next_funding, self.instrument
        if self.contract.is_perpetual:
            interval = funding_period(due)[0] - 1
            self._payments.fund(instrument, interval, at=due, rate_ppm=self._rate(due))
            self._exchange.fundings.clear()  # nobody reads the public rows
            self._safe = (0, 0)
        instrument.next_funding = funding_time(funding_period(due)[0])

    def _turn(self, ticks: int) -> None:
        last = self.instrument.last
        if ticks > last:
            self.bid, self.ask = max(self.contract.step, ticks - self._spread), ticks
        elif ticks < last:
            self.bid, self.ask = ticks, ticks + self._spread

    def _quote(self) -> None:
        """Bring the makers' quotes to bid and ask; they trade with the orders they cross."""
        self._left = min([self._left, *(resting.quantity for resting in self._quotes)])
        self._withdraw()
        makers = self._exchange.accounts[MAKERS]
        for side, ticks in ((SELL, self.ask), (BUY, self.bid)):
            if not self._left:
                break  # the bar has no more to give
            resting = Resting("", MAKERS, side, ticks, self._left)
            self._quotes.append(resting)
            self._engine.quote(makers, self.instrument, resting)
            self._left = resting.quantity
        self._stale = False

    def _withdraw(self) -> None:
        for resting in self._quotes:
            if resting.quantity:
                self.instrument.book.remove(resting)
        self._quotes.clear()
        self._stale = True

    def _fill_touched(self, ticks: int) -> None:
        taker = self._exchange.accounts[TAKERS]
        for order in list(self.account.live.values()):
            if order.resting is None or order.ticks is None:
                continue
            reached = order.ticks >= ticks if order.side == BUY else order.ticks <= ticks
            if reached:
                self._engine.fill(order, order.leaves, taker)

    def _find_safe(self) -> None:
        """Find the prices between which margins need not be computed again."""
        position = self.account.positions.get(self.contract.symbol)
        if position is None or not position.quantity or position.leverage:
            self._safe = (0, 0)
            return
        state = margin(
            self.account, self.contract.money, self._exchange.instruments, self._exchange.time
        )
        spare = max(0, state.balance - state.maintenance)
        last = self.instrument.last
        # A quarter of the free margin, in price: inverse values do not move in a straight line.
        room = last * spare // (SAFE_PART * max(1, state.gross_mark_value))
        room = min(room, last // SAFE_PART)
        self._safe = (last - room, last + room)


def _next(time: int, offset: int) -> int:
    """Return the first time after `time` that lies `offset` after a midnight."""
    return (time - offset) // DAY * DAY + DAY + offset
