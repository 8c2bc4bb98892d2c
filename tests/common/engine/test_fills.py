"""Strategies that are told of their fills, between the closes of bars."""

from __future__ import annotations

from decimal import Decimal

import pytest

from common.domain.bots import BotFill
from common.domain.commands import SetTrading
from common.domain.market import Ticker
from common.domain.orders import Side
from common.engine.bot_items import BotCall, BotFinished, BotLoaded
from common.engine.fills import MOST_FILLS, Fills
from tests.common.engine.support import XBTUSDT, executed, robot
from tests.common.engine.world import World, entry_of


@pytest.fixture
def world() -> World:
    """A market that is LIVE, with one bot that works and takes fills."""
    made = World(robot()).start()
    made.gateway.tickers[XBTUSDT] = Ticker(XBTUSDT, Decimal(100), Decimal(101))
    made.put(BotLoaded("bot1", takes_fills=True), SetTrading(on=True))
    return made


def fill(world: World, name: str) -> None:
    """The exchange tells of a fill of bot1, and it is booked."""
    world.say(executed(name))
    world.settle()


def calls(world: World) -> list[BotCall]:
    return [call for _, call in world.runner.calls]


def test_a_fill_is_told_when_it_is_booked(world: World) -> None:
    fill(world, "e1")
    (call,) = calls(world)
    entry = entry_of(executed("e1"))
    assert call.fills == (BotFill(Side.BUY, entry.trade_price, entry.quantity, "1.bot1", entry.at),)
    assert call.candles == ()
    assert call.view.position == entry.quantity


def test_a_strategy_that_does_not_ask_is_not_told(world: World) -> None:
    world.put(BotLoaded("bot1"))
    fill(world, "e1")
    assert calls(world) == []


def test_fills_that_come_while_the_bot_is_busy_follow_together(world: World) -> None:
    world.runner.busy.add("bot1")
    fill(world, "e1")
    fill(world, "e2")
    world.runner.busy.clear()
    world.put(BotFinished("bot1", 0.1))
    assert [len(call.fills) for call in calls(world)] == [2]
    world.put(BotFinished("bot1", 0.1))
    assert len(calls(world)) == 1


def test_a_bar_that_closes_during_a_call_about_fills_is_not_lost(world: World) -> None:
    fill(world, "e1")
    world.runner.busy.add("bot1")
    world.move(61)
    assert [bool(call.fills) for call in calls(world)] == [True]
    world.runner.busy.clear()
    world.put(BotFinished("bot1", 0.1))
    assert [bool(call.fills) for call in calls(world)] == [True, False]
    assert len(calls(world)[1].candles) >= 1


def test_nothing_is_told_while_trading_is_off(world: World) -> None:
    world.put(SetTrading(on=False))
    fill(world, "e1")
    assert calls(world) == []


def test_a_strategy_that_has_ended_is_told_of_nothing_old() -> None:
    fills = Fills()
    fills.set_taker("bot1", True)
    fills.take([entry_of(executed("e1"))])
    fills.forget("bot1")
    fills.set_taker("bot1", True)
    assert fills.pending("bot1") == ()


def test_what_waits_is_bounded() -> None:
    fills = Fills()
    fills.set_taker("bot1", True)
    for number in range(MOST_FILLS + 5):
        fills.take([entry_of(executed(f"e{number}"))])
    assert len(fills.pending("bot1")) == MOST_FILLS
