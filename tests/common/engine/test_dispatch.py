"""Bars of several symbols and timeframes: who is called, when, in which order, and when not."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from common.domain.commands import SetRobotStatus, SetTrading
from common.domain.instruments import Symbol
from common.domain.market import Candle, Ticker, Trade
from common.domain.robots import Robot, Status
from common.engine.bot_items import BotFailed, BotLoaded
from common.engine.requests import FetchCandles
from tests.common.engine.support import START, XBTUSD, XBTUSDT
from tests.common.engine.world import World

MINUTE = timedelta(minutes=1)


def bot(emi: str, timeframe: int, symbol: Symbol = XBTUSDT, sort: int = 1) -> Robot:
    return Robot(emi, symbol, "Venue", timeframe, 10, sort, 0, Status.WORK)


class Downloads(World):
    """A world whose exchange has the bars of every timeframe up to now, or not the newest yet."""

    delay = 0.0  # seconds until a bar can be downloaded
    trades = 7  # volume of each downloaded bar

    def _result(self, request: object) -> object:
        if not isinstance(request, FetchCandles):
            return super()._result(request)
        step = timedelta(minutes=request.timeframe)
        until = self.clock.now() - timedelta(seconds=self.delay)
        first = max(request.since, START - 40 * step)
        start = datetime.fromtimestamp(
            first.timestamp() // step.total_seconds() * step.total_seconds(), first.tzinfo
        )
        made = []
        while start + step <= until:
            made.append(Candle(start, 100, 101, 99, 100, self.trades))
            start += step
        return tuple(made)


def trading(*robots: Robot, offset: float = 0.0) -> Downloads:
    """A market that is LIVE with these bots at work, `offset` seconds after the full hour."""
    world = Downloads(*robots)
    world.clock.seconds = offset
    for symbol in (XBTUSDT, XBTUSD):
        world.gateway.tickers[symbol] = Ticker(symbol, bid=Decimal(100), ask=Decimal(101))
    world.start()
    world.put(*(BotLoaded(robot.emi) for robot in robots), SetTrading(on=True))
    return world


def called(world: World) -> list[str]:
    return [emi for emi, _ in world.runner.calls]


def starts(world: World, emi: str) -> list[datetime]:
    """Return the start of the bar of each call of a bot."""
    return [call.candles[-1].start for who, call in world.runner.calls if who == emi]


def times_of_calls(world: World, seconds: float) -> list[tuple[float, str]]:
    """Let time pass and return when which bot was called."""
    found: list[tuple[float, str]] = []
    while world.clock.seconds < seconds:
        world.move(0.1)
        now = round(world.clock.seconds, 1)
        found += [(now, emi) for emi, _ in world.runner.calls[len(found) :]]
    return found


def test_m23_many_bots_and_timeframes_of_a_symbol_are_called_in_the_order_of_the_table() -> None:
    robots = [
        bot("last", 1, sort=9),
        bot("five", 5, sort=1),
        bot("other", 1, XBTUSD, sort=2),
        bot("twin-b", 1, sort=3),
        bot("twin-a", 1, sort=3),
    ]
    world = trading(*robots)
    world.move(302)
    minute = ["other", "twin-a", "twin-b", "last"]
    assert called(world) == [*minute * 4, "five", *minute]
    assert starts(world, "five") == [START]
    for emi in minute:
        assert starts(world, emi) == [START + n * MINUTE for n in range(5)]


@pytest.mark.parametrize("timeframe", [1, 3, 15, 60, 240])
def test_the_bar_that_runs_at_the_start_is_completed_before_a_bot_is_called(timeframe: int) -> None:
    world = trading(bot("a", timeframe), offset=25.0)
    world.delay = 1.5  # the exchange has a bar only a moment after its close
    world.clock.seconds = timeframe * 60 - 20.0
    world.market.pulse.opened()
    world.engine._time_watch.leap()
    world.market.dispatch.resume(world.clock.now())
    world.say(Trade(XBTUSDT, Decimal(105), 1, world.clock.now()))
    world.move(20.1)
    assert called(world) == []
    world.move(3)
    assert called(world) == ["a"]
    bar = world.runner.calls[0][1].candles[-1]
    assert (bar.start, bar.volume) == (START, world.trades)  # of the whole bar, not of its end
    world.move(timeframe * 6)
    assert len(called(world)) == (2 if timeframe * 6 > 60 * timeframe else 1)


def test_a_partial_bar_that_does_not_arrive_in_time_is_passed_and_said() -> None:
    world = trading(bot("a", 1), offset=25.0)
    world.delay = 30.0
    world.move(60)
    assert called(world) == []
    assert "is not traded: it was seen only in part" in logged(world, "a")
    world.move(36)
    assert starts(world, "a") == [START + MINUTE]
    assert len(world.runner.calls[0][1].candles) >= 1
    revised = [c for c in world.runner.calls[0][1].candles if c.start == START]
    assert [c.volume for c in revised] in ([], [world.trades])


def logged(world: World, emi: str) -> str:
    return "\n".join(line.text for line in world.market.records.lines(emi))


def test_bars_slept_through_are_marked_downloaded_and_not_traded() -> None:
    world = trading(bot("a", 1), bot("b", 5))
    world.move(61)
    assert called(world) == ["a"]
    world.clock.seconds += 20.0  # within the bar: it is known only in part
    world.turn()
    world.settle()
    world.move(2)
    world.clock.seconds = 175.0
    world.turn()
    world.settle()
    world.move(4)
    calls = called(world)
    assert "12:01 to 12:02 UTC is not traded" in logged(world, "a")
    world.move(62)
    assert len(calls) <= 2
    handed = {c.start: c for who, call in world.runner.calls if who == "a" for c in call.candles}
    assert START + MINUTE in handed  # it came by download
    assert handed[START + MINUTE].volume == world.trades
    assert START + MINUTE not in starts(world, "a")


def test_m24_a_bar_is_closed_by_exchange_time_and_a_clock_set_back_repeats_none() -> None:
    world = trading(bot("a", 1))
    world.gateway.offset = 0.0
    world.move(61)
    world.gateway.offset = -4.0
    world.move(61)
    assert len(starts(world, "a")) == 1  # two minutes here, not yet at the exchange
    world.move(9)
    world.gateway.offset = 0.0
    world.move(60)
    seen = starts(world, "a")
    assert seen == sorted(set(seen))
    assert seen == [START + n * MINUTE for n in range(3)]


def test_m24_a_busy_bot_passes_its_bar_and_gets_it_with_the_next_one() -> None:
    world = trading(bot("a", 1))
    world.runner.busy.add("a")
    world.move(61)
    world.runner.busy.clear()
    world.move(60)
    assert called(world) == ["a"]
    assert [c.start for c in world.runner.calls[0][1].candles] == [START, START + MINUTE]
    assert "still busy with its last call" in logged(world, "a")


def test_m24_a_busy_bot_delays_no_other() -> None:
    """Those before and after it in the table are called as if it were not there."""
    alone = trading(bot("b", 1, sort=1), bot("c", 5, sort=3))
    beside = trading(bot("b", 1, sort=1), bot("a", 1, sort=2), bot("c", 5, sort=3))
    beside.runner.busy.add("a")
    expected, found = times_of_calls(alone, 302), times_of_calls(beside, 302)
    assert found == expected
    assert [emi for _, emi in found] == ["b", "b", "b", "b", "b", "c"]


def test_minutes_without_trades_are_filled_and_high_and_low_hold_open_and_close() -> None:
    world = trading(bot("a", 1))
    world.move(61)
    world.say(Trade(XBTUSDT, Decimal(110), 3, START + timedelta(seconds=70)))
    world.move(120)
    first, second, third = (call.candles[-1] for _, call in world.runner.calls)
    assert (first.open, first.close, first.volume) == (100, 100, 0)
    assert (second.open, second.high, second.low, second.close) == (100, 110, 100, 110)
    assert (third.open, third.high, third.low, third.close, third.volume) == (110,) * 4 + (0,)


def test_a_bot_switched_on_again_gets_all_bars_since_its_last_call() -> None:
    world = trading(bot("a", 1))
    world.put(SetRobotStatus("Venue", "a", False))
    world.move(181)
    assert called(world) == []
    world.put(SetRobotStatus("Venue", "a", True))
    world.move(60)
    assert [c.start for c in world.runner.calls[0][1].candles] == [
        START + n * MINUTE for n in range(4)
    ]


def test_m21_a_bot_that_fails_does_not_keep_the_others_from_their_bars() -> None:
    world = trading(bot("a", 1), bot("b", 1), bot("c", 5))
    world.move(61)
    world.put(BotFailed("a", "KeyError: 'x' (algo/strategy.py:9)", "Traceback"))
    world.move(241)
    assert called(world).count("a") == 1
    assert starts(world, "b") == [START + n * MINUTE for n in range(5)]
    assert starts(world, "c") == [START]
    assert world.engine.snapshot.trading


def test_m22_a_row_without_code_does_not_keep_the_others_from_their_bars() -> None:
    world = Downloads(bot("a", 1), bot("b", 1))
    world.gateway.tickers[XBTUSDT] = Ticker(XBTUSDT, bid=Decimal(100), ask=Decimal(101))
    world.start()
    problem = 'algo/init.py registers no function: bot.robo["a"] is missing'
    world.put(BotLoaded("a", problem), BotLoaded("b"), SetTrading(on=True))
    world.move(61)
    assert called(world) == ["b"]
    assert world.state.robots["a"].status is Status.ERROR
    assert world.state.robots["a"].problem == problem


def test_b18_without_any_candle_the_bots_start_and_nothing_is_asked_for_ever() -> None:
    world = World(bot("a", 30))
    world._result = lambda request: (  # type: ignore[method-assign]
        () if isinstance(request, FetchCandles) else World._result(world, request)
    )
    world.start()
    world.put(BotLoaded("a"), SetTrading(on=True))
    assert [view.robot.emi for view in world.runner.loaded] == ["a"]
    world.move(120)
    assert world.gateway.count(FetchCandles) < 5
    assert world.market.health()[0].value == "LIVE"
