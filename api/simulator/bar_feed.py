"""What is told of a back-test's account: the engine learns the rest from the answers it gets."""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.feed import Feed
from api.simulator.orders import Order
from api.simulator.ports import Action, Row, TableEvent
from api.simulator.rows import order_row

_ANSWERED = frozenset({"New", "Replaced"})  # told by the answer to the request


class BarFeed(Feed):
    """Leaves out what nobody reads: an order may be moved in every bar of a year.

    Executions that move money, and ends of orders, are recorded and told as on any exchange.
    """

    def order(self, account: Account, order: Order) -> None:
        """Note that an order changed."""
        order.updated = self._exchange.time
        self._orders[order.order_id] = (account, order)
        position = account.position(self._exchange.instruments[order.symbol].contract)
        position.touched = position.touched or order.updated

    def report(self, account: Account, order: Order, exec_type: str) -> Row:
        """Record an execution report without a fill, unless it only repeats an answer."""
        if exec_type in _ANSWERED:
            return {}
        return super().report(account, order, exec_type)

    def flush(self) -> None:
        """End an operation: emit its executions."""
        for number, rows in self._executions.items():
            self._events.append(TableEvent("execution", Action.INSERT, rows, number))
        self._executions = {}

    def publish_orders(self) -> None:
        """Make the rows of the orders that changed: somebody is about to read them."""
        for _, order in self._orders.values():
            order.published = order_row(order, self._exchange.instruments[order.symbol].contract)
        self._orders.clear()

    def trade(self, instrument: object, row: Row) -> None:
        """Leave the trades of customers out: they are not part of the market."""

    def take(self) -> list[TableEvent]:
        """Return the executions since the last call."""
        self.flush()
        events, self._events = self._events, []
        self._positions.clear()
        self._margins.clear()
        return [event for event in events if event.table == "execution"]
