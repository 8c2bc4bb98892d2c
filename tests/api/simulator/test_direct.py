"""The exchange inside the process: the port without sockets, on a clock of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from api.simulator.direct import DirectExchange, DirectGateway
from api.simulator.time_machine import TimeMachine
from api.simulator.venue import DEMO_ACCOUNT, LiveVenue, seeded_key
from api.simulator.virtual_clock import VirtualClock
from common.domain.account import Account
from common.domain.executions import Executed, ExecutionKind
from common.domain.instruments import Category, Symbol
from common.domain.orders import Order, Phase, Side
from common.engine.items import (
    Message,
    OrderChanged,
    RawText,
    Reply,
    StreamClosed,
    StreamOpened,
    StreamReady,
)
from common.engine.requests import (
    FetchAccount,
    FetchHistory,
    FetchInstruments,
    FetchOpenOrders,
    FindOrder,
    HistoryPage,
    Request,
    SendCancel,
    SendOrder,
)
from common.engine.snapshot import Health
from common.errors import ExchangeUnavailable, OrderNotFound, OutcomeUnknown
from tests.api.simulator.venues import START
from tests.api.terminal.support import Terminal, money_moves, position_of

SYMBOL = Symbol("XBTUSDT", Category.LINEAR)
KEY = seeded_key(5, DEMO_ACCOUNT)
T = TypeVar("T")


class Account1:
    """An exchange with one symbol and the inbox of one account on it."""

    def __init__(self, seed: int = 5) -> None:
        self.clock = VirtualClock(START)
        self.venue = LiveVenue(seed=seed, now=START, keys=[KEY], symbols=["XBTUSDT"])
        self.exchange = DirectExchange(self.venue, self.clock)
        self.gateway: DirectGateway = self.exchange.gateway(KEY)
        self.items: list[object] = []
        self.messages: list[Message] = []
        self.gateway.start(self)

    def put(self, item: object) -> None:
        self.items.append(item)
        if isinstance(item, RawText):
            self.messages += self.gateway.receive(item)

    def wait(self, seconds: float) -> None:
        """Let time pass in steps of half a second: what happens in one is told at its end."""
        end = self.clock.monotonic() + seconds
        while self.clock.monotonic() < end:
            self.exchange.run_until(min(end, self.clock.monotonic() + 0.5))

    def ask(self, request: Request) -> Reply:
        number = self.gateway.request(request)
        replies = [i for i in self.items if isinstance(i, Reply) and i.number == number]
        assert replies, "no reply yet"
        return replies[0]

    def result(self, request: Request, kind: type[T]) -> T:
        reply = self.ask(request)
        assert reply.error is None, repr(reply.error)
        assert isinstance(reply.result, kind)
        return reply.result

    def connect(self) -> None:
        self.result(FetchInstruments((SYMBOL,)), tuple)
        self.gateway.connect(1, [SYMBOL], [SYMBOL])
        self.settle()
        assert StreamReady() in self.messages

    def settle(self) -> None:
        self.exchange.settle()

    def of(self, kind: type[T]) -> list[T]:
        return [item for item in self.items if isinstance(item, kind)]

    def bid(self) -> Decimal:
        bid = self.gateway.ticker(SYMBOL).bid
        assert bid is not None
        return bid - 100

    def send(self, name: str = "1.Me", quantity: int = 1000) -> Reply:
        return self.ask(SendOrder(name, SYMBOL, Side.BUY, quantity, self.bid()))


@pytest.fixture
def account() -> Account1:
    account = Account1()
    account.connect()
    return account


def test_the_stream_opens_with_all_images(account: Account1) -> None:
    assert account.of(StreamOpened) == [StreamOpened("Bitmex", 1)]
    account.wait(60)
    book = account.gateway.book(SYMBOL)
    assert len(book.bids) == len(book.asks) == 10
    assert book.bids[0][0] < book.asks[0][0]


def test_an_order_lives_from_request_to_fill_and_history(account: Account1) -> None:
    assert account.result(FetchAccount(), Account).number == DEMO_ACCOUNT
    order = account.send().result
    assert isinstance(order, Order)
    assert account.result(FetchOpenOrders(), tuple)[0].order_id == order.order_id
    account.venue.interventions.fill_order(order.order_id)
    account.settle()
    changed = [m.order for m in account.messages if isinstance(m, OrderChanged)][-1]
    assert (changed.cl_ord_id, changed.phase) == ("1.Me", Phase.FILLED)
    [fill] = [
        m for m in account.messages if isinstance(m, Executed) and m.kind is ExecutionKind.TRADE
    ]
    page = account.result(FetchHistory(START, 0), HistoryPage)
    assert [(e.exec_id, e.cost, e.fee) for e in page.executions] == [
        (fill.exec_id, fill.cost, fill.fee)
    ]
    late = account.ask(SendCancel(order.order_id, "1.Me"))
    assert isinstance(late.error, OrderNotFound)


def test_time_brings_the_market_on_and_funding(account: Account1) -> None:
    account.ask(SendOrder("2.Me", SYMBOL, Side.BUY, 1000, account.bid() + 1000))
    account.wait(3600)  # over 04:00
    kinds = {m.kind for m in account.messages if isinstance(m, Executed)}
    assert ExecutionKind.FUNDING in kinds


@pytest.mark.parametrize(
    ("rule", "error", "exists"),
    [
        ({"fault": "reset", "after": True}, OutcomeUnknown, True),
        ({"fault": "reset"}, OutcomeUnknown, False),
        ({"fault": "half-answer"}, OutcomeUnknown, True),
        ({"fault": "error-page", "after": True}, OutcomeUnknown, True),
    ],
)
def test_requests_fail_as_they_do_on_sockets(
    account: Account1, rule: dict[str, object], error: type, exists: bool
) -> None:
    account.exchange.faults.arm({"method": "POST", "path": "/order", **rule})
    assert isinstance(account.send().error, error)
    found = account.ask(FindOrder("1.Me")).result
    assert (found is not None) is exists


def test_an_answer_that_never_comes_is_given_up_after_a_while(account: Account1) -> None:
    account.exchange.faults.arm({"fault": "silent", "method": "POST"})
    account.gateway.request(SendOrder("1.Me", SYMBOL, Side.BUY, 1000, account.bid()))
    before = len(account.of(Reply))
    account.wait(9.9)
    assert len(account.of(Reply)) == before
    account.wait(0.2)
    assert isinstance(account.of(Reply)[-1].error, OutcomeUnknown)


@pytest.mark.parametrize(("fault", "after"), [("drop", 1.0), ("close", 1.0), ("half-open", 12.0)])
def test_a_stream_ends_as_it_does_on_a_socket(account: Account1, fault: str, after: float) -> None:
    account.exchange.faults.arm({"fault": fault})
    account.wait(after)
    [closed] = account.of(StreamClosed)
    assert isinstance(closed.error, ExchangeUnavailable)
    account.gateway.connect(2, [SYMBOL], [])
    account.settle()
    assert account.messages.count(StreamReady()) == 2


def test_an_upgrade_is_refused(account: Account1) -> None:
    account.exchange.faults.arm({"fault": "stream-refused"})
    account.gateway.connect(2, [SYMBOL], [])
    assert [closed.session for closed in account.of(StreamClosed)] == [2]


def test_a_slow_stream_delivers_late_and_in_order(account: Account1) -> None:
    account.exchange.faults.arm({"fault": "slow", "rate": 500, "seconds": 20})
    before = len(account.of(RawText))
    account.wait(20)
    slow = account.of(RawText)[before:]
    account.wait(60)
    assert sum(len(item.text) for item in slow) <= 500 * 20 + 1000
    times = [item.received_at for item in account.of(RawText)]
    assert times == sorted(times)


def test_the_same_seed_gives_the_same_bytes() -> None:
    def run(seed: int) -> list[str | bytes]:
        account = Account1(seed)
        account.connect()
        account.send()
        account.wait(600)
        return [item.text for item in account.of(RawText)]

    first = run(5)
    assert len(first) > 100
    assert first == run(5)
    assert first != run(6)


# ---- an engine on virtual time ---------------------------------------------------------------


class Run:
    """An engine that lives a while on an exchange inside the process."""

    def __init__(self, books: Path, seconds: float, step: float, pace: float = 1.0) -> None:
        self.clock = VirtualClock(START)
        self.venue = LiveVenue(seed=5, now=START, keys=[KEY], symbols=["XBTUSDT"], pace=pace)
        self.exchange = DirectExchange(self.venue, self.clock)
        gateway = self.exchange.gateway(KEY)
        self.terminal = Terminal(gateway, (SYMBOL,), books, self.clock, refresh_rate=1)
        ledger = self.terminal.ledger
        self.terminal.engine.inbox = TimeMachine(
            self.exchange, seconds, step, busy=lambda: ledger.waiting > 0
        )

    def live(self) -> float:
        """Let the engine live to the end of time; return the real seconds."""
        began = time.monotonic()
        engine = self.terminal.engine
        engine.start()
        try:
            assert engine._thread is not None
            engine._thread.join(300)
            assert not engine._thread.is_alive()
        finally:
            engine.stop()
        return time.monotonic() - began

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        self.exchange.later(seconds, lambda: (action(), None)[1])


def test_an_engine_trades_through_funding_and_faults_and_books_everything(tmp_path: Path) -> None:
    run = Run(tmp_path / "books.db", seconds=1.5 * 3600, step=1.0, pace=10)
    terminal, venue = run.terminal, run.venue
    states: list[Health] = []

    def buy() -> None:
        bid = terminal.gateway.ticker(SYMBOL).bid
        assert bid is not None
        terminal.place(SYMBOL, Side.BUY, 1000, bid - 10)

    def fill() -> None:
        for account in venue._exchange.customers():
            for order in account.open_orders():
                venue.interventions.fill_order(order.order_id, parts=5)

    for minute in range(2, 88, 4):
        run.at(minute * 60.0, buy)
        run.at(minute * 60.0 + 90, fill)
        run.at(minute * 60.0 + 100, lambda: states.append(terminal.health))
    for minute, fault in enumerate(["drop", "half-open", "close"] * 5):
        run.at(300.0 + 330 * minute, lambda f=fault: run.exchange.faults.arm({"fault": f}))  # type: ignore[misc]
    run.live()
    booked = terminal.booked()
    truth = venue.interventions.truth()
    expected = money_moves(truth, DEMO_ACCOUNT)
    assert terminal.position(SYMBOL) == position_of(truth, DEMO_ACCOUNT, SYMBOL) > 0
    assert len(expected) > 40
    assert set(booked.values()) == {1}
    assert set(booked) == expected
    assert states.count(Health.LIVE) > 0.8 * len(states)
    assert sum(run.exchange.faults.fired.values()) == 15
    assert terminal.health is Health.LIVE


def test_a_day_of_a_quiet_market_passes_in_seconds(tmp_path: Path) -> None:
    run = Run(tmp_path / "books.db", seconds=6 * 3600, step=5.0, pace=20)
    real = run.live()
    assert run.terminal.health is Health.LIVE
    assert 6 * 3600 / real > 500
