"""The other side of the model: an exchange that does what it is asked for, and tells of it."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from common.domain.orders import Order, Phase
from common.engine.requests import FindOrder, Request, SendAmend, SendCancel, SendOrder
from common.errors import OrderNotFound, OrderRefused, TmaticError
from tests.common.engine.support import START, ManualClock


class Exchange:
    """Orders as an exchange keeps them; every change is told to the stream."""

    def __init__(self, clock: ManualClock) -> None:
        self.orders: dict[str, Order] = {}
        self.placed: Counter[str] = Counter()
        self.news: list[Order] = []
        self._clock = clock
        self._ticks = itertools.count(1)

    def now(self) -> datetime:
        """Time that never stands still."""
        return START + timedelta(seconds=self._clock.seconds, microseconds=next(self._ticks))

    def open(self) -> tuple[Order, ...]:
        return tuple(o for o in self.orders.values() if not o.phase.ended)

    def carry_out(self, request: Request) -> Order | None:
        """Do what a request asks for; TmaticError when that cannot be."""
        if isinstance(request, FindOrder):
            return self.orders.get(request.cl_ord_id)
        if isinstance(request, SendOrder):
            return self._place(request)
        assert isinstance(request, (SendAmend, SendCancel))
        known = self.orders.get(request.cl_ord_id)
        if known is None or known.phase.ended:
            raise OrderNotFound("Invalid ordStatus")
        if isinstance(request, SendCancel):
            return self.tell(known, phase=Phase.CANCELED, leaves=0)
        total = known.quantity if request.quantity is None else request.quantity
        if total <= known.filled:
            raise OrderRefused("Invalid orderQty")
        price = known.price if request.price is None else request.price
        return self.tell(known, quantity=total, leaves=total - known.filled, price=price)

    def tell(self, order: Order, **changes: object) -> Order:
        """Keep an order as it is now, and tell of it."""
        changed = replace(order, at=self.now(), **changes)  # type: ignore[arg-type]
        self.orders[order.cl_ord_id] = changed
        self.news.append(changed)
        return changed

    def fill(self, order: Order, quantity: int) -> None:
        """Fill a part of an order, or all of it."""
        filled = min(order.quantity, order.filled + quantity)
        phase = Phase.FILLED if filled == order.quantity else Phase.OPEN
        self.tell(order, filled=filled, leaves=order.quantity - filled, phase=phase)

    def _place(self, request: SendOrder) -> Order:
        key = request.cl_ord_id
        self.placed[key] += 1
        assert self.placed[key] == 1, f"{key} was placed twice"
        return self.tell(
            Order(
                order_id=f"o-{key}",
                cl_ord_id=key,
                symbol=request.symbol,
                side=request.side,
                price=request.price,
                stop_price=None,
                quantity=request.quantity,
                filled=0,
                leaves=request.quantity,
                kind="Limit",
                phase=Phase.OPEN,
                text="",
                at=START,
            )
        )


@dataclass
class Call:
    """A request that waits for its answer."""

    number: int
    request: Request
    done: bool = False  # the exchange has carried it out or refused it
    result: Order | None = None
    error: TmaticError | None = None


def name_of(request: Request) -> str:
    """Return the clOrdID that a request speaks of, "" if it speaks of no order."""
    return str(getattr(request, "cl_ord_id", ""))
