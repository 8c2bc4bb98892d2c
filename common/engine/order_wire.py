"""Order requests on their way, and what comes back of them.

The exchange accepts a request or refuses it, or nobody knows. Then it is asked by clOrdID until it
is settled, and nothing is sent a second time: a number may be used again once its order has ended,
so that a second request could be a second order. A cancel is repeated until the order is gone.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from common.domain.books import Intent
from common.domain.orders import Order, Phase
from common.engine.cancel_retry import ALARM, pause_after
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.old_amendments import AGAIN, OldAmendments
from common.engine.order_doubt import Doubt, is_same, is_wanted
from common.engine.order_gate import Ticket
from common.engine.orders import Change, LiveOrder
from common.engine.ports import Clock, Gateway, Ledger
from common.engine.requests import FindOrder, SendAmend, SendCancel, SendOrder
from common.engine.state import MarketState
from common.errors import (
    DuplicateNumber,
    OrderNotFound,
    OrderRefused,
    OutcomeUnknown,
    Overloaded,
    Withdrawn,
)

log = logging.getLogger(__name__)

LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between looks for an order of unknown outcome
MIN_UNKNOWN = 15.0  # seconds before an order that is not found counts as never placed
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
        block: Callable[[str], None],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._clock = clock
        self._notices = notices
        self._later = later
        self._in_touch = in_touch  # the stream is whole and of now: it would have shown an order
        self._block = block  # stops trading until a person has looked
        self._old_amendments = OldAmendments(gateway, self.settle, later)
        self._opened = opened  # an order is open at the exchange: what waited for it may follow
        self._requests: dict[int, tuple[LiveOrder, int | None]] = {}  # number -> order, event
        self._next_look: dict[str, int] = {}  # key of an order -> its only timer that counts
        self._looks = itertools.count()
        self._overtaken: set[int] = set()  # requests that are older than the last list of orders
        self._doubts: dict[str, Doubt] = {}  # by key, until the intent has its end
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

    def settle(self, cl_ord_id: str, outcome: str, order_id: str, verb: str = "POST") -> None:
        """Record what became of an intent."""
        if verb == "POST" and cl_ord_id in self._doubts and not self._doubts[cl_ord_id].amend:
            del self._doubts[cl_ord_id]
        self._ledger.settle_intent(self._state.key, cl_ord_id, outcome, order_id, verb)

    def look_for_amendment(self, intent: Intent) -> None:
        """Ask what became of an amendment of an earlier run; its order is known by other ways."""
        self._old_amendments.look_for(intent)

    def look_for(self, order: LiveOrder, amend: SendAmend | None = None) -> None:
        """Ask what became of an order, or of its amendment, until its intent has an end."""
        self._doubts[order.key] = Doubt(order, amend)
        order.enter(Phase.UNKNOWN)
        order.looks = 0
        order.unknown_since = self._clock.monotonic()
        self._look_later(order)

    # ---- back -----------------------------------------------------------------------------

    def replied(self, reply: Reply) -> None:
        """Take the outcome of one of this desk's requests."""
        if self._old_amendments.replied(reply):
            return
        order, event = self._requests.pop(reply.number, (None, None))
        if order is None:
            return
        if isinstance(reply.error, Overloaded):
            self.busy_until = self._clock.monotonic() + OVERLOAD_PAUSE
        if self._is_overtaken(reply, order):
            self.look_for(order)
        elif isinstance(reply.request, SendOrder):
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
        doubt = self._doubts.get(known.key) if known else None
        doubted = doubt is not None and not doubt.amend
        if known and (doubted or not known.order_id):  # its answer may still be on its way
            self.settle(order.cl_ord_id, "ACCEPTED", order.order_id)
        if known and doubted:
            self._tell(known, f"is {order.phase.value} at the exchange", known.event)
        elif known and order.phase in _TAKEN_AWAY and not known.cancel_wanted:
            reason = order.text.partition("\n")[0]
            self._notices.warning(f"{self.name(known)} ended at the exchange: {reason}")
        amendment = doubt if doubt and doubt.amend else None
        emi = known.emi if known else self._state.emi_of(order)
        live = self._state.orders.apply(order, emi, from_stream=True)
        if amendment is not None:
            self._amendment_shown(amendment, order)
        self.follow(live)

    def listed(self, orders: Sequence[Order], asked_at: datetime) -> None:
        """Take the exchange's list of open orders, as it was at `asked_at` (exchange time)."""
        self._state.orders.replace(orders, self._state.emi_of, asked_at)
        self._overtaken = set(self._requests)
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

    def _is_overtaken(self, reply: Reply, order: LiveOrder) -> bool:
        """Whether the answer has an order open that a later list lacks: it may have ended since."""
        old = reply.number in self._overtaken
        self._overtaken.discard(reply.number)
        is_open = isinstance(reply.result, Order) and not reply.result.phase.ended
        return old and is_open and not order.order_id and self._is_live(order)

    def _order_answered(self, reply: Reply, order: LiveOrder, event: int | None) -> None:
        shown = bool(order.order_id) or not self._is_live(order)  # by the stream, perhaps its end
        if reply.error is None and isinstance(reply.result, Order):
            self._accepted(reply.result, order, event)
        elif shown:
            self.settle(order.cl_ord_id, "ACCEPTED", order.order_id)
            self._tell(order, "placed", event)
        elif isinstance(reply.error, (OutcomeUnknown, DuplicateNumber)):
            order.duplicate = isinstance(reply.error, DuplicateNumber)
            self._notices.warning(f"{self.name(order)}: {reply.error}; asking the exchange")
            self.look_for(order)
        else:
            self._state.orders.drop(order.key)
            left = not isinstance(reply.error, Withdrawn)
            self.settle(order.cl_ord_id, "REFUSED" if left else "NOT_PLACED", "")
            self._notices.refuse(f"{self.name(order)} refused: {reply.error}", event)

    def _accepted(self, answer: Order, order: LiveOrder, event: int | None) -> None:
        self.settle(answer.cl_ord_id, "ACCEPTED", answer.order_id)
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        if live is not order and not order.order_id and self._is_live(order):
            self._state.orders.drop(order.key)  # the stream showed it otherwise: `live` is the one
        if answer.phase in (Phase.CANCELED, Phase.REJECTED):
            self._notices.refuse(f"{self.name(order)} not placed: {answer.text}", event)
        else:
            self._tell(order, "placed", event)
        self.follow(live)

    def _amend_answered(self, reply: Reply, order: LiveOrder, event: int | None) -> None:
        if isinstance(reply.error, OutcomeUnknown):
            # What stands at the exchange decides; until it is known nothing else is changed.
            self._notices.warning(f"{self.name(order)}: {reply.error}; asking the exchange")
            if self._is_live(order) and isinstance(reply.request, SendAmend):
                self.look_for(order, reply.request)
            else:
                self._end_amendment(order, "NOT_PLACED")
            return
        left = not isinstance(reply.error, Withdrawn)
        refusal = "REFUSED" if left else "NOT_PLACED"
        self._end_amendment(order, refusal if reply.error else "ACCEPTED")
        if reply.error is None and isinstance(reply.result, Order):
            live = self._state.orders.apply(reply.result, order.emi, from_stream=False)
            if live is None:  # it filled at once, so the mirror has the old price only
                order.price = reply.result.price
            self._tell(order, "moved", event)
            self.follow(live)
            return
        self._notices.refuse(f"{self.name(order)} not moved: {reply.error}", event)
        if isinstance(reply.error, OrderNotFound):
            self._look(order)
        else:
            self.follow(order if self._is_live(order) else None)

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
            order.cancel_failed(str(reply.error))
            self._notices.refuse(f"{self.name(order)} not cancelled: {reply.error}", event)
        else:
            self._tell_unconfirmed(order)
            delay = pause_after(order.cancel_tries, reply.error)
            self._later(delay, lambda: self._retry_cancel(order.key))

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

    def _tell_unconfirmed(self, order: LiveOrder) -> None:
        order.cancel_failed()
        text = f"{self.name(order)}: cancel not confirmed, trying again"
        if order.cancel_tries == ALARM:
            self._notices.error(f"{text}; it may still fill")
        elif order.cancel_tries < ALARM:
            self._notices.warning(text)

    def _look_later(self, order: LiveOrder, delay: float = 0.0) -> None:
        """Look once more after a while, in place of any look that was to come."""
        self._next_look[order.key] = number = next(self._looks)
        delay = delay or LOOKS[min(order.looks, len(LOOKS) - 1)]
        self._later(delay, lambda: self._look_again(order.key, number))

    def _look_again(self, key: str, number: int) -> None:
        if self._next_look.get(key) != number:
            return
        del self._next_look[key]
        doubt = self._doubts.get(key)
        if doubt is not None:
            self._look(doubt.order)

    def _look(self, order: LiveOrder) -> None:
        request = FindOrder(order.cl_ord_id, order.order_id)
        self._requests[self._gateway.request(request)] = (order, order.event)

    def _looked(self, reply: Reply, order: LiveOrder) -> None:
        doubt = self._doubts.get(order.key)
        if reply.error is None and isinstance(reply.result, Order):
            if not is_same(order, reply.result):
                self._stranger(order)
            elif doubt is not None and doubt.amend:
                self._amendment_looked(reply.result, doubt)
            else:
                self._found(reply.result, order)
            return
        if doubt is None:
            return
        if reply.error is not None:
            self._look_later(order, AGAIN)
        elif order.order_id and not self._is_live(order):
            self._forgotten(doubt)
        else:
            self._not_found(order)

    def _forgotten(self, doubt: Doubt) -> None:
        """The order was there and has ended, and the exchange does not know it any more."""
        if doubt.amend:
            self._end_amendment(doubt.order, "NOT_PLACED")
        else:
            self.settle(doubt.order.cl_ord_id, "ACCEPTED", doubt.order.order_id)

    def _not_found(self, order: LiveOrder) -> None:
        order.looks += 1
        if order.looks >= len(LOOKS) and not order.order_id and self._would_show(order):
            self._never_placed(order)
            return
        self._look_later(order)

    def _would_show(self, order: LiveOrder) -> bool:
        """Whether a request that was carried out would be seen by now."""
        waited = self._clock.monotonic() - order.unknown_since
        return waited >= MIN_UNKNOWN and self._in_touch()

    def _found(self, answer: Order, order: LiveOrder) -> None:
        was_unknown = order.phase is Phase.UNKNOWN
        if answer.cl_ord_id:  # else it is another program's, of which there is no intent
            self.settle(answer.cl_ord_id, "ACCEPTED", answer.order_id)
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        if was_unknown or answer.phase.ended:
            self._tell(order, f"is {answer.phase.value} at the exchange", order.event)
        self.follow(live)

    def _stranger(self, order: LiveOrder) -> None:
        """Somebody else uses our numbers: nothing may be sent before a person has looked."""
        self._state.orders.drop(order.key)
        self.settle(order.cl_ord_id, "REFUSED", "")
        self._block(
            f"clOrdID {order.cl_ord_id} belongs to another order at the exchange; a second "
            "terminal with other books trades on this account. End it, then press F3"
        )

    def _end_amendment(self, order: LiveOrder, outcome: str) -> None:
        order.amending = None
        self._doubts.pop(order.key, None)
        name = order.cl_ord_id or order.order_id
        self.settle(name, outcome, order.order_id, "PUT")

    def _amendment_shown(self, doubt: Doubt, news: Order) -> None:
        """The stream speaks of an order whose amendment is in doubt."""
        order, stands = doubt.order, is_wanted(doubt.amend, news)
        if news.phase.ended or stands:
            self._end_amendment(order, "ACCEPTED" if stands else "REFUSED")
        elif self._is_live(order):
            order.enter(Phase.UNKNOWN)  # something else has happened to it

    def _amendment_looked(self, answer: Order, doubt: Doubt) -> None:
        order, change = doubt.order, doubt.order.amending
        stands = is_wanted(doubt.amend, answer)
        if not stands and not answer.phase.ended and not self._would_show(order):
            order.looks += 1  # it may still be on its way
            self._look_later(order)
            return
        self._end_amendment(order, "ACCEPTED" if stands else "NOT_PLACED")
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        event = change.event if change else None
        if stands or answer.phase.ended:
            self._tell(order, "moved" if stands else f"is {answer.phase.value}", event)
        else:
            order.enter(Phase.OPEN)
            self._notices.refuse(f"{self.name(order)} was not moved", event)
        self.follow(live or (order if self._is_live(order) else None))

    def _never_placed(self, order: LiveOrder) -> None:
        if order.duplicate:  # the number is taken, by an order that this account does not show
            self._stranger(order)
            return
        self._state.orders.drop(order.key)
        self.settle(order.cl_ord_id, "NOT_PLACED", "")
        self._notices.refuse(f"{self.name(order)} never reached the exchange", order.event)
