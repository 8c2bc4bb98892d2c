"""Fakes that satisfy the engine's ports, driven by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from common.domain.account import WalletChange
from common.domain.books import AccountKey, Intent
from common.domain.bot_form import BotForm
from common.domain.bot_story import BotKey
from common.domain.bots import BotLine, OnStop
from common.domain.executions import Executed, ExecutionKind, Network
from common.domain.instruments import Category, Currency, Instrument, Symbol
from common.domain.market import Book, Candle, RequestsLeft, Ticker
from common.domain.orders import Order, Phase, Side
from common.domain.reports import Period
from common.domain.robots import Robot, Status
from common.engine.bot_items import BotAnswer, BotCall, RobotView
from common.engine.items import Message, RawText, Reply
from common.engine.ports import Inbox
from common.engine.requests import Request
from common.engine.snapshot import Snapshot

START = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
XBTUSDT = Symbol("XBTUSDT", Category.LINEAR)
XBTUSD = Symbol("XBTUSD", Category.INVERSE)
USDT = Currency("USDt", "USDT", 6)
XBT = Currency("XBt", "XBT", 8)
KEY = AccountKey("Venue", Network.DEMO, 1)

LINEAR = Instrument(
    symbol=XBTUSDT,
    tradable=True,
    state="Open",
    tick_size=Decimal("0.1"),
    lot_size=100,
    multiplier=1,
    contracts_per_unit=1_000_000,
    quote_currency="USDT",
    settlement_currency="USDt",
    base_currency="XBT",
    max_quantity=1_000_000_000,
    max_price=Decimal(1_000_000),
)
INVERSE = Instrument(
    symbol=XBTUSD,
    tradable=True,
    state="Open",
    tick_size=Decimal("0.1"),
    lot_size=100,
    multiplier=-100_000_000,
    contracts_per_unit=1,
    quote_currency="USD",
    settlement_currency="XBt",
    base_currency="XBT",
)


class ManualClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


class Timers:
    """Collects actions for later and runs them when the clock has moved."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def later(self, delay: float, action: Callable[[], None]) -> None:
        self._due.append((self._clock.seconds + delay, next(self._order), action))

    def move(self, seconds: float) -> None:
        """Let time pass and run what becomes due, in order."""
        target = self._clock.seconds + seconds
        while self._due and min(self._due)[0] <= target:
            entry = min(self._due)
            self._due.remove(entry)
            self._clock.seconds = max(self._clock.seconds, entry[0])
            entry[2]()
        self._clock.seconds = target


