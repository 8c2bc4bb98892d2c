"""Requests of unknown outcome: the exchange is asked by clOrdID until each has its end.

Nothing is sent a second time meanwhile. An order that is not found counts as never placed only
after five looks, 15 seconds and with a stream that would have shown it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import datetime

from common.domain.books import Intent
from common.domain.orders import Order, Phase
from common.engine.items import Reply
from common.engine.notices import NoticeBoard
from common.engine.old_amendments import AGAIN, OldAmendments
from common.engine.order_doubt import Doubt, is_same, is_wanted
from common.engine.order_words import OrderWords
from common.engine.orders import LiveOrder
from common.engine.ports import Clock, Gateway, Ledger
from common.engine.requests import FindOrder, SendAmend
from common.engine.state import MarketState
from common.errors import TmaticError

LOOKS = (0.5, 1.0, 2.0, 4.0, 8.0)  # seconds between looks for an order of unknown outcome
MIN_UNKNOWN = 15.0  # seconds before an order that is not found counts as never placed
LONGEST_FROM_BEFORE = 2.0  # seconds between looks where trading waits for the outcome


class Inquiry:
    """Asks what became of orders and amendments, and ends their intents."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        clock: Clock,
        notices: NoticeBoard,
        words: OrderWords,
        *,
        later: Callable[[float, Callable[[], None]], None],
        in_touch: Callable[[], bool],
        follow: Callable[[LiveOrder | None], None],
        retry_cancel: Callable[[LiveOrder, TmaticError | None], None],
        block: Callable[[str], None],
    ) -> None:
        self._state = state
        self._gateway = gateway
        self._ledger = ledger
        self._clock = clock
        self._notices = notices
        self._words = words
        self._later = later
        self._in_touch = in_touch  # the stream is whole and of now: it would have shown an order
        self._follow = follow  # what waited for an order may leave
        self._retry_cancel = retry_cancel  # after a pause that the error asks for
        self._block = block  # stops trading until a person has looked
        self._old_amendments = OldAmendments(gateway, self.settle, later)
        self._asked: dict[int, LiveOrder] = {}  # by request number
        self._overtaken: set[int] = set()  # questions that are older than the last list of orders
        self._next_look: dict[str, int] = {}  # key of an order -> its only timer that counts
        self._looks = itertools.count()
        self._doubts: dict[str, Doubt] = {}  # by key, until the intent has its end
        self._from_before: set[str] = set()  # keys of orders of an earlier run, until then
        self._trouble = ""  # why the last look could not be answered

    # ---- what is in doubt -----------------------------------------------------------------

    @property
    def from_before(self) -> int:
        """How many requests of an earlier run still have no end."""
        return len(self._from_before) + self._old_amendments.open

    @property
    def trouble(self) -> str:
        """Why it is not known yet, where the exchange does not answer."""
        return self._trouble or self._old_amendments.trouble

    def doubt(self, order: LiveOrder | None) -> Doubt | None:
        """Return what is asked about an order."""
        return self._doubts.get(order.key) if order else None

    def look_for(self, order: LiveOrder, amend: SendAmend | None = None) -> None:
        """Ask what became of an order, or of its amendment, until its intent has an end."""
        self._doubts[order.key] = Doubt(order, amend)
        order.enter(Phase.UNKNOWN)
        order.looks = 0
        order.unknown_since = self._clock.monotonic()
        self._look_later(order)

    def look_for_earlier(self, order: LiveOrder, written: datetime | None) -> None:
        """Ask about an order of an earlier run, whose intent was durable at `written`."""
        self._from_before.add(order.key)
        self.look_for(order)
        if written is not None:  # the clock may have been set since
            age = (self._clock.now() - written).total_seconds()
            order.unknown_since -= min(max(age, 0.0), MIN_UNKNOWN)

    def look_for_amendment(self, intent: Intent) -> None:
        """Ask what became of an amendment of an earlier run; its order is known by other ways."""
        self._old_amendments.look_for(intent)

    def look(self, order: LiveOrder) -> None:
        """Ask once how an order stands."""
        self._asked[self._gateway.request(FindOrder(order.cl_ord_id, order.order_id))] = order

    def listed(self) -> None:
        """A list of open orders has come: answers to questions before it may be older."""
        self._overtaken = set(self._asked)

    def settle(self, cl_ord_id: str, outcome: str, order_id: str, verb: str = "POST") -> None:
        """Record what became of an intent."""
        if verb == "POST":
            self._from_before.discard(cl_ord_id)
            if cl_ord_id in self._doubts and not self._doubts[cl_ord_id].amend:
                del self._doubts[cl_ord_id]
        self._ledger.settle_intent(self._state.key, cl_ord_id, outcome, order_id, verb)

    def end_amendment(self, order: LiveOrder, outcome: str) -> None:
        """Record what became of an order's amendment."""
        order.amending = None
        self._doubts.pop(order.key, None)
        name = order.cl_ord_id or order.order_id
        self.settle(name, outcome, order.order_id, "PUT")

    def amendment_shown(self, doubt: Doubt, news: Order) -> None:
        """The stream speaks of an order whose amendment is in doubt."""
        order, stands = doubt.order, is_wanted(doubt.amend, news)
        if news.phase.ended or stands:
            self.end_amendment(order, "ACCEPTED" if stands else "REFUSED")
        elif self._is_live(order):
            order.enter(Phase.UNKNOWN)  # something else has happened to it

    # ---- answers --------------------------------------------------------------------------

    def replied(self, reply: Reply) -> bool:
        """Take an answer; say whether it was to a question from here."""
        if self._old_amendments.replied(reply):
            return True
        order = self._asked.pop(reply.number, None)
        if order is None:
            return False
        overtaken = reply.number in self._overtaken
        self._overtaken.discard(reply.number)
        if overtaken and self.may_have_ended(reply, order):
            self.look_for(order)
        else:
            self._looked(reply, order)
        return True

    def may_have_ended(self, reply: Reply, order: LiveOrder) -> bool:
        """Whether an answer that is older than a list has an order open that the list lacks."""
        is_open = isinstance(reply.result, Order) and not reply.result.phase.ended
        return is_open and not order.order_id and self._is_live(order)

    def _looked(self, reply: Reply, order: LiveOrder) -> None:
        doubt = self._doubts.get(order.key)
        self._trouble = str(reply.error or "")
        if reply.error is None and isinstance(reply.result, Order):
            if not is_same(order, reply.result):
                self._stranger(order)
            elif doubt is not None and doubt.amend:
                self._amendment_looked(reply.result, doubt)
            else:
                self._found(reply.result, order)
            return
        if doubt is None:
            if order.cancel_wanted and self._is_live(order):
                self._retry_cancel(order, reply.error)
        elif reply.error is not None:
            self._look_later(order, AGAIN)
        elif order.order_id and not self._is_live(order):
            self._forgotten(doubt)
        else:
            self._not_found(order)

    def _found(self, answer: Order, order: LiveOrder) -> None:
        was_unknown = order.phase is Phase.UNKNOWN
        if answer.cl_ord_id:  # else it is another program's, of which there is no intent
            self.settle(answer.cl_ord_id, "ACCEPTED", answer.order_id)
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        if was_unknown or answer.phase.ended:
            self._words.tell(order, f"is {answer.phase.value} at the exchange", order.event)
        if live is not None and live.cancel_tries and live.cancel_wanted and not was_unknown:
            self._retry_cancel(live, None)  # it stands although it was cancelled
        else:
            self._follow(live)

    def _forgotten(self, doubt: Doubt) -> None:
        """The order was there and has ended, and the exchange does not know it any more."""
        if doubt.amend:
            self.end_amendment(doubt.order, "NOT_PLACED")
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

    def _never_placed(self, order: LiveOrder) -> None:
        if order.duplicate:  # the number is taken, by an order that this account does not show
            self._stranger(order)
            return
        self._state.orders.drop(order.key)
        self.settle(order.cl_ord_id, "NOT_PLACED", "")
        self._notices.refuse(f"{self._words.name(order)} never reached the exchange", order.event)

    def _stranger(self, order: LiveOrder) -> None:
        """Somebody else uses our numbers: nothing may be sent before a person has looked."""
        self._state.orders.drop(order.key)
        self.settle(order.cl_ord_id, "REFUSED", "")
        self._block(
            f"clOrdID {order.cl_ord_id} belongs to another order at the exchange; a second "
            "terminal with other books trades on this account. End it, then press F3"
        )

    def _amendment_looked(self, answer: Order, doubt: Doubt) -> None:
        order, change = doubt.order, doubt.order.amending
        stands = is_wanted(doubt.amend, answer)
        if not stands and not answer.phase.ended and not self._would_show(order):
            order.looks += 1  # it may still be on its way
            self._look_later(order)
            return
        self.end_amendment(order, "ACCEPTED" if stands else "NOT_PLACED")
        live = self._state.orders.apply(answer, order.emi, from_stream=False)
        event = change.event if change else None
        if stands or answer.phase.ended:
            self._words.tell(order, "moved" if stands else f"is {answer.phase.value}", event)
        else:
            order.enter(Phase.OPEN)
            self._notices.refuse(f"{self._words.name(order)} was not moved", event)
        self._follow(live or (order if self._is_live(order) else None))

    # ---- the next look --------------------------------------------------------------------

    def _look_later(self, order: LiveOrder, delay: float = 0.0) -> None:
        """Look once more after a while, in place of any look that was to come."""
        self._next_look[order.key] = number = next(self._looks)
        delay = delay or LOOKS[min(order.looks, len(LOOKS) - 1)]
        if order.key in self._from_before:
            delay = min(delay, LONGEST_FROM_BEFORE)
        self._later(delay, lambda: self._look_again(order.key, number))

    def _look_again(self, key: str, number: int) -> None:
        if self._next_look.get(key) != number:
            return
        del self._next_look[key]
        doubt = self._doubts.get(key)
        if doubt is not None:
            self.look(doubt.order)

    def _is_live(self, order: LiveOrder) -> bool:
        return self._state.orders.get(order.key) is order
