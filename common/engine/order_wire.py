"""Order requests on their way, and what comes back of them.

An outcome is accepted, refused or unknown. Unknown is asked about by clOrdID until it is settled
and never resent: a number may be used again once its order has ended, so that a second request
could be a second order. A cancel is repeated until the order is gone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from decimal import Decimal

from common.domain.orders import Order, Phase
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.orders import Change, LiveOrder
from common.engine.ports import Clock, Gateway, Ledger
from common.engine.requests import FindOrder, SendAmend, SendCancel, SendOrder
from common.engine.state import MarketState
from common.errors import OrderNotFound, OrderRefused, OutcomeUnknown

log = logging.getLogger(__name__)

LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between looks for an order of unknown outcome
MIN_UNKNOWN = 15.0  # seconds before an order that is not found counts as never placed
CANCEL_RETRY = 1.0  # seconds


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
        opened: Callable[[LiveOrder], None],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._clock = clock
        self._notices = notices
        self._later = later
        self._opened = opened  # an order is open at the exchange: what waited for it may follow
        self._requests: dict[int, tuple[LiveOrder, int | None]] = {}  # number -> order, event

    # ---- out ------------------------------------------------------------------------------

    def send(self, order: LiveOrder, price: Decimal) -> None:
        """Send a new order whose intent is durable."""
        request = SendOrder(order.cl_ord_id, order.symbol, order.side, order.quantity, price)
        self._requests[self._gateway.request(request)] = (order, order.event)

    def amend(self, order: LiveOrder, change: Change) -> None:
        """Send an amendment as a new total: filled + wanted rest.

        A wanted rest alone would revive an order that fills meanwhile.
        """
        order.amending = change
        order.next_change = None
        total = None if change.leaves is None else order.filled + change.leaves
        request = SendAmend(order.order_id, order.cl_ord_id, total, change.price)
        self._requests[self._gateway.request(request)] = (order, change.event)

    def cancel(self, order: LiveOrder) -> None:
        """Send a cancellation."""
        order.cancel_sent = True
        request = SendCancel(order.order_id, order.cl_ord_id)
        self._requests[self._gateway.request(request)] = (order, order.event)

    def settle(self, cl_ord_id: str, outcome: str, order_id: str) -> None:
        """Record what became of an intent."""
        self._ledger.settle_intent(self._state.key, cl_ord_id, outcome, order_id)

    def look_for(self, order: LiveOrder) -> None:
        """Ask the exchange what became of an order until it is known."""
        order.phase = Phase.UNKNOWN
        order.looks = 0
        order.unknown_since = self._clock.monotonic()
        self._later(LOOKS[0], lambda: self._look_again(order.key))

    # ---- back -----------------------------------------------------------------------------

    def replied(self, reply: Reply) -> None:
        """Take the outcome of one of this desk's requests."""
        order, event = self._requests.pop(reply.number, (None, None))
        if order is None:
            return
        if isinstance(reply.request, SendOrder):
            self._order_answered(reply, order, event)
        elif isinstance(reply.request, SendAmend):
            self._amend_answered(reply, order, event)
        elif isinstance(reply.request, SendCancel):
            self._cancel_answered(reply, order, event)
        elif isinstance(reply.request, FindOrder):
            self._looked(reply, order)

    def reported(self, order: Order) -> None:
        """Take what the stream says of an order, and send what waited for it."""
        known = self._state.orders.find(order)
        if known and known.phase is Phase.UNKNOWN:
            self.settle(order.cl_ord_id, "ACCEPTED", order.order_id)
            self._tell(known, f"is {order.phase.value} at the exchange", known.event)
        emi = known.emi if known else self._state.emi_of(order)
        self._follow(self._state.orders.apply(order, emi, from_stream=True))

    # ---- what came back -------------------------------------------------------------------

    def _follow(self, order: LiveOrder | None) -> None:
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
            self.settle(order.cl_ord_id, "ACCEPTED", order.order_id)
            self._tell(order, "placed", event)
        elif isinstance(reply.error, OutcomeUnknown):
            self._notices.warning(f"{self.name(order)}: {reply.error}; asking the exchange")
            self.look_for(order)
        else:
            self._state.orders.drop(order.key)
            self.settle(order.cl_ord_id, "REFUSED", "")
            self._notices.refuse(f"{self.name(order)} refused: {reply.error}", event)

    def _accepted(self, answer: Order, order: LiveOrder, event: int | None) -> None:
        self.settle(answer.cl_ord_id, "ACCEPTED", answer.order_id)
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        if answer.phase in (Phase.CANCELED, Phase.REJECTED):
            self._notices.refuse(f"{self.name(order)} not placed: {answer.text}", event)
        else:
            self._tell(order, "placed", event)
        self._follow(live)

    def _amend_answered(self, reply: Reply, order: LiveOrder, event: int | None) -> None:
        order.amending = None
        if reply.error is None and isinstance(reply.result, Order):
            live = self._state.orders.apply(reply.result, order.emi, from_stream=False)
            if live is None:  # it filled at once, so the mirror has the old price only
                order.price = reply.result.price
            self._tell(order, "moved", event)
            self._follow(live)
            return
        self._notices.refuse(f"{self.name(order)} not moved: {reply.error}", event)
        if isinstance(reply.error, (OutcomeUnknown, OrderNotFound)):
            self._look(order)
        else:
            self._follow(order if self._is_live(order) else None)

    def _cancel_answered(self, reply: Reply, order: LiveOrder, event: int | None) -> None:
        order.cancel_sent = False
        if reply.error is None and isinstance(reply.result, Order):
            self._state.orders.apply(reply.result, order.emi, from_stream=False)
            self._tell(order, "cancelled", event)
        elif not self._is_live(order):
            self._tell(order, "had ended already", event)
        elif isinstance(reply.error, OrderNotFound):
            self._look(order)
        elif isinstance(reply.error, OrderRefused):
            order.cancel_wanted = False
            self._notices.refuse(f"{self.name(order)} not cancelled: {reply.error}", event)
        else:
            self._notices.warning(f"{self.name(order)}: cancel not confirmed, trying again")
            self._later(CANCEL_RETRY, lambda: self._retry_cancel(order.key))

    def _tell(self, order: LiveOrder, what: str, event: int | None) -> None:
        """Answer a click; what strategies do goes to the log only."""
        if event is None and not log.isEnabledFor(logging.INFO):
            return  # the name takes longer than all the rest
        if event is None:
            log.info("%s %s %s", order.key, self.name(order), what)
        else:
            self._notices.info(f"{self.name(order)} {what}", event)

    def _is_live(self, order: LiveOrder) -> bool:
        return self._state.orders.get(order.key) is order

    def name(self, order: LiveOrder) -> str:
        """Return side, rest, ticker, price and owner of an order for a notice."""
        instrument = self._state.instruments.get(order.symbol)
        contracts = order.leaves or order.quantity
        quantity = instrument.shown(contracts) if instrument else f"{contracts} contracts"
        price = "" if order.price is None else f" at {order.price}"
        return f"{order.side} {quantity} {order.symbol.ticker}{price} ({order.emi})"

    def _retry_cancel(self, key: str) -> None:
        order = self._state.orders.get(key)
        if order and order.cancel_wanted and not order.cancel_sent:
            self.cancel(order)

    # ---- unknown outcomes -----------------------------------------------------------------

    def _look_again(self, key: str) -> None:
        order = self._state.orders.get(key)
        if order and order.phase is Phase.UNKNOWN:
            self._look(order)

    def _look(self, order: LiveOrder) -> None:
        if order.cl_ord_id:
            request = FindOrder(order.cl_ord_id)
            self._requests[self._gateway.request(request)] = (order, order.event)

    def _looked(self, reply: Reply, order: LiveOrder) -> None:
        if reply.error is None and isinstance(reply.result, Order):
            if _is_same(order, reply.result):
                self._found(reply.result, order)
            else:
                self._notices.error(
                    f"clOrdID {order.cl_ord_id} belongs to another order at the exchange: "
                    "is a second terminal trading on this account?"
                )
            return
        if not self._is_live(order) or order.phase is not Phase.UNKNOWN:
            return
        if reply.error is None:
            order.looks += 1
        waited = self._clock.monotonic() - order.unknown_since
        if order.looks >= len(LOOKS) and waited >= MIN_UNKNOWN:
            self._never_placed(order)
            return
        delay = LOOKS[min(order.looks, len(LOOKS) - 1)]
        self._later(delay, lambda: self._look_again(order.key))

    def _found(self, answer: Order, order: LiveOrder) -> None:
        was_unknown = order.phase is Phase.UNKNOWN
        self.settle(answer.cl_ord_id, "ACCEPTED", answer.order_id)
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        if was_unknown or answer.phase.ended:
            self._tell(order, f"is {answer.phase.value} at the exchange", order.event)
        self._follow(live)

    def _never_placed(self, order: LiveOrder) -> None:
        self._state.orders.drop(order.key)
        self.settle(order.cl_ord_id, "NOT_PLACED", "")
        self._notices.refuse(f"{self.name(order)} never reached the exchange", order.event)


def _is_same(order: LiveOrder, answer: Order) -> bool:
    """Whether what the exchange holds under our number is what we asked for."""
    return (
        order.symbol.ticker == answer.symbol.ticker
        and order.side is answer.side
        and (not order.order_id or order.order_id == answer.order_id)
    )
