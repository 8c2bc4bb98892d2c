"""A click that switches bots off shuts their way at once, before the engine has its turn."""

from __future__ import annotations

import pytest

from common.domain.commands import Flatten, SetRobotStatus, SetTrading
from common.domain.orders import Side
from common.domain.robots import Status
from common.engine.order_gate import Permit
from tests.common.engine.support import XBTUSDT, robot
from tests.common.engine.world import World

OFF, ON = SetTrading(on=False), SetTrading(on=True)
BOT_OFF = SetRobotStatus("Venue", "bot1", False)


@pytest.fixture
def world() -> World:
    """A market that is LIVE, with two bots that work."""
    made = World(robot(), robot("bot2")).start()
    made.put(ON)
    return made


def permit(world: World, emi: str = "bot1") -> Permit:
    return world.market.desk.gate.issue(emi)


def act(world: World) -> None:
    """Let the engine act on all that was clicked."""
    world.turn()
    world.settle()


def test_m7_f9_off_counts_before_the_engine_has_read_it(world: World) -> None:
    before = permit(world)
    world.engine.submit(OFF)
    during = permit(world)  # of an order that lay in the inbox before the click
    assert not before.stands()
    assert not during.stands()
    act(world)
    assert not before.stands()
    assert not during.stands()
    world.engine.submit(ON)
    act(world)
    assert not during.stands()
    assert permit(world).stands()


def test_m7_a_bot_that_is_switched_off_leaves_the_others_alone(world: World) -> None:
    mine, others = permit(world), permit(world, "bot2")
    world.engine.submit(BOT_OFF)
    assert (mine.stands(), others.stands()) == (False, True)
    act(world)
    assert (mine.stands(), others.stands()) == (False, True)


@pytest.mark.parametrize(("emi", "sides"), [("bot1", ()), (None, (("bot1", Side.SELL),))])
def test_m7_flatten_shuts_the_way_of_the_bots_that_it_switches_off(
    world: World, emi: str | None, sides: tuple[tuple[str, Side], ...]
) -> None:
    mine, others = permit(world), permit(world, "bot2")
    world.engine.submit(Flatten(1, "Venue", XBTUSDT, emi, sides))
    assert (mine.stands(), others.stands()) == (False, True)


def test_m7_of_clicks_that_follow_each_other_the_last_one_counts(world: World) -> None:
    for click in (OFF, ON, OFF):
        world.engine.submit(click)
    while len(world.engine.inbox):
        assert not permit(world).stands()
        world.engine.handle(world.engine.inbox.get(0))
    world.engine.submit(OFF)
    world.engine.submit(ON)
    act(world)
    assert permit(world).stands()


def test_a_click_that_is_refused_changes_nothing(world: World) -> None:
    stays = permit(world)
    world.market.state.set_status("bot1", Status.ERROR, "a wrong row")
    world.engine.submit(BOT_OFF)
    assert not stays.stands()
    act(world)
    assert stays.stands()


def test_m7_an_engine_that_fails_shuts_the_way_of_every_bot(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = permit(world)

    def fail() -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(world.engine, "turn", fail)
    monkeypatch.setattr(world.market, "start", lambda: None)
    world.engine._run()
    assert not last.stands()


def test_m7_an_end_or_a_reload_shuts_the_way_of_every_bot(world: World) -> None:
    last = permit(world)
    world.engine.stop()
    assert not last.stands()
