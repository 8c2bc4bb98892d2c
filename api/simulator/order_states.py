"""What becomes of an order: it rests, changes, ends. Every step is told to the feed.

When an order ends without a fill, those that waited for its fill end with it.
"""

from __future__ import annotations

from api.simulator.accounts import Account
from api.simulator.amendment import Amendment
from api.simulator.exchange import Exchange
from api.simulator.instruments import Instrument
from api.simulator.linking import CANCELS, TRIGGERS, dependants, rivals
from api.simulator.matching import Resting
from api.simulator.orders import Order


class OrderStates:
    """Moves orders from one state to the next and in and out of the books; matches nothing."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def report_new(self, account: Account, order: Order) -> None:
        """Tell of an order that was accepted."""
        order.working = not order.is_dormant
        self._exchange.feed.report(account, order, "New")
        order.working = False

    def changed(self, account: Account, order: Order) -> None:
        """Tell of an order as it is now."""
        account.track(order)
        self._exchange.feed.order(account, order)

    def restate(self, account: Account, order: Order, change: Amendment, leaves: int) -> None:
        """Give an order its new figures and tell of them."""
        order.quantity, order.ticks, order.stop = order.filled + leaves, change.ticks, change.stop
        order.client_id, order.peg_offset = change.client_id, change.peg_offset
        order.leaves = leaves
        order.text = f"Amended {' '.join(change.names)}\n{change.text}"
        order.transacted = self._exchange.time
        order.status = "PartiallyFilled" if order.filled else "New"
        account.track(order)
        self._exchange.feed.report(account, order, "Replaced")

    def rest(self, instrument: Instrument, order: Order) -> None:
        """Put an order into the book."""
        assert order.ticks is not None and order.resting is None
        order.resting = Resting(
            order.order_id, order.account, order.side, order.ticks, order.leaves, order.display
        )
        instrument.book.rest(order.resting)
        order.working = True
        self._exchange.resting[order.order_id] = order

    def leave_book(self, order: Order) -> None:
        """Take an order out of the book, if it rests there."""
        if order.resting is not None:
            self._exchange.instruments[order.symbol].book.remove(order.resting)
            order.resting = None
        self._exchange.resting.pop(order.order_id, None)

    def cut(self, account: Account, order: Order, leaves: int) -> None:
        """Lower what is left of a resting order."""
        assert order.resting is not None
        order.quantity, order.leaves = order.filled + leaves, leaves
        order.transacted = self._exchange.time
        self._exchange.instruments[order.symbol].book.reduce(order.resting, leaves)
        self._exchange.feed.report(account, order, "Replaced")
        self.changed(account, order)

    def cancel(self, account: Account, order: Order, reason: str) -> None:
        """Cancel an open order, saying why."""
        self.leave_book(order)
        order.finish(reason)
        self._tell_end(account, order, "Canceled")

    def reject(self, account: Account, order: Order, reason: str) -> None:
        """End an order that cannot be executed now that its time has come."""
        order.reject(reason)
        self._tell_end(account, order, "Rejected")

    def cancel_rivals(self, account: Account, order: Order) -> None:
        """Cancel the orders that end as soon as this one executes or is triggered."""
        for rival in rivals(account, order):
            self.cancel(account, rival, f"Canceled: {CANCELS}")

    def _tell_end(self, account: Account, order: Order, kind: str) -> None:
        order.transacted = self._exchange.time
        self._exchange.feed.report(account, order, kind)
        self.changed(account, order)
        for other in dependants(account, order):
            self.cancel(account, other, f"Canceled: {TRIGGERS}")
