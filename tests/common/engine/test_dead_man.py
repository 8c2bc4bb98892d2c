"""The dead man's switch on the exchange inside the process, on virtual time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from api.simulator.direct import DirectExchange
from api.simulator.ports import ApiKey
from api.simulator.request_faults import Raw
from api.simulator.time_machine import TimeMachine
from api.simulator.venue import DEMO_ACCOUNT, LiveVenue, seeded_key
from api.simulator.virtual_clock import VirtualClock
from common.domain.instruments import Category, Symbol
from common.domain.orders import Side
from common.engine.dead_man import DeadMan
from common.engine.notices import NoticeBoard
from common.engine.requests import ArmSwitch, DisarmSwitch
from common.engine.snapshot import DeadManRow, Health, Snapshot
from common.engine.state import MarketState
from tests.api.simulator.venues import START
from tests.api.terminal.support import Terminal
from tests.common.engine.support import FakeGateway, ManualClock, Timers

XBTUSDT = Symbol("XBTUSDT", Category.LINEAR)
KEY = seeded_key(5, DEMO_ACCOUNT)
PATH = "/order/cancelAllAfter"


class Watched(DirectExchange):
    """An exchange that remembers every request that changes something."""

    changes: list[tuple[float, str, str]]

    def ask(self, key: ApiKey, method: str, target: str, body: str) -> Raw:
        if method != "GET":
            self.changes.append((self.clock.monotonic(), target, body))
        return super().ask(key, method, target, body)


class Armed:
    """A terminal with one resting order whose settings ask for the switch."""

    def __init__(self, folder: Path, seconds: int = 60, lives: float = 300.0) -> None:
        self.clock = VirtualClock(START)
        self.venue = LiveVenue(seed=5, now=START, keys=[KEY], symbols=["XBTUSDT"])
        self.exchange = Watched(self.venue, self.clock)
        self.exchange.changes = []
        self.terminal = Terminal(
            self.exchange.gateway(KEY),
            (XBTUSDT,),
            folder / "books.db",
            self.clock,
            dead_man=seconds,
        )
        ledger = self.terminal.ledger
        self.terminal.engine.inbox = TimeMachine(
            self.exchange, lives, 0.1, busy=lambda: ledger.waiting > 0
        )
        self.seen: list[Snapshot] = []
        self.at(10, self.place)

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        self.exchange.later(seconds, lambda: (action(), None)[1])

    def place(self) -> None:
        """Place an order that the market will not reach; again a second later until it is LIVE."""
        bid = self.terminal.gateway.ticker(XBTUSDT).bid
        if bid is None or self.terminal.health is not Health.LIVE:
            self.at(1, self.place)
        else:
            self.terminal.place(XBTUSDT, Side.BUY, 1000, bid // 2)

    def live(self, *, disarm: bool = True) -> None:
        engine = self.terminal.engine
        engine.start()
        assert engine._thread is not None
        engine._thread.join(300)
        assert not engine._thread.is_alive()
        engine.stop(disarm=disarm)

    def refreshes(self) -> list[tuple[float, str]]:
        return [(at, body) for at, target, body in self.exchange.changes if target == PATH]

    def open_orders_after(self, seconds: float) -> int:
        self.exchange.run_until(self.clock.monotonic() + seconds)
        account = next(a for a in self.venue._exchange.customers() if a.number == DEMO_ACCOUNT)
        found = [order for order in account.orders.values() if order.is_open]
        assert account.orders, [n.text for n in self.terminal.notices.all()]
        return len(found)

    def row(self) -> DeadManRow:
        row = self.terminal.snapshot.markets[0].dead_man
        assert row is not None
        return row

    def told(self, words: str) -> list[str]:
        return [n.text for n in self.terminal.notices.all() if words in n.text]


def test_i25_it_is_refreshed_at_a_quarter_of_its_time_and_taken_back_last(tmp_path: Path) -> None:
    armed = Armed(tmp_path)
    armed.live()
    *refreshes, last = armed.refreshes()
    times = [at for at, _ in refreshes]
    assert len(times) == 20
    assert max(b - a for a, b in itertools.pairwise(times)) < 60 / 2
    assert {body for _, body in refreshes} == {'{"timeout":60000}'}
    assert last[1] == '{"timeout":0}'
    assert armed.exchange.changes[-1][1:] == (PATH, last[1])
    assert armed.open_orders_after(3600) == 1
    assert len(armed.told("cancels ALL orders of the account")) == 1


def test_an_end_that_is_none_leaves_it_armed(tmp_path: Path) -> None:
    armed = Armed(tmp_path)
    armed.live(disarm=False)
    assert armed.open_orders_after(0) == 1
    assert armed.open_orders_after(61) == 0


def test_without_the_setting_nothing_is_armed(tmp_path: Path) -> None:
    armed = Armed(tmp_path, seconds=0)
    armed.live(disarm=False)
    assert armed.refreshes() == []
    assert armed.terminal.snapshot.markets[0].dead_man is None
    assert armed.open_orders_after(3600) == 1


def test_an_outage_that_is_too_long_is_told_as_what_it_was(tmp_path: Path) -> None:
    armed = Armed(tmp_path)
    problems: list[str] = []
    armed.at(60, lambda: armed.exchange.faults.arm({"fault": "maintenance"}))
    armed.at(100, lambda: problems.append(armed.row().problem))
    armed.at(160, armed.exchange.faults.disarm)
    armed.live()
    assert "could not be refreshed" in problems[0]
    assert armed.told("has run out")
    assert armed.told("is armed again")
    assert armed.terminal.snapshot.orders == ()
    assert armed.row().problem == ""


def test_a_short_outage_harms_nothing(tmp_path: Path) -> None:
    armed = Armed(tmp_path)
    armed.at(60, lambda: armed.exchange.faults.arm({"fault": "maintenance"}))
    armed.at(80, armed.exchange.faults.disarm)
    armed.live()
    assert armed.told("has run out") == []
    assert armed.open_orders_after(0) == 1


def test_another_terminal_that_takes_over_cares_for_it() -> None:
    clock = ManualClock()
    timers, gateway = Timers(clock), FakeGateway()
    state = MarketState("Venue", gateway.network, (XBTUSDT,), dead_man=60)
    notices = NoticeBoard(clock.now)
    switch = DeadMan(state, gateway, clock, notices, later=timers.later, now=clock.now)
    switch.came_up()
    timers.move(1)
    assert gateway.count(ArmSwitch) == 1
    state.read_only = True
    timers.move(300)
    switch.disarm()
    assert gateway.count(ArmSwitch) == 1
    assert gateway.count(DisarmSwitch) == 0
