"""What strategies call: orders, and rounding to the tick.

Part of the strategy API described in docs/bots.md; its names and keywords are published.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Protocol

Number = float | int | Decimal


class OrderDesk(Protocol):
    """What `Websockets.connect[market]` holds."""

    def post_order(
        self, *, name: str, symbol: str, emi: str, side: str, price: Number, qty: Number
    ) -> str:
        """Place a limit order."""

    def put_order(self, *, clOrdID: str, price: Number, qty: Number) -> str:  # noqa: N803 - API
        """Move an order."""

    def del_order(self, *, clOrdID: str) -> str:  # noqa: N803 - API
        """Cancel an order."""


class Function:
    """The order calls. Each returns the clOrdID, or "" when the order was refused.

    A call returns as soon as the terminal has checked and registered the request, before the
    exchange has answered; `var.orders` is up to date by then.
    """

    @staticmethod
    def post_order(
        ws: OrderDesk, *, name: str, symbol: str, emi: str, side: str, price: Number, qty: Number
    ) -> str:
        """Place a limit order of `qty` contracts; `side` is "Buy" or "Sell"."""
        return ws.post_order(name=name, symbol=symbol, emi=emi, side=side, price=price, qty=qty)

    @staticmethod
    def put_order(
        ws: OrderDesk,
        *,
        clOrdID: str,  # noqa: N803 - published name
        price: Number,
        qty: Number,
    ) -> str:
        """Move an order to `price` and `qty` contracts still wanted.

        An order that stands so already is left alone: nothing is sent.
        """
        return ws.put_order(clOrdID=clOrdID, price=price, qty=qty)

    @staticmethod
    def del_order(ws: OrderDesk, *, clOrdID: str) -> str:  # noqa: N803 - published name
        """Cancel an order."""
        return ws.del_order(clOrdID=clOrdID)


def ticksize_rounding(price: Number, ticksize: Number) -> float:
    """Return the price on the tick grid that is nearest to `price`.

    Halfway between two ticks it goes away from zero, for a price upwards. A price on the grid stays
    as it is, so rounding `ask + x` never lands below the ask, nor `bid - x` above the bid. The
    arithmetic is decimal and the result the float of one decimal text: equal prices compare equal.
    Raises ValueError when `price` is not finite or `ticksize` not a positive number.
    """
    exact, tick = _decimal(price, "price"), _decimal(ticksize, "ticksize")
    if tick <= 0:
        raise ValueError(f"ticksize must be greater than 0, not {ticksize!r}")
    with localcontext() as context:
        context.prec = 400  # no quotient of two floats needs more before its point
        ticks = (exact / tick).quantize(Decimal(1), rounding=ROUND_HALF_UP)
        return float(ticks * tick)


def _decimal(value: Number, name: str) -> Decimal:
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{name} must be a number, not {value!r}") from None
    if not exact.is_finite():
        raise ValueError(f"{name} must be a finite number, not {value!r}")
    return exact
