"""A start while the database is down: orders are seen and can be cancelled all the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from common.domain.commands import CancelAll, CancelOrder, Scope
from common.domain.instruments import Category, Symbol
from common.domain.orders import Order
from common.engine.glance import Glance
from common.engine.items import LedgerDown, LedgerUp
from common.engine.requests import FetchInstruments, FetchOpenOrders, SendCancel
from common.engine.snapshot import Health
from common.errors import ExchangeUnavailable
from tests.common.engine.support import (
    LINEAR,
    XBTUSD,
    FakeGateway,
    ManualClock,
    Timers,
    accepted,
    executed,
    order,
    robot,
)
from tests.common.engine.world import World

STRANGE = Symbol("ETHUSDT", Category.LINEAR)
OF_BOT, OF_WEB = order("5.bot1", "o5"), order("", "web-1")


@pytest.fixture
def world() -> World:
    """Return one whose database is down, with two orders at the exchange."""
    world = World(robot())
    world.books_open, world.open_orders = False, (OF_BOT, OF_WEB)
    world.start()
    world.put(LedgerDown("connection refused"))
    world.move(3)
    return world


def seen(world: World) -> dict[str, str]:
    return {live.key: live.emi for live in world.state.orders}


def test_d1_orders_are_seen_while_the_books_do_not_open(world: World) -> None:
    assert world.health() is not Health.LIVE
    assert seen(world) == {"5.bot1": "bot1", "web-1": "XBTUSDT.linear"}
    assert {row.key for row in world.engine.snapshot.orders} == {"5.bot1", "web-1"}


def test_d1_orders_are_cancelled_while_the_books_do_not_open(world: World) -> None:
    world.put(CancelOrder(1, "Venue", "5.bot1"))
    assert world.gateway.last(SendCancel)[1] == SendCancel("o5", "5.bot1")
    assert seen(world) == {"web-1": "XBTUSDT.linear"}
    world.open_orders = (OF_WEB,)
    world.put(CancelAll(2, Scope("Venue")))
    assert world.gateway.last(SendCancel)[1] == SendCancel("web-1", "")
    assert seen(world) == {}


def test_what_happens_to_the_orders_meanwhile_is_seen(world: World) -> None:
    new = order("6.bot1", "o6")
    world.open_orders = (OF_WEB, new)
    world.move(6)
    assert set(seen(world)) == {"6.bot1", "web-1"}


def test_a_look_that_fails_is_repeated_and_changes_nothing(world: World) -> None:
    world.errors[FetchOpenOrders] = ExchangeUnavailable("no route")
    world.move(6)
    assert len(seen(world)) == 2
    del world.errors[FetchOpenOrders]
    world.open_orders = ()
    world.move(6)
    assert seen(world) == {}


def test_once_the_books_are_open_the_market_comes_up(world: World) -> None:
    world.open_books()
    world.put(LedgerUp())
    assert world.health() is Health.LIVE


def test_an_order_belongs_to_the_bot_that_the_books_say(world: World) -> None:
    """A bot of another symbol than its row has owns nothing."""
    world.robots = (replace(robot(), symbol=XBTUSD),)
    world.open_books()
    world.put(LedgerUp())
    assert seen(world)["5.bot1"] == "XBTUSDT.linear"


def test_orders_are_seen_while_the_database_keeps_what_was_booked_to_itself() -> None:
    world = World(robot())
    world.books_work, world.open_orders, world.history = False, (OF_BOT,), [executed()]
    world.start()
    world.move(5)
    assert world.health() is not Health.LIVE
    assert seen(world) == {"5.bot1": "bot1"}


def test_an_order_of_a_symbol_that_nobody_named_is_seen_once_its_instrument_is_known() -> None:
    """Else CANCEL ALL would say too little, and `--stop` that there is nothing to do."""
    world = World(robot())
    world.books_open, world.open_orders = False, (order("", "web-1", symbol=STRANGE),)
    world.start()
    world.put(LedgerDown("connection refused"))
    world.errors[FetchInstruments] = ExchangeUnavailable("no route")
    world.move(2.5)
    assert FetchInstruments((STRANGE,)) in [request for _, request in world.gateway.sent]
    told = {row.market: row.orders_known for row in world.engine.snapshot.markets}
    assert told == {"Venue": False}
    world.extra = (replace(LINEAR, symbol=STRANGE),)
    del world.errors[FetchInstruments]
    world.move(6)
    snapshot = world.engine.snapshot
    assert [row.orders_known for row in snapshot.markets] == [True]
    assert [row.key for row in snapshot.orders] == ["web-1"]


# ---- when it looks ------------------------------------------------------------------------------


class Looking:
    """A glance of its own, whose questions the test counts."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.timers = Timers(self.clock)
        self.gateway = FakeGateway()
        self.wanted = True
        self.listed = 0
        self.glance = Glance(
            self.gateway,
            self._take,
            now=self.clock.now,
            later=self.timers.later,
            wanted=lambda: self.wanted,
        )

    def _take(self, orders: list[Order], _at: datetime) -> None:
        self.listed += len(orders)

    def pass_time(self, seconds: int) -> int:
        """Answer every question at once; return how many there were."""
        before = len(self.gateway.sent)
        for _ in range(seconds):
            asked = len(self.gateway.sent)
            self.timers.move(1.0)
            for number, request in self.gateway.sent[asked:]:
                self.glance.replied(accepted(number, request, (OF_BOT,)))
        return len(self.gateway.sent) - before


@pytest.fixture
def looking() -> Looking:
    return Looking()


def test_books_that_open_within_two_seconds_cost_no_look(looking: Looking) -> None:
    looking.glance.begin()
    looking.pass_time(1)
    looking.wanted = False
    assert looking.pass_time(20) == 0


def test_it_looks_every_five_seconds_and_ends_with_the_waiting(looking: Looking) -> None:
    looking.glance.begin()
    assert looking.pass_time(18) == 4  # after 2, 7, 12 and 17 seconds
    looking.wanted = False
    assert looking.pass_time(60) == 0


def test_several_starts_look_no_more_often_than_one(looking: Looking) -> None:
    for _ in range(3):
        looking.glance.begin()
    assert looking.pass_time(18) == 4
    assert looking.listed == 4


def test_a_start_over_an_open_question_looks_no_more_often(looking: Looking) -> None:
    looking.glance.begin()
    looking.timers.move(2.0)
    question = looking.gateway.sent[-1]
    looking.glance.begin()
    looking.timers.move(1.0)
    looking.glance.replied(accepted(*question, (OF_BOT,)))
    assert looking.pass_time(20) == 4


def test_a_start_goes_on_looking_though_an_earlier_question_has_no_answer_yet(
    looking: Looking,
) -> None:
    looking.glance.begin()
    looking.timers.move(2.0)
    question = looking.gateway.sent[-1]
    looking.glance.begin()
    looking.timers.move(4.0)
    looking.glance.replied(accepted(*question, (OF_BOT,)))
    assert looking.pass_time(20) == 4


def test_an_answer_that_comes_after_the_books_is_not_taken(looking: Looking) -> None:
    looking.glance.begin()
    looking.timers.move(2.0)
    looking.wanted = False
    assert looking.glance.replied(accepted(*looking.gateway.sent[-1], (OF_BOT,)))
    assert looking.listed == 0
