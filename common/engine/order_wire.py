"""Order requests on their way, and what comes back of them.

The exchange accepts a request or refuses it, or nobody knows: then it is asked what became of it,
and nothing is sent a second time. A number may be used again once its order has ended, so that a
second request could be a second order. A cancel is repeated until the order is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from common.domain.instruments import Symbol
from common.domain.orders import Order, Phase
from common.engine.cancel_retry import ALARM, pause_after
from common.engine.inquiry import Inquiry
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.order_gate import Ticket
from common.engine.order_words import OrderWords
from common.engine.orders import Change, LiveOrder
from common.engine.ports import Clock, Gateway, Ledger
from common.engine.requests import SendAmend, SendCancel, SendOrder
from common.engine.state import MarketState
from common.errors import (
    DuplicateNumber,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    Overloaded,
    TmaticError,
    Withdrawn,
)

log = logging.getLogger(__name__)

_TAKEN_AWAY = (Phase.CANCELED, Phase.REJECTED)
OVERLOAD_PAUSE = 0.5  # seconds without requests of bots after the exchange was too busy


class OrderWire:
    """Sends requests for orders of one market and takes their outcomes."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        clock: Clock,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        in_touch: Callable[[], bool],
        opened: Callable[[LiveOrder], None],
        met: Callable[[Symbol], None],
        block: Callable[[str], None],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._notices = notices
        self._clock = clock
        self._later = later
        self._opened = opened  # an order is open at the exchange: what waited for it may follow
        self._met = met  # an order is in this symbol, which may be new
        self.words = OrderWords(state, notices)
        self.inquiry = Inquiry(
            state,
            gateway,
            ledger,
            clock,
            notices,
            self.words,
            later=later,
            in_touch=in_touch,
            follow=self.follow,
            retry_cancel=self._cancel_again,
            block=block,
        )
        self._requests: dict[int, tuple[LiveOrder, int | None]] = {}  # number -> order, event
        self._overtaken: set[int] = set()  # requests that are older than the last list of orders
        self.busy_until = 0.0  # monotonic seconds; until then bots send nothing

    # ---- out ------------------------------------------------------------------------------

    def send(self, order: LiveOrder, price: Decimal, ticket: Ticket) -> None:
        """Send a new order whose intent is durable."""
        request = SendOrder(
            order.cl_ord_id, order.symbol, order.side, order.quantity, price, ticket
        )
        self._requests[self._gateway.request(request)] = (order, order.event)

    def amend(self, order: LiveOrder, change: Change, ticket: Ticket) -> None:
        """Send an amendment whose intent is durable, as a new total: filled + wanted rest.

        A wanted rest alone would revive an order that fills meanwhile.
        """
        total = None if change.leaves is None else order.filled + change.leaves
        request = SendAmend(order.order_id, order.cl_ord_id, total, change.price, ticket)
        self._requests[self._gateway.request(request)] = (order, change.event)

    def cancel(self, order: LiveOrder) -> None:
        """Send a cancellation."""
        order.cancel_sent = True
        request = SendCancel(order.order_id, order.cl_ord_id)
        self._requests[self._gateway.request(request)] = (order, order.event)

    # ---- back -----------------------------------------------------------------------------

    def replied(self, reply: Reply) -> None:
        """Take the outcome of one of this desk's requests."""
        if self.inquiry.replied(reply):
            return
        order, event = self._requests.pop(reply.number, (None, None))
        if order is None:
            return
        if isinstance(reply.error, Overloaded):
            self.busy_until = self._clock.monotonic() + OVERLOAD_PAUSE
        overtaken = reply.number in self._overtaken
        self._overtaken.discard(reply.number)
        if overtaken and self.inquiry.may_have_ended(reply, order):
            self.inquiry.look_for(order)
        elif isinstance(reply.request, SendOrder):
            self._order_answered(reply, order, event)
        elif isinstance(reply.request, SendAmend):
            self._amend_answered(reply, order, event)
        elif isinstance(reply.request, SendCancel):
            self._cancel_answered(reply, order, event)

    def reported(self, order: Order) -> None:
        """Take what the stream says of an order, and send what waited for it."""
        self._met(order.symbol)
        known = self._state.orders.find(order)
        doubt = self.inquiry.doubt(known)
        doubted = doubt is not None and not doubt.amend
        if known and (doubted or not known.order_id):  # its answer may still be on its way
            self.inquiry.settle(order.cl_ord_id, "ACCEPTED", order.order_id)
        if known and doubted:
            self.words.tell(known, f"is {order.phase.value} at the exchange", known.event)
        elif known and order.phase in _TAKEN_AWAY and not known.cancel_wanted:
            reason = order.text.partition("\n")[0]
            self._notices.warning(f"{self.words.name(known)} ended at the exchange: {reason}")
        amendment = doubt if doubt and doubt.amend else None
        emi = known.emi if known else self._state.emi_of(order)
        live = self._state.orders.apply(order, emi, from_stream=True)
        if amendment is not None:
            self.inquiry.amendment_shown(amendment, order)
        self.follow(live)

    def listed(self, orders: Sequence[Order], asked_at: datetime) -> None:
        """Take the exchange's list of open orders, as it was at `asked_at` (exchange time)."""
        self._state.orders.replace(orders, self._state.emi_of, asked_at)
        self._overtaken = set(self._requests)
        self.inquiry.listed()
        for order in orders:
            self.reported(order)

    def follow(self, order: LiveOrder | None) -> None:
        """Send what waited for the order to be open."""
        if order is None or order.phase is not Phase.OPEN:
            return
        if order.cancel_wanted and not order.cancel_sent:
            self.cancel(order)
        elif not order.amending:
            self._opened(order)

    def _order_answered(self, reply: Reply, order: LiveOrder, event: int | None) -> None:
        shown = bool(order.order_id) or not self._is_live(order)  # by the stream, perhaps its end
        if reply.error is None and isinstance(reply.result, Order):
            self._accepted(reply.result, order, event)
        elif shown:
            self.inquiry.settle(order.cl_ord_id, "ACCEPTED", order.order_id)
            self.words.tell(order, "placed", event)
        elif isinstance(reply.error, (OutcomeUnknown, DuplicateNumber)):
            order.duplicate = isinstance(reply.error, DuplicateNumber)
            self._notices.warning(f"{self.words.name(order)}: {reply.error}; asking the exchange")
            self.inquiry.look_for(order)
        else:
            self._state.orders.drop(order.key)
            left = not isinstance(reply.error, Withdrawn)
            self.inquiry.settle(order.cl_ord_id, "REFUSED" if left else "NOT_PLACED", "")
            self._notices.refuse(f"{self.words.name(order)} refused: {reply.error}", event)

    def _accepted(self, answer: Order, order: LiveOrder, event: int | None) -> None:
        self.inquiry.settle(answer.cl_ord_id, "ACCEPTED", answer.order_id)
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        if live is not order and not order.order_id and self._is_live(order):
            self._state.orders.drop(order.key)  # the stream showed it otherwise: `live` is the one
        if answer.phase in (Phase.CANCELED, Phase.REJECTED):
            self._notices.refuse(f"{self.words.name(order)} not placed: {answer.text}", event)
        else:
            self.words.tell(order, "placed", event)
        self.follow(live)

    def _amend_answered(self, reply: Reply, order: LiveOrder, event: int | None) -> None:
        if isinstance(reply.error, OutcomeUnknown):
            # What stands at the exchange decides; until it is known nothing else is changed.
            self._notices.warning(f"{self.words.name(order)}: {reply.error}; asking the exchange")
            if self._is_live(order) and isinstance(reply.request, SendAmend):
                self.inquiry.look_for(order, reply.request)
            else:
                self.inquiry.end_amendment(order, "NOT_PLACED")
            return
        left = not isinstance(reply.error, Withdrawn)
        refusal = "REFUSED" if left else "NOT_PLACED"
        self.inquiry.end_amendment(order, refusal if reply.error else "ACCEPTED")
        if reply.error is None and isinstance(reply.result, Order):
            live = self._state.orders.apply(reply.result, order.emi, from_stream=False)
            if live is None:  # it filled at once, so the mirror has the old price only
                order.price = reply.result.price
            self.words.tell(order, "moved", event)
            self.follow(live)
            return
        self._notices.refuse(f"{self.words.name(order)} not moved: {reply.error}", event)
        if isinstance(reply.error, OrderNotFound):
            self.inquiry.look(order)
        else:
            self.follow(order if self._is_live(order) else None)

    def _cancel_answered(self, reply: Reply, order: LiveOrder, event: int | None) -> None:
        order.cancel_sent = False
        if reply.error is None and isinstance(reply.result, Order):
            self._state.orders.apply(reply.result, order.emi, from_stream=False)
            self.words.tell(order, "cancelled", event)
        elif not self._is_live(order):
            self.words.tell(order, "had ended already", event)
        elif isinstance(reply.error, OrderNotFound):
            order.cancel_failed()  # unless the look finds that it has ended
            self.inquiry.look(order)
        elif isinstance(reply.error, OrderRefused):
            order.cancel_wanted = False
            order.cancel_failed(str(reply.error))
            self._notices.refuse(f"{self.words.name(order)} not cancelled: {reply.error}", event)
        else:
            self._tell_unconfirmed(order)
            self._cancel_again(order, reply.error)

    def _is_live(self, order: LiveOrder) -> bool:
        return self._state.orders.get(order.key) is order

    def _cancel_again(self, order: LiveOrder, error: TmaticError | None) -> None:
        """Repeat a cancel after a pause."""
        delay = pause_after(order.cancel_tries, error)
        self._later(delay, lambda: self._retry_cancel(order.key))

    def _retry_cancel(self, key: str) -> None:
        order = self._state.orders.get(key)
        if order and order.cancel_wanted and not order.cancel_sent:
            self.cancel(order)

    def _tell_unconfirmed(self, order: LiveOrder) -> None:
        order.cancel_failed()
        text = f"{self.words.name(order)}: cancel not confirmed, trying again"
        if order.cancel_tries == ALARM:
            self._notices.error(f"{text}; it may still fill")
        elif order.cancel_tries < ALARM:
            self._notices.warning(text)
