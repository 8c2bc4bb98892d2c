"""Sleep and clock steps: noticed, and everything is read again before any bot runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from common.domain.commands import SetTrading
from common.domain.market import Trade
from common.engine.bot_items import BotLoaded
from common.engine.problems import SKEW
from common.engine.snapshot import Health
from common.engine.time_watch import TimeWatch
from common.headless import Reporter
from tests.common.engine.support import START, XBTUSDT, ManualClock, robot
from tests.common.engine.world import World

HOURS = 8 * 3600.0


class SettableClock(ManualClock):
    """A machine whose clock can be set, and whose steady time can stand still."""

    def __init__(self) -> None:
        super().__init__()
        self.set_by = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds + self.set_by)


@pytest.mark.parametrize(
    ("steady", "set_by", "words"),
    [
        (0.1, HOURS, "slept"),  # a suspended Linux: the steady time stood still
        (HOURS, 0.0, "stood still"),  # a suspended Windows: both went on
        (0.1, 31.0, "set on"),
        (0.1, -31.0, "set back"),
        (0.1, 29.0, ""),
        (0.1, -29.0, ""),
        (29.0, 0.0, ""),
    ],
)
def test_n21_a_gap_of_more_than_thirty_seconds_is_noticed(
    steady: float, set_by: float, words: str
) -> None:
    clock = SettableClock()
    watch = TimeWatch(clock)
    clock.seconds += steady
    clock.set_by += set_by
    assert (words in watch.leap()) if words else not watch.leap()
    clock.seconds += 0.1
    assert not watch.leap()  # told once


def working_world() -> World:
    world = World(robot())
    world.clock = SettableClock()
    world.engine._clock = world.market._clock = world.market.pulse._clock = world.clock
    world.engine._time_watch = TimeWatch(world.clock)
    world.start()
    world.put(BotLoaded("bot1"), SetTrading(on=True))
    world.move(1)
    assert world.health() is Health.LIVE
    return world


@pytest.mark.parametrize("on_linux", [True, False])
def test_n21_after_a_sleep_no_bot_runs_before_everything_was_read_again(on_linux: bool) -> None:
    world = working_world()
    assert isinstance(world.clock, SettableClock)
    session, calls = world.market.bring_up.session, len(world.runner.calls)
    if on_linux:
        world.clock.set_by += HOURS
    else:
        world.clock.seconds += HOURS
    world.turn()
    assert world.health() is Health.RECONCILING
    assert len(world.runner.calls) == calls
    assert not world.market.may_trade("bot1")
    world.settle()
    assert world.market.bring_up.session > session
    assert world.health() is Health.LIVE


def test_n21_bars_that_were_slept_through_are_asked_for_and_not_made_up() -> None:
    world = working_world()
    world.move(90)
    series = world.market.dispatch._bars.get((XBTUSDT, 1))
    assert series is not None
    before = len(series)
    world.clock.seconds += HOURS
    world.turn()
    assert len(series) == before
    world.settle()
    assert series.missing_since is not None
    assert series.missing_since <= START + timedelta(seconds=180)


def test_n2_bars_do_not_close_while_trades_may_be_missing() -> None:
    world = working_world()
    world.move(30)
    trade = Trade(XBTUSDT, Decimal(100), 1, world.clock.now())
    world.say(trade)
    world.gateway.late = "the link is slow"
    calls = len(world.runner.calls)
    world.move(45)
    assert world.health() is Health.STALE
    assert len(world.runner.calls) == calls
    world.gateway.late = ""
    world.move(1)
    assert len(world.runner.calls) == calls  # nobody trades on a bar that ended 17 seconds ago
    world.move(45)
    assert len(world.runner.calls) == calls  # this exchange does not complete the bar of that time
    world.say(Trade(XBTUSDT, Decimal(100), 1, world.clock.now()))
    world.move(60)
    assert len(world.runner.calls) == calls + 1


def test_n20_clocks_that_differ_are_shown_and_far_apart_they_are_a_problem() -> None:
    world = working_world()
    reporter = Reporter()
    reporter.lines(world.engine.snapshot)
    for offset, shown, problem in ((1.4, False, False), (-7.0, True, False), (-45.0, True, True)):
        world.gateway.offset = offset
        world.move(0.3)
        snapshot = world.engine.snapshot
        told = reporter.lines(snapshot)
        assert any("apart" in line for line in told if "MARKET" in line) is shown
        assert any(each.key.startswith("clock ") for each in snapshot.problems) is problem
    assert SKEW == 30
