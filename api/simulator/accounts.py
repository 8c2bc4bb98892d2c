"""Accounts: wallets and positions in integers, and what a fill does to them.

Money is in the smallest unit of its currency. The cost of a position has the sign of execCost:
the gross profit of a flat round trip is minus the sum of its costs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice

from api.simulator.contracts import Contract
from api.simulator.orders import Order
from api.simulator.ports import ApiKey, Row

HISTORY_TYPES = frozenset({"Trade", "Funding", "Settlement"})
REPORTS_KEPT = 20_000  # execution reports of any type that GET /execution can show
ORDERS_KEPT = 12_000  # of these, orders that ended without a fill are forgotten first
EXCHANGE_ACCOUNT = 1  # takes fees, pays what rounding leaves over and what a loser cannot pay


class BooksDoNotBalance(AssertionError):
    """The exchange created or lost money or contracts: a defect, never a user's mistake."""


@dataclass(slots=True)
class Position:
    """What an account holds of one contract."""

    contract: Contract
    quantity: int = 0  # long > 0, short < 0
    cost: int = 0  # of what is held now, signed as execCost
    leverage: float = 0.0  # 0: cross margin
    transferred: int = 0  # margin added to an isolated position
    risk_limit: int = 0  # 0: that of the contract
    rebalanced: int = 0  # realised and moved to the wallet since the last 12:00 UTC
    previous: int = 0  # realised in sessions before
    touched: int = 0  # ms

    def fill(self, signed: int, cost: int) -> int:
        """Add a fill of `signed` contracts at `cost` (sign of execCost); return the gross profit.

        A closing part releases its share of the cost, truncated toward zero while some is left.
        """
        if self.quantity * signed >= 0:
            self.quantity += signed
            self.cost += cost
            return 0
        closing = min(abs(self.quantity), abs(signed))
        closing_cost = _share(cost, closing, abs(signed))
        released = _share(self.cost, closing, abs(self.quantity))
        if closing == abs(self.quantity):
            self.transferred = 0  # what was added backed the position that is gone
        self.quantity += signed
        self.cost += cost - closing_cost - released
        return -(closing_cost + released)


@dataclass(slots=True, eq=False)
class Account:
    """One customer, or one of the exchange's own accounts."""

    number: int
    username: str
    house: bool = False  # makers, takers and the exchange: no margin, no rows, no history
    created: int = 0  # ms
    wallet: dict[str, int] = field(default_factory=dict)
    deposited: dict[str, int] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)  # by orderID, oldest first
    live: dict[str, Order] = field(default_factory=dict)  # those of them that are open
    reports: deque[Row] = field(default_factory=lambda: deque(maxlen=REPORTS_KEPT))
    history: list[Row] = field(default_factory=list)  # executions that moved money, all of them
    archive: list[Row] = field(default_factory=list)  # orders as they were when they ended
    transactions: list[Row] = field(default_factory=list)
    keys: list[ApiKey] = field(default_factory=list)
    cancel_at: int | None = None  # ms; the dead man's switch

    def position(self, contract: Contract) -> Position:
        """Return the position in a contract, which begins flat."""
        position = self.positions.get(contract.symbol)
        if position is None:
            position = self.positions[contract.symbol] = Position(contract)
        return position

    def respecify(self, contract: Contract) -> None:
        """Go on with other figures of a contract that may be held."""
        position = self.positions.get(contract.symbol)
        if position is not None:
            position.contract = contract

    def credit(self, currency: str, amount: int) -> int:
        """Change the wallet by an amount and return the new balance."""
        balance = self.wallet.get(currency, 0) + amount
        self.wallet[currency] = balance
        return balance

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        """Return the orders that are not finished, oldest first."""
        return [order for order in self.live.values() if symbol is None or order.symbol == symbol]

    def track(self, order: Order) -> None:
        """Take note of an order, new or changed."""
        is_new = order.order_id not in self.orders
        self.orders.setdefault(order.order_id, order)
        if order.is_open:
            self.live[order.order_id] = order
        elif self.live.pop(order.order_id, None) is not None or is_new:
            self.archive.append(order.figures())
            if len(self.orders) > ORDERS_KEPT:
                self._forget_unfilled(ORDERS_KEPT // 6)

    def sort_orders(self) -> None:
        """Bring the orders into the order in which they were placed."""
        for orders in (self.orders, self.live):
            known = sorted(orders.values(), key=lambda order: order.number)
            orders.clear()
            orders.update((order.order_id, order) for order in known)

    def record(self, execution: Row) -> None:
        """Keep an execution report, for ever if it moved money."""
        self.reports.append(execution)
        if execution["execType"] in HISTORY_TYPES:
            self.history.append(execution)

    def _forget_unfilled(self, count: int) -> None:
        ended = (o for o in self.orders.values() if not o.is_open and not o.filled)
        for order in list(islice(ended, count)):
            del self.orders[order.order_id]


def check_books(accounts: Iterable[Account], supply: dict[str, int]) -> None:
    """Raise BooksDoNotBalance unless contracts sum to 0 and money to what was deposited.

    Money of a currency: all wallets minus the cost of all open positions, so that fees, funding
    and profits of all accounts together are 0 at any moment, not only when all are flat.
    """
    contracts: dict[str, int] = {}
    money: dict[str, int] = {}
    for account in accounts:
        for currency, amount in account.wallet.items():
            money[currency] = money.get(currency, 0) + amount
        for symbol, position in account.positions.items():
            contracts[symbol] = contracts.get(symbol, 0) + position.quantity
            currency = position.contract.money
            money[currency] = money.get(currency, 0) - position.cost
    wrong = {symbol: total for symbol, total in contracts.items() if total}
    if wrong:
        raise BooksDoNotBalance(f"positions do not sum to 0: {wrong}")
    if {c: m for c, m in money.items() if m} != {c: m for c, m in supply.items() if m}:
        raise BooksDoNotBalance(f"money is {money}, deposited was {supply}")


def _share(amount: int, part: int, whole: int) -> int:
    if part == whole:
        return amount
    share = abs(amount) * part // whole
    return share if amount >= 0 else -share
