"""The order desk of one market: checks wishes and makes their intents durable.

The way of an order: checked here, its number minted from a block reserved in the database, shown as
pending, its intent made durable, then handed to the wire. Cancelling is allowed in every state.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from common.domain.books import Intent
from common.domain.instruments import Symbol
from common.domain.orders import Phase, Side
from common.engine import limits
from common.engine.items import IntentWritten
from common.engine.notices import NoticeBoard
from common.engine.order_gate import OrderGate, Permit, Ticket
from common.engine.order_life import Action, allows
from common.engine.order_numbers import OrderNumbers
from common.engine.order_wire import OrderWire
from common.engine.orders import Change, LiveOrder
from common.engine.ports import Clock, Gateway, Ledger
from common.engine.pre_trade import PreTrade
from common.engine.state import MarketState
from common.errors import OrderNotFound, OrderRefused, Overloaded

INTENT_LIFE = 5.0  # seconds; an order that waited longer on its way does not leave


@dataclass(frozen=True, slots=True)
class Ask:
    """A checked wish for a new order."""

    symbol: Symbol
    emi: str
    side: Side
    price: Decimal
    quantity: int
    event: int | None = None  # the click; None: a strategy asked


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An order whose intent is on its way to the database."""

    intent: Intent
    ask: Ask
    asked_at: float  # monotonic seconds
    permit: Permit | None


@dataclass(frozen=True, slots=True)
class _Moving:
    """An amendment whose intent is on its way to the database."""

    key: str
    change: Change
    asked_at: float  # monotonic seconds
    permit: Permit | None


