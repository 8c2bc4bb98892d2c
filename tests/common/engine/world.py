"""An engine stepped by hand on one thread, with a scripted exchange and books around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from common.domain.account import Account
from common.domain.books import Books, Entry, Intent
from common.domain.bot_form import BotForm
from common.domain.commands import PlaceOrder
from common.domain.executions import Executed
from common.domain.instruments import Instrument
from common.domain.market import Candle
from common.domain.orders import Phase, Side
from common.domain.robots import Robot
from common.engine.bot_items import BotDeleted, BotSaved
from common.engine.bring_up import Missing
from common.engine.engine import Engine
from common.engine.items import (
    Booked,
    IntentWritten,
    LedgerOpened,
    LedgerRead,
    LedgerUp,
    Message,
    NumbersReserved,
    RawText,
    Reply,
    StreamOpened,
    StreamReady,
)
from common.engine.notices import NoticeBoard
from common.engine.requests import (
    FetchAccount,
    FetchCandles,
    FetchCurrencies,
    FetchEndedOrders,
    FetchHistory,
    FetchInstruments,
    FetchOpenOrders,
    FetchSettlements,
    FindOrder,
    HistoryPage,
    ReadRows,
    SendAmend,
    SendCancel,
    SendOrder,
)
from common.engine.snapshot import Health
from common.engine.state import MarketState
from common.errors import (
    TmaticError,
)
from tests.common.engine import agreeing
from tests.common.engine.support import (
    INVERSE,
    KEY,
    LINEAR,
    START,
    USDT,
    XBT,
    XBTUSD,
    XBTUSDT,
    FakeGateway,
    FakeLedger,
    FakeReports,
    FakeRunner,
    ManualClock,
    order,
    robot,
)


class World:
    """An engine, a scripted exchange and books, stepped by hand on one thread."""

    def __init__(self, *robots: Robot, check: Callable[..., Missing] | None = None) -> None:
        self.clock = ManualClock()
        self.gateway = FakeGateway()
        self.ledger = FakeLedger()
        self.runner = FakeRunner()
        self.reports = FakeReports()
        self.robots = robots
        self.state = MarketState("Venue", KEY.network, (XBTUSDT, XBTUSD))
        self.history: list[object] = []
        self.open_orders: tuple[object, ...] = ()
        self.ended_orders: tuple[object, ...] = ()
        self.extra: tuple[Instrument, ...] = ()
        self.intents: tuple[Intent, ...] = ()
        self.errors: dict[type, TmaticError] = {}
        self.books_open = True  # else the ledger does not answer until `open_books`
        self.books_work = True  # else nothing that is to be booked becomes durable
        self.refusal = ""  # why the ledger writes no bot
        self.engine = Engine(
            [(self.gateway, self.state)],
            self.ledger,
            self.runner,
            self.reports,
            self.clock,
            NoticeBoard(self.clock.now),
            refresh_rate=10,
            history_days=1,
            first_date=lambda *_: None,
            check=check or (lambda _market, _found: {}),
        )
        self.market = self.engine._markets["Venue"]
        self._answered = 0
        self._jobs = 0
        self._texts = 0
        self._booked: set[str] = set()
        self._opened: set[int] = set()

    def start(self) -> World:
        """Bring the market up."""
        self.market.start()
        self.settle()
        return self

    def settle(self) -> None:
        """Answer everything that is asked until nothing is left to do."""
        for _ in range(1000):
            moved = self._answer_requests() or self._answer_jobs() or self._answer_stream()
            if len(self.engine.inbox):
                self.turn()
            elif not moved:
                return
        raise AssertionError("the engine never came to rest")

    def turn(self) -> None:
        """One turn that waits for nothing."""
        self.engine.inbox.put(LedgerUp()) if not len(self.engine.inbox) else None
        self.engine.turn()

    def move(self, seconds: float) -> None:
        """Let time pass in steps that deadlines notice; the stream keeps ticking."""
        for _ in range(int(seconds * 10)):
            self.clock.seconds += 0.1
            self.say()
            self.turn()
            self.settle()

    def say(self, *messages: Message) -> None:
        """The exchange says something on the stream."""
        self._texts += 1
        text = f"text {self._texts}"
        self.gateway.messages[text] = list(messages)
        session = self.gateway.sessions[-1] if self.gateway.sessions else 0
        self.engine.inbox.put(RawText("Venue", session, self.clock.seconds, text))
        self.turn()

    def put(self, *items: object) -> None:
        """Leave items in the inbox and let everything settle."""
        for item in items:
            self.engine.inbox.put(item)
        self.turn()
        self.settle()

    def health(self) -> Health:
        return self.market.health()[0]

    def _answer_requests(self) -> bool:
        pending = self.gateway.sent[self._answered :]
        self._answered = len(self.gateway.sent)
        for number, request in pending:
            error = self.errors.get(type(request))
            if error is not None:
                self.engine.inbox.put(Reply("Venue", number, request, None, error))
                continue
            self.engine.inbox.put(Reply("Venue", number, request, self._result(request)))
        return bool(pending)

    def _result(self, request: object) -> object:
        if isinstance(request, FetchHistory):
            rows = tuple(self.history) if request.offset == 0 else ()
            return HistoryPage(rows, len(rows), full=False)  # type: ignore[arg-type]
        if isinstance(request, FetchCandles):
            begin = START - timedelta(minutes=30)
            return tuple(
                Candle(begin + timedelta(minutes=n), 100, 101, 99, 100, 5)
                for n in range(0, 30, request.timeframe)
            )
        if isinstance(request, SendOrder):
            return order(
                request.cl_ord_id,
                f"o-{request.cl_ord_id}",
                side=request.side,
                price=str(request.price),
                quantity=request.quantity,
            )
        if isinstance(request, SendAmend):
            return order(
                request.cl_ord_id,
                request.order_id,
                price=str(request.price),
                quantity=request.quantity or 100,
                seconds=50,
            )
        if isinstance(request, SendCancel):
            return order(request.cl_ord_id, request.order_id, phase=Phase.CANCELED, seconds=99)
        answers: dict[type, object] = {
            FetchCurrencies: (USDT, XBT),
            FetchInstruments: (LINEAR, INVERSE, *self.extra),
            FetchAccount: Account(1, "somebody"),
            FetchOpenOrders: self.open_orders,
            FetchEndedOrders: self.ended_orders,
            FetchSettlements: (),
            FindOrder: None,
            ReadRows: (),
            **agreeing.answers(self.state),
        }
        return answers[type(request)]

    def _answer_jobs(self) -> bool:
        pending = self.ledger.jobs[self._jobs :]
        self._jobs = len(self.ledger.jobs)
        for kind, job in pending:
            if kind == "open" and self.books_open:
                self.open_books()
            elif kind == "book" and self.books_work:
                assert isinstance(job, tuple)
                ids = frozenset(e.exec_id for e in job)
                entries = tuple(entry_of(e) for e in job if e.exec_id not in self._booked)
                self._booked |= ids
                self.engine.inbox.put(Booked(KEY, entries, ids, len(job) - len(entries)))
            elif kind == "read":
                assert isinstance(job, tuple)
                told = [e for e in self.history if isinstance(e, Executed)]
                books = agreeing.tables(self.state, told, [entry_of(e) for e in told])
                self.engine.inbox.put(LedgerRead(KEY, job[1], books))
            elif kind == "reserve":
                self.engine.inbox.put(NumbersReserved("Venue", 1, 500))
            elif kind == "save":
                assert isinstance(job, tuple)
                self._save_bot(*job)
            elif kind == "delete":
                assert isinstance(job, tuple)
                self.robots = tuple(each for each in self.robots if each.emi != job[0])
                self.engine.inbox.put(BotDeleted("Venue", *job))
            elif kind == "intent":
                assert isinstance(job, Intent)
                self.engine.inbox.put(IntentWritten(KEY, job))
        return bool(pending)

    def open_books(self) -> None:
        """Answer that the books are open."""
        self.engine.inbox.put(LedgerOpened(self._books()))

    def _save_bot(self, form: BotForm, new: bool, event: int) -> None:
        """Make the row that the ledger makes of a form."""
        if self.refusal:
            self.engine.inbox.put(BotSaved("Venue", None, form, event, self.refusal))
            return
        row = replace(
            robot(),
            emi=form.emi,
            symbol=form.symbol,
            timeframe=form.timeframe,
            capital=form.capital,
            sort=form.sort or 9 * new,
            strategy=form.strategy,
            parameters=form.parameters,
        )
        self.robots = (*(each for each in self.robots if each.emi != form.emi), row)
        self.engine.inbox.put(BotSaved("Venue", row, form, event))

    def _books(self) -> Books:
        balances = tuple(self.state.balances.values())
        return Books(KEY, self.robots, balances, {}, self.intents, None)

    def _answer_stream(self) -> bool:
        session = self.market.bring_up.session
        if not self.gateway.sessions or self.gateway.sessions[-1] in self._opened:
            return False
        self._opened.add(session)
        self.engine.inbox.put(StreamOpened("Venue", session))
        self.say(StreamReady())
        return True


def entry_of(e: Executed) -> Entry:
    """Return the row that the ledger would write for a fill."""
    return Entry(
        exec_id=e.exec_id,
        kind=e.kind,
        emi="bot1",
        refer="bot1",
        symbol=e.symbol,
        currency=e.currency,
        side=0,
        quantity=e.quantity,
        rest=e.leaves,
        price=e.price,
        theor_price=e.price,
        trade_price=e.trade_price,
        sum_real=-e.cost,
        commission=e.fee,
        scale=6,
        at=e.at,
        number=1,
        position_delta=e.quantity,
    )


def place(event: int = 1, price: str = "100.5") -> PlaceOrder:
    """Return the click that buys one lot of XBTUSDT for bot1."""
    return PlaceOrder(event, "Venue", XBTUSDT, "bot1", Side.BUY, Decimal(price), 100)