@dataclass
class FakeGateway:
    """Remembers requests; the test answers them."""

    market: str = "Venue"
    network: Network = Network.DEMO
    endpoint: str = "127.0.0.1"
    sent: list[tuple[int, Request]] = field(default_factory=list)
    tickers: dict[Symbol, Ticker] = field(default_factory=dict)
    messages: dict[str, list[Message]] = field(default_factory=dict)
    sessions: list[int] = field(default_factory=list)
    disconnected: int = 0
    inbox: Inbox | None = None
    stopped: bool = False
    offset: float = 0.0
    late: str = ""

    def start(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def request(self, request: Request) -> int:
        number = len(self.sent) + 1
        self.sent.append((number, request))
        return number

    def connect(self, session: int, symbols: Sequence[Symbol], tapes: Collection[Symbol]) -> None:
        self.sessions.append(session)

    def disconnect(self) -> None:
        self.disconnected += 1

    def receive(self, item: RawText) -> Sequence[Message]:
        return self.messages[str(item.text)]

    def ticker(self, symbol: Symbol) -> Ticker:
        return self.tickers.get(symbol, Ticker(symbol))

    def book(self, symbol: Symbol) -> Book:
        return Book()

    def trouble(self) -> str:
        return self.late

    def requests_left(self) -> RequestsLeft | None:
        return None

    def clock_offset(self) -> float:
        return self.offset

    def stop(self) -> None:
        self.stopped = True

    def last(self, kind: type) -> tuple[int, Request]:
        """Return the newest request of a kind."""
        return next(s for s in reversed(self.sent) if isinstance(s[1], kind))

    def count(self, kind: type) -> int:
        """Return how many requests of a kind were sent."""
        return sum(isinstance(request, kind) for _, request in self.sent)


@dataclass
class FakeLedger:
    """Remembers jobs; the test says when they are durable."""

    jobs: list[tuple[str, object]] = field(default_factory=list)
    inbox: Inbox | None = None
    stopped: bool = False

    def start(self, inbox: Inbox) -> None:
        self.inbox = inbox

    def open(
        self, key: AccountKey, symbols: Sequence[Symbol], currencies: Sequence[Currency]
    ) -> None:
        self.jobs.append(("open", key))

    def book(
        self, key: AccountKey, executions: Sequence[Executed], cursor: datetime | None
    ) -> None:
        self.jobs.append(("book", tuple(executions)))

    def reserve_numbers(self, market: str, count: int) -> None:
        self.jobs.append(("reserve", count))

    def write_intent(self, key: AccountKey, intent: Intent) -> None:
        self.jobs.append(("intent", intent))

    def settle_intent(
        self, key: AccountKey, cl_ord_id: str, outcome: str, order_id: str, verb: str = "POST"
    ) -> None:
        kind = "settle" if verb == "POST" else "settle amendment"
        self.jobs.append((kind, (cl_ord_id, outcome)))

    def save_status(self, market: str, emi: str, work: bool) -> None:
        self.jobs.append(("status", (emi, work)))

    def save_policy(self, market: str, emi: str, on_stop: OnStop) -> None:
        self.jobs.append(("policy", (emi, on_stop)))

    def save_bot(self, market: str, form: BotForm, new: bool, event: int) -> None:
        self.jobs.append(("save", (form, new, event)))

    def delete_bot(self, market: str, emi: str, event: int) -> None:
        self.jobs.append(("delete", (emi, event)))

    def read(self, key: AccountKey, since: datetime, token: int, every_row: bool) -> None:
        self.jobs.append(("read", (since, token, every_row)))

    def keep_wallet(self, key: AccountKey, changes: Sequence[WalletChange]) -> None:
        self.jobs.append(("wallet", tuple(changes)))

    def finish(self) -> None:
        self.jobs.append(("finish", None))

    def stop(self) -> None:
        self.stopped = True

    def of(self, kind: str) -> list[object]:
        """Return the jobs of one kind."""
        return [job for name, job in self.jobs if name == kind]


@dataclass
class FakeRunner:
    """Remembers what bots were told."""

    loaded: list[RobotView] = field(default_factory=list)
    calls: list[tuple[str, BotCall]] = field(default_factory=list)
    answers: list[tuple[str, int, BotAnswer]] = field(default_factory=list)
    started: list[BotCall] = field(default_factory=list)
    notes: list[tuple[str, BotLine]] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    busy: set[str] = field(default_factory=set)  # EMIs of bots that are in a call
    stopped: bool = False

    def start(self, inbox: Inbox) -> None:
        """Nothing to remember: the test feeds the inbox."""

    def load(self, views: Sequence[RobotView], history: dict[str, Sequence[Candle]]) -> None:
        self.loaded = list(views)

    def start_bot(self, call: BotCall) -> None:
        self.started.append(call)

    def note(self, emi: str, line: BotLine) -> None:
        self.notes.append((emi, line))

    def end_bot(self, emi: str) -> None:
        self.ended.append(emi)

    def call(self, emi: str, call: BotCall) -> bool:
        free = emi not in self.busy
        if free:
            self.calls.append((emi, call))
        return free

    def answer(self, emi: str, call: int, answer: BotAnswer) -> None:
        self.answers.append((emi, call, answer))

    def stop(self) -> None:
        self.stopped = True


@dataclass
class FakeReports:
    """Remembers what was asked for."""

    asked: list[tuple[tuple[AccountKey, ...], Period]] = field(default_factory=list)
    told: list[BotKey] = field(default_factory=list)
    exported: list[Snapshot] = field(default_factory=list)
    stopped: bool = False

    def start(self, inbox: Inbox) -> None:
        """Nothing to remember: the test feeds the inbox."""

    def read(self, keys: Sequence[AccountKey], period: Period) -> None:
        self.asked.append((tuple(keys), period))

    def tell(self, key: BotKey) -> None:
        self.told.append(key)

    def export(self, snapshot: Snapshot, keys: Sequence[AccountKey]) -> None:
        self.exported.append(snapshot)

    def stop(self) -> None:
        self.stopped = True


def robot(
    emi: str = "bot1",
    symbol: Symbol = XBTUSDT,
    status: Status = Status.WORK,
    capital: int = 10,
    timeframe: int = 1,
) -> Robot:
    """Return a bot of the table robots."""
    return Robot(emi, symbol, "Venue", timeframe, capital, 1, 0, status)


def order(
    cl_ord_id: str = "1.bot1",
    order_id: str = "o1",
    *,
    symbol: Symbol = XBTUSDT,
    side: Side = Side.BUY,
    price: str | None = "100.5",
    quantity: int = 100,
    filled: int = 0,
    phase: Phase = Phase.OPEN,
    seconds: float = 1.0,
    text: str = "",
) -> Order:
    """Return an order as the exchange reports it."""
    return Order(
        order_id=order_id,
        cl_ord_id=cl_ord_id,
        symbol=symbol,
        side=side,
        price=None if price is None else Decimal(price),
        stop_price=None,
        quantity=quantity,
        filled=filled,
        leaves=0 if phase.ended else quantity - filled,
        kind="Limit",
        phase=phase,
        text=text,
        at=START + timedelta(seconds=seconds),
    )


def executed(exec_id: str = "e1", seconds: float = 1.0, quantity: int = 100) -> Executed:
    """Return a fill of XBTUSDT."""
    at = START + timedelta(seconds=seconds)
    return Executed(
        exec_id=exec_id,
        kind=ExecutionKind.TRADE,
        exec_type="Trade",
        symbol=XBTUSDT,
        order_id="o1",
        cl_ord_id="1.bot1",
        side=Side.BUY,
        quantity=quantity,
        leaves=0,
        price=Decimal("100.5"),
        trade_price=Decimal("100.5"),
        rate=Decimal("0.0005"),
        cost=10_050,
        fee=5,
        currency="USDt",
        fee_currency="USDt",
        account=1,
        at=at,
        written_at=at,
        raw="{}",
    )


def accepted(number: int, request: Request, result: object) -> Reply:
    """Return the reply to a request that went well."""
    return Reply("Venue", number, request, result)
