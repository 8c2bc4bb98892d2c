"""Cancellations: of one order, or of many with one request.

A list counts as one request at the exchange, and its answer has an element for each order. So
many orders are cancelled within two round trips, whatever the limit of requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Protocol

from api.bitmex import rows
from api.bitmex.wire import Row, as_rows
from common.domain.orders import Order
from common.engine.requests import SendCancel
from common.errors import OrderNotFound, OrderRefused, Overloaded, TmaticError

Outcome = Order | TmaticError


class Sends(Protocol):
    """What sends a DELETE."""

    def cancel(self, path: str, body: Mapping[str, object]) -> object:
        """Send it; it may be repeated."""


class Cancellations:
    """Sends cancellations and reads their answers."""

    def __init__(self, client: Sends, order_of: Callable[[Row], Order]) -> None:
        self._client = client
        self._order_of = order_of

    def one(self, request: SendCancel) -> Order:
        """Cancel an order; OrderNotFound when there is nothing to cancel any more."""
        named = request.order_id, request.cl_ord_id
        body = {"orderID": named[0]} if named[0] else {"clOrdID": named[1]}
        return self._read(request, self._send(body))

    def together(self, requests: Sequence[SendCancel]) -> list[Outcome]:
        """Cancel orders by the exchange's ids; return what became of each, in their order."""
        try:
            answer = self._send({"orderID": [request.order_id for request in requests]})
        except OrderRefused as error:
            if isinstance(error, Overloaded):
                return [error] * len(requests)
            # Of a list that is refused nobody knows which of them is at fault.
            return [_outcome(partial(self.one, request)) for request in requests]
        except TmaticError as error:
            return [error] * len(requests)
        return [_outcome(partial(self._read, request, answer)) for request in requests]

    def _send(self, body: Mapping[str, object]) -> list[Row]:
        return as_rows(self._client.cancel("/order", body))

    def _read(self, request: SendCancel, answer: Sequence[Row]) -> Order:
        for row in answer:
            if rows.belongs_to(row, request.order_id, request.cl_ord_id):
                problem = rows.cancel_problem(row)
                if problem:
                    raise OrderNotFound(problem)
                return self._order_of(row)
        raise OrderNotFound("the exchange's answer does not mention the order")


def _outcome(cancel: Callable[[], Order]) -> Outcome:
    try:
        return cancel()
    except TmaticError as error:
        return error
