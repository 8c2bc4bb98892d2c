"""A second terminal on an account: it watches, places nothing, books nothing, and takes over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from common.domain.books import Balance, Books
from common.domain.commands import CancelOrder, SetRobotStatus, SetTrading
from common.domain.robots import Status
from common.engine.follower import LOOK_SECONDS, READ_ONLY
from common.engine.items import OrderChanged, StreamClosed, WriterLost
from common.engine.requests import FetchCandles, FetchHistory, SendAmend, SendCancel, SendOrder
from common.engine.snapshot import Health
from common.errors import ExchangeUnavailable
from tests.common.engine.support import KEY, XBTUSDT, executed, order, robot
from tests.common.engine.world import World, place


class Shared(World):
    """A world whose books may be another terminal's."""

    def __init__(self, **options: Any) -> None:
        self.taken = True
        self.position = 0
        super().__init__(robot(), **options)

    def _books(self) -> Books:
        balance = Balance("bot1", XBTUSDT, "USDt", position=self.position)
        return replace(super()._books(), read_only=self.taken, balances=(balance,))

    def texts(self) -> list[str]:
        return [notice.text for notice in self.engine._notices.all()]

    def opened(self) -> int:
        return len(self.ledger.of("open"))


@pytest.fixture
def second() -> Shared:
    world = Shared()
    world.start()
    return world


def test_the_second_terminal_is_read_only_and_says_so(second: Shared) -> None:
    assert second.market.health() == (Health.BLOCKED, READ_ONLY)
    assert any(READ_ONLY in text for text in second.texts())
    assert second.engine.settled.is_set()
    assert second.gateway.sessions == [1]  # it sees the market and the orders


def test_it_neither_books_nor_reserves_nor_starts_bots(second: Shared) -> None:
    second.say(executed())
    second.move(1.0)
    assert [name for name, _ in second.ledger.jobs if name != "open"] == []
    assert second.runner.loaded == []
    assert second.gateway.count(FetchHistory) == 0
    assert second.gateway.count(FetchCandles) == 0


def test_it_places_and_moves_nothing_but_cancels(second: Shared) -> None:
    second.say(OrderChanged(order("7.bot1", "o7")))
    second.put(place(event=1))
    assert [n.event for n in second.engine._notices.all() if n.refused] == [1]
    assert second.gateway.count(SendOrder) + second.gateway.count(SendAmend) == 0
    second.put(CancelOrder(2, "Venue", "7.bot1"))
    assert second.gateway.count(SendCancel) == 1
    second.put(SetRobotStatus("Venue", "bot1", work=False))
    assert second.ledger.of("status") == []
    assert second.state.robots["bot1"].status is Status.WORK


def test_trading_cannot_be_switched_on(second: Shared) -> None:
    second.put(SetTrading(on=True))
    second.move(0.2)
    assert not second.engine.snapshot.trading


def test_trading_that_was_on_before_the_books_were_seen_goes_off() -> None:
    world = Shared()
    world.put(SetTrading(on=True))
    world.start()
    world.move(0.2)
    assert not world.engine.snapshot.trading


def test_it_follows_the_books_of_the_other(second: Shared) -> None:
    second.position = 300
    second.move(LOOK_SECONDS + 0.2)
    assert second.state.position("bot1", XBTUSDT) == 300
    second.position = 500
    second.move(LOOK_SECONDS + 0.2)
    assert second.state.position("bot1", XBTUSDT) == 500
    assert second.gateway.sessions == [1]


def test_it_takes_over_when_the_other_has_ended(second: Shared) -> None:
    second.history = [executed("meanwhile")]
    second.taken = False
    second.move(LOOK_SECONDS + 0.5)
    assert second.health() is Health.LIVE
    assert second.state.position("bot1", XBTUSDT) == 100  # from the history
    assert [view.robot.emi for view in second.runner.loaded] == ["bot1"]
    assert not second.engine.snapshot.trading
    second.put(place())
    assert second.gateway.count(SendOrder) == 1
    second.open_orders = (order("1.bot1", "o-1.bot1"),)
    looks = second.opened()
    second.move(3 * LOOK_SECONDS)
    assert second.opened() == looks  # it looks no more


def test_a_break_of_the_stream_does_not_double_the_looks(second: Shared) -> None:
    for session in (1, 2, 3):
        second.put(StreamClosed("Venue", session, ExchangeUnavailable("gone")))
        second.move(1.5)
    assert second.market.health() == (Health.BLOCKED, READ_ONLY)
    before = second.opened()
    second.move(2 * LOOK_SECONDS + 0.5)
    assert second.opened() - before == 2


def test_the_first_terminal_withdraws_when_it_is_fenced_off() -> None:
    first = Shared()
    first.taken = False
    first.start()
    first.put(SetTrading(on=True), SetTrading(on=False))
    first.engine.inbox.put(place())
    first.taken = True
    first.engine.inbox.put(WriterLost(KEY))
    first.turn()  # the intent is on its way to the database when the account is lost
    assert first.gateway.count(SendOrder) == 0
    first.settle()
    assert first.gateway.count(SendOrder) == 0
    assert list(first.state.orders) == []
    assert first.market.health() == (Health.BLOCKED, READ_ONLY)
    assert any("has taken over" in text for text in first.texts())
    first.taken = False
    first.move(LOOK_SECONDS + 0.5)
    assert first.health() is Health.LIVE


def test_automatic_trading_goes_off_when_the_account_is_lost() -> None:
    first = Shared()
    first.taken = False
    first.start()
    first.put(SetTrading(on=True))
    first.taken = True
    first.put(WriterLost(KEY))
    first.move(0.2)
    assert not first.engine.snapshot.trading
    assert "TRADING OFF" in first.texts()
