"""F9 OFF and a bot OFF, with a flood of a bot's orders on its way to a slow exchange."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from api.bitmex.gated_http import Guard
from api.bitmex.gateway import BitmexGateway
from common.domain.commands import SetRobotStatus, SetTrading
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.items import BotOrder
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
SLOW = 0.2  # seconds that the exchange takes for each order


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
            check(guard)
            if guard.permit is not None and guard.sending:
                times.written.append(time.monotonic())

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


@pytest.mark.parametrize(
    "off",
    [SetTrading(on=False), SetRobotStatus(MARKET, "bot1", False)],
    ids=["F9 goes off", "the bot goes off"],
)
def test_m7_nothing_of_a_bot_is_written_after_it_may_not_trade(
    exchange: ExchangeProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: Any
) -> None:
    books, runner = tmp_path / "tmatic.db", FakeRunner()
    add_robot(SqliteSettings(books), MARKET, "bot1", SYMBOL.ticker, "linear", 1440, 10_000)
    market = settings(
        exchange.rest, exchange.ws, (SYMBOL,), Depth.TEN, exchange.key, exchange.secret
    )
    terminal = Terminal(BitmexGateway(market), (SYMBOL,), books, runner=runner)
    times = Times(monkeypatch)
    terminal.engine.start()
    try:
        terminal.wait_live()
        terminal.engine.inbox.put(SetTrading(on=True))
        wait_until(lambda: terminal.snapshot.trading, 10, "TRADING ON")
        flood(terminal)
        wait_until(lambda: len(times.written) >= 2, 20, "two orders at the exchange")
        before = len(times.revoked)
        asked = time.monotonic()
        terminal.engine.inbox.put(off)
        wait_until(lambda: len(times.revoked) > before, 10, "the permits taken back")
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
    finally:
        terminal.engine.stop()
    late = [at - taken_back for at in times.written if at > taken_back]
    assert late == []
    assert 2 <= len(times.written) < ORDERS
    assert taken_back - asked < 1.0  # the engine's own delay; 50 ms on a quiet machine
    refused = [answer for _, call, answer in runner.answers if call > ORDERS]
    assert all(not answer.cl_ord_id for answer in refused)
