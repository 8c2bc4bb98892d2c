"""Amendments of an earlier run whose outcome was never learned: what stands now says it."""

from __future__ import annotations

from collections.abc import Callable

from common.domain.books import Intent
from common.domain.orders import Order
from common.engine.items import Reply
from common.engine.ports import Gateway
from common.engine.requests import FindOrder

AGAIN = 2.0  # seconds after which a look that failed is repeated


class OldAmendments:
    """Looks for their orders until the exchange answers."""

    def __init__(
        self,
        gateway: Gateway,
        settle: Callable[[str, str, str, str], None],
        later: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._gateway = gateway
        self._settle = settle  # takes clOrdID, outcome, the exchange's id, verb
        self._later = later
        self._asked: dict[int, Intent] = {}  # by request number
        self._open: set[str] = set()  # clOrdIDs
        self.trouble = ""  # why the last question was not answered

    @property
    def open(self) -> int:
        """How many of them still have no end."""
        return len(self._open)

    def look_for(self, intent: Intent) -> None:
        """Ask how the order stands."""
        # Another program's order may have no number: its intent bears the exchange's id.
        self._open.add(intent.cl_ord_id)
        number = "" if intent.cl_ord_id == intent.order_id else intent.cl_ord_id
        request = FindOrder(number, intent.order_id)
        self._asked[self._gateway.request(request)] = intent

    def replied(self, reply: Reply) -> bool:
        """Take an answer; say whether it was to a question from here."""
        intent = self._asked.pop(reply.number, None)
        if intent is None:
            return False
        self.trouble = str(reply.error or "")
        if reply.error is not None:
            self._later(AGAIN, lambda: self.look_for(intent))
            return True
        self._open.discard(intent.cl_ord_id)
        found = reply.result if isinstance(reply.result, Order) else None
        wanted = (intent.price, intent.quantity)
        stands = found is not None and (found.price, found.quantity) == wanted
        outcome = "ACCEPTED" if stands else "NOT_PLACED"
        self._settle(intent.cl_ord_id, outcome, intent.order_id, "PUT")
        return True
