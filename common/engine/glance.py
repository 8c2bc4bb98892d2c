"""Open orders are seen and can be cancelled while the books do not open.

The stream is connected only after the books; where the database is down at a start, the orders are
asked for again and again until then.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from common.domain.orders import Order
from common.engine.items import Reply
from common.engine.ports import Gateway
from common.engine.requests import FetchOpenOrders

PATIENCE = 2.0  # seconds that the books are waited for before the first look
AGAIN = 5.0  # seconds between two looks


class Glance:
    """Asks for the open orders of one market as long as they are waited for in vain."""

    def __init__(
        self,
        gateway: Gateway,
        listed: Callable[[list[Order], datetime], None],
        *,
        now: Callable[[], datetime],
        later: Callable[[float, Callable[[], None]], None],
        wanted: Callable[[], bool],
    ) -> None:
        self._gateway = gateway
        self._listed = listed  # takes the orders as they were at a time of the exchange
        self._now = now
        self._later = later
        self._wanted = wanted  # whether the books are still waited for
        self._waiting = 0  # how often it was begun; a timer of an earlier time is not followed
        self._number: int | None = None  # of the question under way
        self._asked_at = now()

    def begin(self) -> None:
        """The books are being opened."""
        self._waiting += 1
        self._look_later(PATIENCE)

    def replied(self, reply: Reply) -> bool:
        """Take an answer; say whether it was to a question from here."""
        if self._number is None or reply.number != self._number:
            return False
        self._number = None
        if (
            self._wanted()
            and isinstance(reply.result, (list, tuple))
            and self._asked_at is not None
        ):
            orders = [each for each in reply.result if isinstance(each, Order)]
            self._listed(orders, self._asked_at)
        self._look_later(AGAIN)
        return True

    def _look_later(self, delay: float) -> None:
        waiting = self._waiting
        self._later(delay, lambda: self._look() if waiting == self._waiting else None)

    def _look(self) -> None:
        if self._wanted() and self._number is None:
            self._asked_at = self._now()
            self._number = self._gateway.request(FetchOpenOrders())
