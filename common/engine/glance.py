"""Open orders are seen and can be cancelled before the stream tells of them.

The stream is connected only after the books and the history; where the database is down at a
start, or the history is long, the orders are asked for again and again until then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from common.domain.orders import Order
from common.engine.items import Reply
from common.engine.ports import Gateway
from common.engine.requests import FetchOpenOrders

PATIENCE = 2.0  # seconds that the books are waited for before the first look
AGAIN = 5.0  # seconds between two looks


@dataclass(frozen=True, slots=True)
class _Question:
    """A request for the open orders."""

    number: int
    asked_at: datetime  # exchange time
    beginning: int


class Glance:
    """Asks for the open orders of one market as long as no stream tells of them."""

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
        self._wanted = wanted  # whether the stream is not connected yet
        self._beginning = 0  # counts; a timer of an earlier one is not followed
        self._question: _Question | None = None  # under way

    def begin(self) -> None:
        """The books are being opened."""
        self._beginning += 1
        self._look_later(PATIENCE)

    def replied(self, reply: Reply) -> bool:
        """Take an answer; say whether it was to a question from here."""
        question = self._question
        if question is None or reply.number != question.number:
            return False
        self._question = None
        if self._wanted() and isinstance(reply.result, (list, tuple)):
            orders = [each for each in reply.result if isinstance(each, Order)]
            self._listed(orders, question.asked_at)
        if question.beginning == self._beginning:  # else the later one looks by itself
            self._look_later(AGAIN)
        return True

    def _look_later(self, delay: float) -> None:
        beginning = self._beginning
        self._later(delay, lambda: self._look() if beginning == self._beginning else None)

    def _look(self) -> None:
        if not self._wanted():
            return
        if self._question is not None:  # of an earlier beginning
            self._look_later(AGAIN)
            return
        asked_at, number = self._now(), self._gateway.request(FetchOpenOrders())
        self._question = _Question(number, asked_at, self._beginning)
