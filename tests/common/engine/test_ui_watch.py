"""Bots do not trade behind a window that has stood still."""

from __future__ import annotations

import pytest

from common.domain.commands import Drawn, SetTrading
from common.engine.bot_items import BotLoaded
from common.engine.snapshot import Snapshot
from tests.common.engine.support import robot
from tests.common.engine.world import World


@pytest.fixture
def world() -> World:
    world = World(robot()).start()
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    return world


def shown(world: World) -> Snapshot:
    return world.engine.snapshot


def test_u15_bots_go_off_when_the_window_has_not_drawn_for_ten_seconds(world: World) -> None:
    world.put(Drawn())
    world.move(9)
    assert shown(world).trading
    world.move(2)
    assert not shown(world).trading
    assert any("has not drawn for 10 s" in n.text for n in shown(world).notices)
    assert [each.cause for each in shown(world).problems] == ["the window does not draw"]
    world.put(Drawn())
    world.move(0.2)
    assert not shown(world).problems
    assert not shown(world).trading  # a person switches it on again


def test_u15_a_window_that_draws_keeps_them_on(world: World) -> None:
    for _ in range(30):
        world.put(Drawn())
        world.move(1)
    assert shown(world).trading


def test_u15_without_a_window_nothing_is_watched(world: World) -> None:
    world.move(60)
    assert shown(world).trading


def test_u15_a_sleep_of_the_computer_is_no_frozen_window(world: World) -> None:
    world.put(Drawn())
    world.clock.seconds += 3600
    world.say()
    world.move(3)
    assert world.engine._trading.on
