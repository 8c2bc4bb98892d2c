"""F9 OFF and a bot OFF, with a flood of a bot's orders on its way within the request limits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from api.bitmex.gated_http import Guard
from api.bitmex.gateway import BitmexGateway
from common.domain.commands import Drawn, SetRobotStatus, SetTrading
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.bot_items import BotOrder
from common.engine.order_gate import OrderGate
from common.ledger.robots_table import add_robot
from common.settings_types import Depth, SqliteSettings
from tests.api.bitmex.samples import settings
from tests.api.terminal.support import MARKET, Terminal
from tests.common.engine.support import FakeRunner
from tests.support.venue import ExchangeProcess, start_exchange
from tests.support.waiting import wait_until

SYMBOL = Symbol("XBTUSDT", Category.LINEAR)
ORDERS = 30
A_WHILE = 1.0  # seconds in which orders would go on leaving, ten of them


@pytest.fixture
def exchange() -> Iterator[ExchangeProcess]:
    process = start_exchange("--seed", "3")
    yield process
    process.stop()


class Times:
    """When requests of bots were written, and when permits were taken back."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written: list[float] = []
        self.revoked: list[float] = []
        check, revoke = Guard.check, OrderGate.revoke
        times = self

        def noted_check(guard: Guard) -> None:
            at = time.monotonic()  # a look that began after the permit had gone must not pass
            check(guard)
            if guard.permit is not None and guard.sending:
                times.written.append(at)

        def noted_revoke(gate: OrderGate, emi: str | None = None) -> None:
            revoke(gate, emi)
            times.revoked.append(time.monotonic())

        monkeypatch.setattr(Guard, "check", noted_check)
        monkeypatch.setattr(OrderGate, "revoke", noted_revoke)


def flood(terminal: Terminal, first: int = 1) -> None:
    """Have a strategy ask for many orders at once, far from the market."""
    for call in range(first, first + ORDERS):
        terminal.engine.inbox.put(
            BotOrder(
                emi="bot1",
                call=call,
                verb="post",
                market=MARKET,
                symbol=SYMBOL,
                on_behalf_of="bot1",
                side=Side.BUY,
                price=Decimal(50_000),
                quantity=100,
            )
        )


OFFS = pytest.mark.parametrize(
    "off",
    [SetTrading(on=False), SetRobotStatus(MARKET, "bot1", False)],
    ids=["F9 goes off", "the bot goes off"],
)


@contextmanager
def flooding(
    exchange: ExchangeProcess, folder: Path, runner: FakeRunner, written: list[float]
) -> Iterator[Terminal]:
    """A terminal whose bot has asked for many orders, two of which were `written` by now."""
    books = folder / "tmatic.db"
    add_robot(SqliteSettings(books), MARKET, "bot1", SYMBOL.ticker, "linear", 1440, 10_000)
    market = settings(
        exchange.rest, exchange.ws, (SYMBOL,), Depth.TEN, exchange.key, exchange.secret
    )
    terminal = Terminal(BitmexGateway(market), (SYMBOL,), books, runner=runner)
    terminal.engine.start()
    try:
        terminal.wait_live()
        terminal.engine.submit(SetTrading(on=True))
        wait_until(lambda: terminal.snapshot.trading, 30, "TRADING ON")
        flood(terminal)
        wait_until(lambda: len(written) >= 2, 20, "two orders at the exchange")
        yield terminal
    finally:
        terminal.engine.stop()


@OFFS
def test_m7_nothing_of_a_bot_is_written_after_it_may_not_trade(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: Any
) -> None:
    runner, times = FakeRunner(), Times(monkeypatch)
    with flooding(exchange, tmp_path, runner, times.written) as terminal:
        before = len(times.revoked)
        asked = time.monotonic()
        terminal.engine.inbox.put(off)
        wait_until(lambda: len(times.revoked) > before, 30, "the permits taken back")
        taken_back = times.revoked[before]
        flood(terminal, ORDERS + 1)  # the strategy is in the middle of its call
        wait_until(
            lambda: len(runner.answers) == 2 * ORDERS and not terminal.ledger.waiting,
            20,
            "an answer to every order call",
        )
        wait_until(
            lambda: all(row.phase.value == "open" for row in terminal.orders()),
            20,
            "an outcome of every order",
        )
    late = [at - taken_back for at in times.written if at > taken_back]
    assert late == []
    assert 2 <= len(times.written) < ORDERS
    assert taken_back - asked < 1.0  # the engine's own delay; 50 ms on a quiet machine
    refused = [answer for _, call, answer in runner.answers if call > ORDERS]
    assert all(not answer.cl_ord_id for answer in refused)


class Socket:
    """When the last byte of each part of an order request was handed to the socket."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.written: list[float] = []
        send = HTTPConnection.send

        def noted_send(connection: HTTPConnection, data: Any) -> None:
            send(connection, data)
            if bytes(data).startswith((b"POST /api/v1/order ", b"PUT /api/v1/order ", b"{")):
                self.written.append(time.monotonic())

        monkeypatch.setattr(HTTPConnection, "send", noted_send)


@OFFS
def test_m7_a_click_reaches_the_socket_within_50_ms_though_the_engine_is_busy(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: Any
) -> None:
    socket, busy, done = Socket(monkeypatch), threading.Event(), threading.Event()

    def work_long() -> None:
        busy.set()
        done.wait(20)

    with flooding(exchange, tmp_path, FakeRunner(), socket.written) as terminal:
        wait_until(lambda: not terminal.ledger.waiting, 20, "all orders to be durable")
        monkeypatch.setattr(terminal.engine._ui, "drawn", work_long)
        terminal.engine.submit(Drawn())
        assert busy.wait(10)
        before = len(socket.written)
        wait_until(lambda: len(socket.written) > before, 20, "orders leave while it works")
        clicked = time.monotonic()
        terminal.engine.submit(off)
        assert not done.wait(A_WHILE)
        late = [at - clicked for at in socket.written if at > clicked + 0.05]
        done.set()
        wait_until(
            lambda: all(row.phase.value == "open" for row in terminal.orders()),
            20,
            "the rest to be withdrawn",
        )
    assert late == []
    assert len(socket.written) < 2 * ORDERS
