"""The mirror of the account's open orders, and what is under way with each of them.

The exchange's messages come by two ways (answers of requests, the stream) in any order. What
decides is the exchange's own time of the change and that an ended order stays ended; never the
order of arrival.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.domain.instruments import Symbol
from common.domain.orders import Order, Phase, Side
from common.engine.order_life import follows

UNCONFIRMED = "the exchange has not confirmed it"  # of a cancellation


@dataclass(slots=True)
class Change:
    """An amendment that somebody wants; None leaves a field as it is."""

    price: Decimal | None
    leaves: int | None  # contracts still wanted
    event: int | None = None
    bot: bool = False  # asked for by a strategy


@dataclass(slots=True)
class LiveOrder:
    """An order that may still fill, with the requests that are under way for it."""

    key: str
    cl_ord_id: str
    order_id: str  # "": not known yet
    emi: str
    symbol: Symbol
    side: Side
    price: Decimal | None
    stop_price: Decimal | None
    kind: str
    quantity: int
    filled: int
    leaves: int
    phase: Phase
    at: datetime
    event: int | None = None  # the click that asked for it
    amending: Change | None = None  # on its way to the exchange
    next_change: Change | None = None  # to be sent when the present request is answered
    cancel_wanted: bool = False
    cancel_sent: bool = False
    looks: int = 0  # how often an unknown outcome was asked about
    unknown_since: float = 0.0  # monotonic seconds
    duplicate: bool = False  # the exchange says that it has an order with this number already
    cancel_tries: int = 0  # cancellations that were not confirmed
    cancel_problem: str = ""  # why it stands although it was to be cancelled

    def cancel_failed(self, why: str = UNCONFIRMED) -> None:
        """A cancellation did not end it."""
        self.cancel_tries += why == UNCONFIRMED
        self.cancel_problem = why

    def most(self) -> int:
        """Return the contracts that it may still trade, changes under way or waiting included."""
        wanted = [change.leaves or 0 for change in (self.amending, self.next_change) if change]
        return max(self.leaves, *wanted, 0)

    def may_be(self, order: Order) -> bool:
        """Whether a message under our number can speak of this order, not confirmed until now.

        Somebody else may have used the number for an order of another kind.
        """
        return (
            self.symbol.ticker == order.symbol.ticker
            and self.side is order.side
            and self.quantity == order.quantity
            and (order.price is None or self.price == order.price)
        )

    def enter(self, phase: Phase) -> bool:
        """Go into a state if it may follow the present one; say whether it may."""
        if not follows(self.phase, phase):
            return False
        self.phase = phase
        return True


class OrderMirror:
    """Open orders by key: the clOrdID where there is one, else the exchange's order id."""

    def __init__(self, remember_ended: int = 20_000) -> None:
        self.live: dict[str, LiveOrder] = {}
        self._by_order_id: dict[str, str] = {}
        self._ended: OrderedDict[str, datetime] = OrderedDict()
        self._remember = remember_ended
        self.told = False  # the exchange has told all open orders at least once

    def __iter__(self) -> Iterator[LiveOrder]:
        return iter(list(self.live.values()))  # whoever looks may drop what it sees

    def get(self, key: str) -> LiveOrder | None:
        """Return the live order with this key."""
        return self.live.get(key)

    def find(self, order: Order) -> LiveOrder | None:
        """Return the live order that a message of the exchange speaks of."""
        key = self._by_order_id.get(order.order_id)
        if key is None and order.cl_ord_id:
            key = order.cl_ord_id
            known = self.live.get(key)
            # A clOrdID may be used again after its order ended; another order id is another order.
            if known and known.order_id and known.order_id != order.order_id:
                return None
            if known and not known.order_id and not known.may_be(order):
                return None  # somebody else has used our number
        return self.live.get(key) if key else None

    def add(self, order: LiveOrder) -> None:
        """Register an order, normally a pending one of ours."""
        self.live[order.key] = order
        if order.order_id:
            self._by_order_id[order.order_id] = order.key

    def drop(self, key: str) -> LiveOrder | None:
        """Forget an order that was never placed or has ended."""
        order = self.live.pop(key, None)
        if order and order.order_id:
            self._by_order_id.pop(order.order_id, None)
        return order

    def apply(self, order: Order, emi: str, *, from_stream: bool) -> LiveOrder | None:
        """Take in what the exchange says of an order; return it while it is live, else None."""
        if self._is_stale(order, from_stream=from_stream):
            return None
        known = self.find(order)
        if order.phase.ended:
            self._end(order, known)
            return None
        if known is None:
            known = self._adopt(order, emi)
        elif order.at >= known.at or not known.order_id:
            self._update(known, order)
        return known

    def replace(
        self, orders: Sequence[Order], emi_of: Callable[[Order], str], asked_at: datetime
    ) -> list[LiveOrder]:
        """Take the exchange's list of open orders as the truth; return orders that are gone.

        Kept are orders of ours that were not answered yet, and orders that changed after
        `asked_at` (exchange time): the list may be older than they are.
        """
        self.told = True
        listed = {order.order_id for order in orders}
        gone = [
            live
            for live in self.live.values()
            if live.order_id and live.order_id not in listed and live.at <= asked_at
        ]
        for missing in gone:
            self.drop(missing.key)
            self._remember_end(missing.order_id, missing.at)  # a late answer revives none
        for order in orders:
            if self._ended.get(order.order_id, asked_at) < asked_at:
                del self._ended[order.order_id]  # the list is newer
            self.apply(order, emi_of(order), from_stream=True)
        return gone

    def _is_stale(self, order: Order, *, from_stream: bool) -> bool:
        ended_at = self._ended.get(order.order_id)
        if ended_at is None or order.phase.ended:
            return False
        # An answer may overtake the stream; only newer news of the stream revives an ended order.
        return not (from_stream and order.at > ended_at)

    def _end(self, order: Order, known: LiveOrder | None) -> None:
        self._remember_end(order.order_id, order.at)
        if known:
            self.drop(known.key)

    def _remember_end(self, order_id: str, at: datetime) -> None:
        self._ended[order_id] = at
        if len(self._ended) > self._remember:
            self._ended.popitem(last=False)

    def _adopt(self, order: Order, emi: str) -> LiveOrder:
        self._ended.pop(order.order_id, None)
        key = order.cl_ord_id or order.order_id
        if key in self.live:  # another open order carries the same foreign text
            key = order.order_id
        adopted = LiveOrder(
            key=key,
            cl_ord_id=order.cl_ord_id,
            order_id=order.order_id,
            emi=emi,
            symbol=order.symbol,
            side=order.side,
            price=order.price,
            stop_price=order.stop_price,
            kind=order.kind,
            quantity=order.quantity,
            filled=order.filled,
            leaves=order.leaves,
            phase=order.phase,
            at=order.at,
        )
        self.add(adopted)
        return adopted

    def _update(self, known: LiveOrder, order: Order) -> None:
        known.order_id = order.order_id or known.order_id
        if known.order_id:
            self._by_order_id[known.order_id] = known.key
        known.price = order.price
        known.stop_price = order.stop_price
        known.quantity = order.quantity
        known.filled = max(known.filled, order.filled)
        known.leaves = order.leaves
        known.enter(order.phase)
        known.at = order.at