class Desk:
    """Places, amends and cancels orders of one market."""

    def __init__(
        self,
        state: MarketState,
        gateway: Gateway,
        ledger: Ledger,
        clock: Clock,
        notices: NoticeBoard,
        *,
        later: Callable[[float, Callable[[], None]], None],
        is_live: Callable[[], bool],
        in_touch: Callable[[], bool],
        bots_may_trade: Callable[[str], bool],
        block: Callable[[str], None] = lambda _reason: None,
        met: Callable[[Symbol], None] = lambda _symbol: None,
    ) -> None:
        self._state = state
        self._ledger = ledger
        self._clock = clock
        self._notices = notices
        self._is_live = is_live
        self._bots_may_trade = bots_may_trade
        self.numbers = OrderNumbers(ledger, state.market)
        # Intents on their way to the database.
        self._waiting: dict[str, _Waiting] = {}
        self._moving: dict[str, _Moving] = {}
        self.gate = OrderGate()
        self._was_live = False
        self._check = PreTrade(state, gateway, clock, is_live)
        self.wire = OrderWire(
            state,
            gateway,
            ledger,
            clock,
            notices,
            later=later,
            in_touch=in_touch,
            opened=self._send_next,
            block=block,
            met=met,
        )
        self._settle = self.wire.inquiry.settle
        self._name = self.wire.words.name

    # ---- wishes ---------------------------------------------------------------------------

    def place(self, ask: Ask) -> LiveOrder:
        """Register a new order and start its way; OrderRefused when it may not leave."""
        by_bot = ask.event is None
        instrument = self._check.instrument(ask.symbol)
        limits.check_tradable(instrument)
        self._check.figures(instrument, ask.side, ask.price, ask.quantity, by_bot=by_bot)
        self._check.order(ask.symbol, ask.emi, ask.side, ask.quantity, instrument, by_bot)
        if by_bot:
            self._check_pace(ask.emi)
        order = self._register(ask, self.numbers.mint(ask.emi))
        self._write_intent(order, ask)
        return order

    def amend(self, key: str, change: Change) -> LiveOrder:
        """Move an order or change its rest; a change that changes nothing sends nothing."""
        order = self._known(key)
        instrument = self._check.instrument(order.symbol)
        if order.price is None:
            raise OrderRefused(f"a {order.kind} order has no price to move")
        price = order.price if change.price is None else change.price
        leaves = order.leaves if change.leaves is None else change.leaves
        self._check.figures(instrument, order.side, price, leaves, by_bot=change.bot)
        self._check.change(order, instrument, change, leaves)
        if order.cancel_wanted:
            raise OrderRefused("the order is being cancelled")
        if order.amending or not allows(order.phase, Action.AMEND):
            order.next_change = change  # goes out when the present request is answered
        elif (price, leaves) != (order.price, order.leaves):
            if change.bot:
                self._check_pace(order.emi)
            self._write_amendment(order, change)
        elif change.event is not None:
            self._notices.info("the order is so already", change.event)
        return order

    def cancel(self, key: str, event: int | None = None) -> None:
        """Cancel an order, whatever the state of the market."""
        order = self._known(key)
        order.event = event if event is not None else order.event
        order.next_change, order.cancel_problem = None, ""
        order.cancel_wanted = True
        if key in self._waiting:
            self._withdraw(key)
        elif allows(order.phase, Action.CANCEL) and not order.cancel_sent:
            self.wire.cancel(order)

    def watch(self) -> bool:
        """Take back what strategies asked for once the market is not LIVE; say whether it is."""
        live = self._is_live()
        if self._was_live and not live:
            self.withdraw_bots()
        self._was_live = live
        return live

    def withdraw_bots(self) -> None:
        """F9 went off: take back what strategies asked for and what was not written yet."""
        self.gate.revoke()
        for key, waiting in list(self._waiting.items()):
            if waiting.ask.event is None:
                self._withdraw(key)
        for order in self._state.orders:
            if order.next_change and order.next_change.bot:
                order.next_change = None

    def withdraw_bot(self, emi: str) -> None:
        """A bot was stopped: take back what its strategy asked for and was not written yet."""
        self.gate.revoke(emi)
        for key, waiting in list(self._waiting.items()):
            if waiting.ask.event is None and waiting.ask.emi == emi:
                self._withdraw(key)
        for order in self._state.orders:
            if order.emi == emi and order.next_change and order.next_change.bot:
                order.next_change = None

    def withdraw_entries(self) -> None:
        """Only exits may leave from now on: drop what strategies asked for and is none."""
        self.gate.revoke_entries()
        for key, waiting in list(self._waiting.items()):
            if waiting.permit is not None and not waiting.permit.stands():
                self._withdraw(key)

    def withdraw_all(self) -> None:
        """Drop every order that has not left yet."""
        for key in list(self._waiting):
            self._withdraw(key)

    # ---- outcomes -------------------------------------------------------------------------

    def intent_written(self, item: IntentWritten) -> None:
        """The intent is durable: send the order, unless it was withdrawn or forbidden meanwhile."""
        if item.intent.verb == "PUT":
            self._amendment_written(item.intent)
            return
        waiting = self._waiting.pop(item.intent.cl_ord_id, None)
        if waiting is None:
            self._settle(item.intent.cl_ord_id, "NOT_PLACED", "")
            return
        intent, ask = waiting.intent, waiting.ask
        order = self._state.orders.get(intent.cl_ord_id)
        reason = self._reason_to_stay(ask.emi, ask.event is None, waiting.asked_at)
        if order is None or reason:
            self._state.orders.drop(intent.cl_ord_id)
            self._settle(intent.cl_ord_id, "NOT_PLACED", "")
            if order is not None:
                self._notices.refuse(f"{self._name(order)} was not sent: {reason}", ask.event)
            return
        self.wire.send(order, ask.price, self._ticket(waiting))

    def _amendment_written(self, intent: Intent) -> None:
        """The intent of an amendment is durable: send it, unless it may not leave any more."""
        moving = self._moving.pop(intent.cl_ord_id, None)
        order = None if moving is None else self._state.orders.get(moving.key)
        if moving is None or order is None or order.amending is not moving.change:
            self._settle(intent.cl_ord_id, "NOT_PLACED", "", "PUT")
            return
        change = moving.change
        reason = self._reason_to_stay(order.emi, change.bot, moving.asked_at)
        if not reason and moving.permit is not None and not moving.permit.stands():
            reason = "the bot may not trade any more"
        if not reason and not order.cancel_wanted:
            self.wire.amend(order, change, self._ticket(moving))
            return
        order.amending = None
        self._settle(intent.cl_ord_id, "NOT_PLACED", "", "PUT")
        if reason:
            self._notices.refuse(f"{self._name(order)} was not moved: {reason}", change.event)
        self.wire.follow(order)

    def _check_pace(self, emi: str) -> None:
        """One more request of a bot is to leave now; it counts."""
        if self._clock.monotonic() < self.wire.busy_until:
            raise Overloaded(f"{self._state.market} is overloaded; bots wait a moment")
        self._check.pace(emi)

    def _reason_to_stay(self, emi: str, by_bot: bool, asked_at: float) -> str:
        """Return why a request whose intent is durable now may not leave any more."""
        if by_bot and not self._bots_may_trade(emi):
            return "the bot may not trade any more"
        if by_bot and self._clock.monotonic() < self.wire.busy_until:
            return "the exchange is overloaded"
        if not self._is_live():
            return f"{self._state.market} is not LIVE any more"
        if self._clock.monotonic() - asked_at > INTENT_LIFE:
            return "the database took too long, and the price may have moved"
        return ""

    def look_for(self, intent: Intent) -> None:
        """Ask the exchange about an intent of an earlier run whose outcome was never learned."""
        if intent.verb == "PUT":
            self.wire.inquiry.look_for_amendment(intent)
            return
        order = self._state.orders.get(intent.cl_ord_id)
        if order is not None:  # the stream was lost, not this run
            self.wire.inquiry.look_for(order)
            return
        if self.numbers.is_of_this_run(intent.cl_ord_id):
            return  # its end is on its way to the books
        ask = Ask(intent.symbol, intent.emi, intent.side, intent.price, intent.quantity)
        order = self._register(ask, intent.cl_ord_id)
        self.wire.inquiry.look_for_earlier(order, intent.written)

    # ---- the way out ----------------------------------------------------------------------

    def _known(self, key: str) -> LiveOrder:
        order = self._state.orders.get(key)
        if order is None:
            raise OrderNotFound("the order is no longer open")
        return order

    def _register(self, ask: Ask, cl_ord_id: str) -> LiveOrder:
        order = LiveOrder(
            key=cl_ord_id,
            cl_ord_id=cl_ord_id,
            order_id="",
            emi=ask.emi,
            symbol=ask.symbol,
            side=ask.side,
            price=ask.price,
            stop_price=None,
            kind="Limit",
            quantity=ask.quantity,
            filled=0,
            leaves=ask.quantity,
            phase=Phase.PENDING,
            at=self._clock.now(),
            event=ask.event,
        )
        self._state.orders.add(order)
        return order

    def _write_intent(self, order: LiveOrder, ask: Ask) -> None:
        intent = Intent(
            order.cl_ord_id, ask.emi, ask.symbol, ask.side, ask.quantity, ask.price, "POST"
        )
        permit = self._permit(order, ask.quantity, new=True) if ask.event is None else None
        self._waiting[order.key] = _Waiting(intent, ask, self._clock.monotonic(), permit)
        self._ledger.write_intent(self._state.key, intent)

    def _write_amendment(self, order: LiveOrder, change: Change) -> None:
        order.amending, order.next_change, order.cancel_problem = change, None, ""
        name = order.cl_ord_id or order.order_id  # another program's may have no number
        leaves = order.leaves if change.leaves is None else change.leaves
        price = order.price if change.price is None else change.price
        intent = Intent(
            cl_ord_id=name,
            emi=order.emi,
            symbol=order.symbol,
            side=order.side,
            quantity=order.filled + leaves,
            price=price or Decimal(0),
            verb="PUT",
            order_id=order.order_id,
        )
        new = leaves >= order.leaves or change.price not in (None, order.price)
        permit = self._permit(order, leaves, new=new) if change.bot else None
        self._moving[name] = _Moving(order.key, change, self._clock.monotonic(), permit)
        self._ledger.write_intent(self._state.key, intent)

    def _ticket(self, on_its_way: _Waiting | _Moving) -> Ticket:
        return Ticket(on_its_way.permit, on_its_way.asked_at + INTENT_LIFE, self._clock)

    def _permit(self, order: LiveOrder, leaves: int, *, new: bool) -> Permit:
        """Return the right of a bot to have `leaves` contracts of an order traded.

        Not new: the order only becomes smaller, which is no entry.
        """
        position = self._state.position(order.emi, order.symbol)
        resting = limits.resting(self._state, order.emi, order.side, order.key)
        entry = new and limits.enters(order.side, leaves, position, resting)
        return self.gate.issue(order.emi, entry=entry)

    def _withdraw(self, key: str) -> None:
        """Take back an order that has not left: its intent is settled when it is written."""
        self._waiting.pop(key, None)
        order = self._state.orders.drop(key)
        if order:
            self._notices.info(f"{self._name(order)}: withdrawn before it was sent", order.event)

    def _send_next(self, order: LiveOrder) -> None:
        change = order.next_change
        order.next_change = None
        if change is None or (change.bot and not self._bots_may_trade(order.emi)):
            return
        try:
            self.amend(order.key, change)
        except OrderRefused as error:
            self._notices.refuse(f"{self._name(order)}: {error}", change.event)
