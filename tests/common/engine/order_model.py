"""A desk between an exchange, a network, a stream and a database that may each do what they like.

Nothing happens by itself: a test chooses what happens next, in any order. What must hold in every
order is asserted here, at the moment in which it would be broken.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from unittest import mock

from common.domain.account import Account
from common.domain.books import AccountKey, Intent
from common.domain.orders import Order, Phase, Side
from common.engine.desk import Ask, Desk
from common.engine.inquiry import LOOKS, MIN_UNKNOWN
from common.engine.items import IntentWritten, Reply
from common.engine.notices import NoticeBoard
from common.engine.order_life import Action, allows, follows
from common.engine.orders import Change, LiveOrder
from common.engine.requests import (
    FindOrder,
    Request,
    SendAmend,
    SendCancel,
    SendOrder,
    check_permit,
)
from common.engine.state import MarketState
from common.errors import (
    ExchangeUnavailable,
    OrderRefused,
    OutcomeUnknown,
    Overloaded,
    TmaticError,
    Withdrawn,
)
from tests.common.engine.order_exchange import Call, Exchange, name_of
from tests.common.engine.support import (
    KEY,
    LINEAR,
    USDT,
    XBTUSDT,
    FakeGateway,
    FakeLedger,
    ManualClock,
    Timers,
    robot,
)

LATEST = 10.0  # seconds; a request that is on its way for longer does not arrive any more
STEP = 0.25  # seconds
CALM = 60.0  # seconds in which everything must have an end
PRICES = tuple(Decimal(f"100.{tenth}") for tenth in range(4))
SIZES = (100, 200, 300)
LOST = {"lost", "never", "late"}  # what the terminal learns nothing of
REFUSALS: dict[str, TmaticError] = {
    "refused": OrderRefused("Invalid price"),
    "overloaded": Overloaded("The system is currently overloaded."),
    "limited": OrderRefused("Rate limit exceeded, retry in 1 seconds."),
}
OUTCOMES = ("good", *sorted(LOST), *REFUSALS)


class Wires(FakeGateway):
    """The two threads that send, each one request at a time."""

    model: Model

    def request(self, request: Request) -> int:
        number = next(self.model.numbers)
        self.model.leaves(request)
        name = "cancels" if isinstance(request, SendCancel) else "orders"
        self.model.queues[name].append(Call(number, request))
        return number


@dataclass
class Row:
    """An intent in the database."""

    intent: Intent
    outcome: str = ""


@dataclass
class Rows(FakeLedger):
    """A database: what is not written when the program dies is lost."""

    rows: list[Row] = field(default_factory=list)
    waiting: list[Intent | tuple[str, str, str]] = field(default_factory=list)
    model: Model | None = None

    def write_intent(self, key: AccountKey, intent: Intent) -> None:
        assert self.model
        self.model.wished(intent)
        self.waiting.append(intent)

    def settle_intent(
        self, key: AccountKey, cl_ord_id: str, outcome: str, order_id: str, verb: str = "POST"
    ) -> None:
        assert self.model
        if verb == "POST":
            self.model.settled(cl_ord_id, outcome)
        self.waiting.append((cl_ord_id, verb, outcome))

    def open_rows(self) -> list[Row]:
        return [row for row in self.rows if not row.outcome]

    def write(self) -> Intent | None:
        """Carry out the oldest job; return an intent that is durable now."""
        job = self.waiting.pop(0)
        if isinstance(job, Intent):
            posts = [r for r in self.rows if r.intent.verb == "POST" == job.verb]
            assert all(row.intent.cl_ord_id != job.cl_ord_id for row in posts)
            self.rows.append(Row(job))
            return job
        cl_ord_id, verb, outcome = job
        for row in self.open_rows():
            if (row.intent.cl_ord_id, row.intent.verb) == (cl_ord_id, verb):
                row.outcome = outcome
        return None


class Model:
    """What may happen, one method each."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.exchange = Exchange(self.clock)
        self.numbers = itertools.count(1)
        self.ledger = Rows(model=self)
        self.late: list[tuple[float, Request]] = []
        self.sent: Counter[str] = Counter()  # orders that left, by clOrdID
        self.never_left: set[str] = set()  # taken back at the socket
        self.unknown_at: dict[str, float] = {}  # since when nobody knows
        self.absent: Counter[str] = Counter()  # looks that found nothing, since then
        self.outcomes: dict[str, str] = {}
        self.seen: Counter[str] = Counter()  # what has happened, for a test to see that it did
        self.start()

    def start(self) -> None:
        """The program starts; it knows nothing but the database."""
        self.queues: dict[str, list[Call]] = {"orders": [], "cancels": []}
        self.wishes: dict[str, Change] = {}
        self.cancelled: set[str] = set()
        self.connected = False
        self.trading = True
        self.blocked = ""
        self.timers = Timers(self.clock)
        gateway = Wires()
        gateway.model = self
        self.state = MarketState("Venue", KEY.network, (XBTUSDT,))
        self.state.instruments = {XBTUSDT: LINEAR}
        self.state.currencies = {"USDt": USDT}
        self.state.robots = {"bot1": replace(robot(), capital=10**6)}
        self.state.account = Account(1, "somebody")
        self.notices = NoticeBoard(self.clock.now)
        self.desk = Desk(
            self.state,
            gateway,
            self.ledger,
            self.clock,
            self.notices,
            later=self.timers.later,
            is_live=lambda: self.connected,
            in_touch=lambda: self.connected,
            bots_may_trade=lambda _: self.trading and self.connected,
            block=self._block,
        )
        self.desk.numbers.reserved(1000 * next(self.numbers), 500)
        self.connect()

    def _block(self, reason: str) -> None:
        raise AssertionError(f"nobody else uses these numbers, but: {reason}")

    # ---- what must hold at once ---------------------------------------------------------------

    def leaves(self, request: Request) -> None:
        """A request is handed to the wires."""
        if isinstance(request, (SendOrder, SendAmend)):
            verb = "POST" if isinstance(request, SendOrder) else "PUT"
            durable = {(r.intent.cl_ord_id, r.intent.verb) for r in self.ledger.open_rows()}
            assert (request.cl_ord_id, verb) in durable, "it left before its intent was durable"
            assert request.permit is None or request.permit.stands(), "it left with F9 OFF"
        order = self.state.orders.get(name_of(request))
        if isinstance(request, SendOrder):
            self.sent[request.cl_ord_id] += 1
            assert self.sent[request.cl_ord_id] == 1, "an order left twice"
        elif isinstance(request, SendAmend):
            assert order is not None
            assert order.phase is Phase.OPEN, "moved while nobody knows how it stands"
            assert not self._under_way(SendAmend, request.cl_ord_id), "two changes at once"
        elif isinstance(request, SendCancel):
            assert order is not None
            assert allows(order.phase, Action.CANCEL)
            assert not self._under_way(SendCancel, request.cl_ord_id), "two cancels at once"

    def _under_way(self, kind: type, key: str) -> list[Call]:
        calls = itertools.chain(*self.queues.values())
        return [c for c in calls if isinstance(c.request, kind) and name_of(c.request) == key]

    def wished(self, intent: Intent) -> None:
        """A change is about to be made durable: it is the newest that somebody wants."""
        if intent.verb == "PUT":
            wish, order = self.wishes[intent.cl_ord_id], self.state.orders.get(intent.cl_ord_id)
            assert order is not None
            assert wish.price in (None, intent.price), "an older wish was sent"
            assert wish.leaves in (None, intent.quantity - order.filled), "an older wish was sent"

    def settled(self, key: str, outcome: str) -> None:
        """The program believes that it knows what became of an order."""
        self.seen[outcome] += 1
        exists = key in self.exchange.orders
        assert (outcome == "ACCEPTED") == exists, f"{key} {outcome}, though {exists=}"
        assert self.outcomes.setdefault(key, outcome) == outcome, "it changed its mind"
        if outcome == "NOT_PLACED" and self.sent[key] and key not in self.never_left:
            self.seen["given up"] += 1
            assert self.connected, "given up while the stream could not have shown it"
            assert self.absent[key] >= len(LOOKS), "given up after too few looks"
            waited = self.clock.seconds - self.unknown_at[key]
            assert waited >= MIN_UNKNOWN, "given up too early"

    # ---- what people, bots and the exchange may do ---------------------------------------------

    def place(self, *, bot: bool, price: Decimal, quantity: int) -> None:
        event = None if bot else 1
        with suppress(OrderRefused):
            self.desk.place(Ask(XBTUSDT, "bot1", Side.BUY, price, quantity, event))

    def amend(self, order: LiveOrder, change: Change) -> None:
        before = self.wishes.get(order.key)
        self.wishes[order.key] = change
        try:
            self.desk.amend(order.key, change)
        except OrderRefused:
            if before is not None:
                self.wishes[order.key] = before

    def cancel(self, order: LiveOrder) -> None:
        """May be asked for in every state, and is never refused."""
        self.cancelled.add(order.key)
        self.desk.cancel(order.key, event=2)

    def switch(self, *, on: bool) -> None:
        self.trading = on
        if not on:
            self.desk.withdraw_bots()

    # ---- network, stream, database --------------------------------------------------------------

    def carry_out(self, name: str) -> None:
        """The exchange gets the oldest request of a wire; its answer is still to come."""
        call = self.queues[name][0]
        if call.done:
            return
        call.done = True
        if not self._may_leave(call.request):
            self.never_left.add(name_of(call.request))
            call.error = Withdrawn("the order never left")
            self.seen["Withdrawn"] += 1
            return
        try:
            call.result = self.exchange.carry_out(call.request)
        except TmaticError as error:
            call.error = error

    def answer(self, name: str, how: str, delay: float) -> None:
        """The program learns what became of the oldest request of a wire, or that nobody knows."""
        call = self.queues[name][0]
        self.seen[f"{type(call.request).__name__} {how}"] += 1
        lost = OutcomeUnknown if isinstance(call.request, (SendOrder, SendAmend)) else None
        if lost and how in REFUSALS and not call.done:
            call.done, call.error = True, REFUSALS[how]
        elif how == "late" and not call.done and self._may_leave(call.request):
            self.late.append((self.clock.seconds + delay, call.request))
        elif how != "never":
            self.carry_out(name)
        if how in LOST and not isinstance(call.error, Withdrawn):
            call.error = (lost or ExchangeUnavailable)("no answer")
        self.queues[name].remove(call)
        self._remember(call)
        result = None if call.error else call.result
        self.desk.wire.replied(Reply("Venue", call.number, call.request, result, call.error))

    def _may_leave(self, request: Request) -> bool:
        if not isinstance(request, (SendOrder, SendAmend)):
            return True
        try:
            check_permit(request.permit)
        except Withdrawn:
            return False
        return True

    def _remember(self, call: Call) -> None:
        if isinstance(call.request, SendOrder) and isinstance(call.error, OutcomeUnknown):
            self._nobody_knows(call.request.cl_ord_id)
        if isinstance(call.request, FindOrder) and call.error is None and call.result is None:
            self.absent[call.request.cl_ord_id] += 1

    def _nobody_knows(self, key: str) -> None:
        self.unknown_at[key], self.absent[key] = self.clock.seconds, 0

    def hear(self) -> None:
        """The next message of the stream comes."""
        self.desk.wire.reported(self.exchange.news.pop(0))

    def write(self) -> None:
        """The database carries out its next job."""
        intent = self.ledger.write()
        if intent is not None:
            self.desk.intent_written(IntentWritten(KEY, intent))

    def disconnect(self) -> None:
        """The stream is gone, and what it would have said."""
        self.connected = False
        self.desk.withdraw_bots()

    def connect(self) -> None:
        """The market comes up, as `BringUp` does it."""
        for _ in range(len(self.ledger.waiting)):
            self.write()
        for row in self.ledger.open_rows():
            self.desk.look_for(row.intent)
        self.exchange.news.clear()
        self.desk.wire.listed(self.exchange.open(), self.exchange.now())
        self.connected = True

    def restart(self, *, arrives: bool) -> None:
        """`kill -9`, and a new start. The request that was being written may still arrive."""
        for queue in self.queues.values():
            if queue and not queue[0].done and arrives and self._may_leave(queue[0].request):
                self.late.append((self.clock.seconds + LATEST, queue[0].request))
        self.ledger.waiting.clear()
        posts = [row for row in self.ledger.rows if row.intent.verb == "POST"]
        self.outcomes = {row.intent.cl_ord_id: row.outcome for row in posts if row.outcome}
        for row in self.ledger.open_rows():
            self._nobody_knows(row.intent.cl_ord_id)
        self.start()

    def go_on(self) -> None:
        """What works does its next step, as nearly always."""
        if self.ledger.waiting:
            self.write()
        for name, queue in self.queues.items():
            if queue:
                self.answer(name, "good", 0.0)
        if self.connected and self.exchange.news:
            self.hear()

    def wait(self, seconds: float) -> None:
        """Time passes: what was late arrives, and what is due is done."""
        end = self.clock.seconds + seconds
        while self.clock.seconds < end:
            self.timers.move(STEP)
            for due, request in list(self.late):
                if due <= self.clock.seconds:
                    self.late.remove((due, request))
                    with suppress(OrderRefused):
                        self.exchange.carry_out(request)
            if not self.connected:
                self.exchange.news.clear()

    # ---- what must hold in the end ---------------------------------------------------------------

    def calm(self) -> None:
        """Everything works again for a while: then everything is known and nothing waits."""
        if not self.connected:
            self.connect()
        for _ in range(round(CALM / STEP)):
            self._serve()
            self.wait(STEP)
        self._serve()
        assert [row for row in self.ledger.rows if not row.outcome] == [], "intents without an end"
        shown = {o.order_id: _figures(o) for o in self.state.orders}
        assert shown == {o.order_id: _figures(o) for o in self.exchange.open()}
        for order in self.state.orders:
            assert (order.amending, order.next_change) == (None, None), "a wish waits for ever"
            assert order.key not in self.cancelled, "a cancel was forgotten"

    def _serve(self) -> None:
        for _ in range(1000):
            self.go_on()
            if not (any(self.queues.values()) or self.ledger.waiting or self.exchange.news):
                return
        raise AssertionError("requests without end")


def _figures(order: Order | LiveOrder) -> tuple[Phase, Decimal | None, int, int, int]:
    return order.phase, order.price, order.quantity, order.filled, order.leaves


def _set(order: LiveOrder, name: str, value: object) -> None:
    if name == "phase" and hasattr(order, "phase"):
        assert isinstance(value, Phase)
        assert follows(order.phase, value), f"{order.phase} -> {value} is not in the table"
    object.__setattr__(order, name, value)


@contextmanager
def table_rules() -> Iterator[None]:
    """Whoever lets an order go from one state to another that the table does not name, fails."""
    with mock.patch.object(LiveOrder, "__setattr__", _set, create=True):
        yield
