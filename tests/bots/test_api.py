"""Strategies of the class style in their process, and the bars of higher timeframes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.api import Bot, Parameter, Strategy
from bots.class_style import ClassStrategy
from bots.frames import Frame
from bots.higher import aggregate
from common.domain.bots import BotFill
from common.domain.market import Candle
from common.domain.orders import Side
from common.engine.bot_items import BotFailed, RobotView
from tests.bots.terminal import NOON, Terminal, bar, terminal, view, write_algo

CLASS_HEAD = """
from decimal import Decimal
from bots.api import Bot, Fill, Parameter, Strategy
"""


def with_settings(emi: str, strategy: str = "", **parameters: str) -> RobotView:
    found = view(emi, capital=3)
    robot = replace(found.robot, strategy=strategy, parameters=tuple(parameters.items()))
    return replace(found, robot=robot)


def report(
    folder: Path, body: str, *, refuse: str = "", calls: int = 1, **parameters: str
) -> tuple[Any, Terminal]:
    """Run a strategy whose `on_bar` leaves something in `found`; return that and the terminal."""
    target = folder / "found.json"
    lines = "\n".join("        " + line for line in body.splitlines())
    code = f"""{CLASS_HEAD}
class One(Strategy):
    period = Parameter(5, low=2, high=50)
    seen = ()

    def on_start(self, bot):
        self.seen += (("start", len(bot.candles(99))),)

    def on_bar(self, bot):
        self.seen += ("bar",)
{lines}
        import json, pathlib
        pathlib.Path({str(target)!r}).write_text(json.dumps(found, default=str))
"""
    who = with_settings("one", "strategy:One", **parameters)
    with terminal(folder / "algo") as desk:
        desk.refuse = refuse
        write_algo(folder, code, init="def init_algo():\n    pass\n")
        assert desk.load(who, history={"one": [bar(0, 50_000.0), bar(1, 50_001.0)]}) == {"one": ""}
        for number in range(calls):
            desk.bar(who, [bar(2 + number, 50_002.0)])
    return json.loads(target.read_text(encoding="utf-8")), desk


def test_prices_are_rounded_to_the_side_that_costs_nothing(tmp_path: Path) -> None:
    found, desk = report(
        tmp_path,
        "bot.buy(bot.lot, 49_990.7)\n"
        "bot.sell(2 * bot.lot, Decimal('50010.2'))\n"
        "found = [(o.key, o.side, o.price, o.quantity) for o in bot.orders]",
    )
    assert found == [["1.one", "Buy", "49990.5", 100], ["2.one", "Sell", "50010.5", 200]]
    assert [(o.side and o.side.value, str(o.price), o.quantity) for o in desk.asked] == [
        ("Buy", "49990.5", 100),
        ("Sell", "50010.5", 200),
    ]


def test_a_price_on_the_grid_stays_as_it_is(tmp_path: Path) -> None:
    found, _ = report(
        tmp_path, "found = [bot.round_down(bot.bid), bot.round_up(bot.ask), bot.round_up(0.1)]"
    )
    assert [float(each) for each in found] == [50_000.0, 50_000.5, 0.5]


def test_a_bot_knows_what_it_is_and_has(tmp_path: Path) -> None:
    found, _ = report(
        tmp_path,
        "found = [bot.emi, bot.symbol, bot.timeframe, bot.position, bot.limit, bot.lot, bot.tick,"
        " str(bot.time)]",
    )
    assert found == ["one", "XBTUSDT", 1, 0, 300, 100, "0.5", str(NOON + timedelta(minutes=3))]


def test_orders_are_moved_and_cancelled(tmp_path: Path) -> None:
    found, _ = report(
        tmp_path,
        "order = bot.buy(bot.lot, 49_000)\n"
        "moved = bot.move(order, price=49_100.2)\n"
        "larger = bot.move(moved, quantity=300)\n"
        "one = [(o.price, o.quantity) for o in bot.orders]\n"
        "bot.sell(bot.lot, 51_000)\n"
        "bot.cancel_all('Buy')\n"
        "found = [one, [o.side for o in bot.orders], bot.cancel(larger), larger.quantity]",
    )
    assert found == [[["49100.0", 300]], ["Sell"], False, 300]


def test_a_refused_order_is_false_and_says_why(tmp_path: Path) -> None:
    found, _ = report(
        tmp_path,
        "order = bot.buy(bot.lot, 49_000)\n"
        "senseless = bot.buy(-5, 49_000)\n"
        "found = [bool(order), order.refusal, senseless.refusal]",
        refuse="beyond CAPITAL",
    )
    assert found == [False, "beyond CAPITAL", "post_order: qty must be greater than 0, not -5"]


def test_the_start_comes_once_before_the_first_bar(tmp_path: Path) -> None:
    found, _ = report(tmp_path, "found = self.seen", calls=2)
    assert found == [["start", 3], "bar", "bar"]


def test_a_parameter_has_the_bots_own_value(tmp_path: Path) -> None:
    found, _ = report(tmp_path, "found = [self.period, type(self.period).__name__]", period="12")
    assert found == [12, "int"]


def test_a_constructor_finds_the_bots_own_values() -> None:
    class Early(Strategy):
        period = Parameter(5, low=2)

        def __init__(self) -> None:
            found.append(self.period)

    found: list[int] = []
    ClassStrategy(Early, {"period": 2})
    assert found == [2]


def test_a_parameter_beyond_its_range_stops_its_bot_alone(tmp_path: Path) -> None:
    code = CLASS_HEAD + "class One(Strategy):\n    period = Parameter(5, low=2, high=50)\n"
    good, bad = (
        with_settings("good", "strategy:One"),
        with_settings("bad", "strategy:One", period="99"),
    )
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init="def init_algo():\n    pass\n")
        problems = desk.load(good, bad)
    assert problems["good"] == ""
    assert problems["bad"] == (
        "parameters of bad: period is '99'; it is a whole number from 2 to 50"
    )


def test_a_function_finds_its_parameters_in_its_dict(tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    code = f"""
from bots.api import Parameter, parameters
import json, pathlib

@parameters(PERIOD=Parameter(1, low=1), width=Parameter(2.5))
def one(robot, frame, ticker, instrument):
    pathlib.Path({str(target)!r}).write_text(json.dumps([robot["PERIOD"], robot["width"]]))
"""
    who = with_settings("one", width="3.5")
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code)
        desk.load(who, history={"one": [bar(0, 1.0), bar(1, 1.0)]})
        desk.bar(who, [bar(2, 1.0)])
    assert json.loads(target.read_text(encoding="utf-8")) == [1, 3.5]


@pytest.mark.parametrize(
    ("strategy", "problem"),
    [
        ("nothing:One", "strategy nothing:One: the folder algo has no module nothing"),
        ("strategy:Two", "strategy strategy:Two: algo/strategy.py has no Two"),
        ("strategy", "strategy 'strategy' is not named like module:attribute"),
        ("strategy:os.system", "is not named like module:attribute"),
        ("strategy:Other", "Other is a class, but no bots.api.Strategy"),
        ("strategy:NUMBER", "the strategy of one is 5, which cannot be called"),
    ],
)
def test_a_strategy_that_is_not_there_is_told(tmp_path: Path, strategy: str, problem: str) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "class Other: pass\nNUMBER = 5\n", init="def init_algo():\n    pass\n")
        assert problem in desk.load(with_settings("one", strategy))["one"]


def test_what_init_registers_goes_before_the_strategy_of_the_settings(tmp_path: Path) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "def one(robot, frame, ticker, instrument):\n    print('init')\n")
        who = with_settings("one", "strategy:algo")
        desk.load(who, history={"one": [bar(0, 1.0)]})
        desk.bar(who, [bar(1, 1.0)])
        desk.wait_said("init")


def test_a_bot_of_the_settings_runs_though_init_fails(tmp_path: Path) -> None:
    code = CLASS_HEAD + "class One(Strategy):\n    pass\n"
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init="def init_algo():\n    raise ValueError('broken')\n")
        problems = desk.load(with_settings("one", "strategy:One"), view("two"))
    assert problems["one"] == ""
    assert "ValueError: broken" in problems["two"]


def test_a_bot_of_the_settings_runs_though_init_ends_the_program(tmp_path: Path) -> None:
    code = CLASS_HEAD + "class One(Strategy):\n    pass\n"
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init="def init_algo():\n    raise SystemExit\n")
        assert desk.load(with_settings("one", "strategy:One")) == {"one": ""}
        desk.wait_said(
            "algo/init.py: SystemExit (algo/init.py:2); one runs strategy:One without it"
        )


def test_what_a_failed_init_has_registered_does_not_trade(tmp_path: Path) -> None:
    init = """
from bots.variables import Variables as bot

def init_algo():
    bot.robo["one"] = bot.robo["two"] = lambda **_: print("half prepared")
    raise ValueError("before the parameters")
"""
    code = CLASS_HEAD + "class One(Strategy):\n    def on_bar(self, bot):\n        bot.log('own')\n"
    who = with_settings("one", "strategy:One")
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init=init)
        problems = desk.load(who, view("two"), history={"one": [bar(0, 1.0)]})
        desk.bar(who, [bar(1, 1.0)])
        desk.wait_said("own")
    assert "ValueError: before the parameters (algo/init.py:6)" in problems["two"]


def test_an_endless_init_holds_up_only_the_bots_that_need_it(tmp_path: Path) -> None:
    code = CLASS_HEAD + "class One(Strategy):\n    pass\n"
    init = "def init_algo():\n    while True:\n        pass\n"
    with terminal(tmp_path / "algo", load_budget=9.0) as desk:
        write_algo(tmp_path, code, init=init)
        problems = desk.load(with_settings("one", "strategy:One"), view("two"))
        assert problems["one"] == ""
        desk.wait_said("algo/init.py: did not return within 1.5 s (algo/init.py:")
    assert problems["two"].startswith("not loaded within 9 s; it was at algo/init.py:")


def test_init_may_prepare_a_bot_that_is_gone(tmp_path: Path) -> None:
    init = """
from bots.variables import Variables as bot
import algo.strategy

def init_algo():
    bot.robots["gone"]["PERIOD"] = 10
    bot.robo["one"] = algo.strategy.algo
"""
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "", init=init)
        assert desk.load(view("one")) == {"one": ""}


def test_an_error_in_a_hook_is_told_with_its_line(tmp_path: Path) -> None:
    code = CLASS_HEAD + "class One(Strategy):\n    def on_bar(self, bot):\n        1 / 0\n"
    who = with_settings("one", "strategy:One")
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init="def init_algo():\n    pass\n")
        desk.load(who, history={"one": [bar(0, 1.0)]})
        desk.call(who, [bar(1, 1.0)])
        assert "ZeroDivisionError" in desk.wait(BotFailed, "one").reason


def test_hooks_that_are_left_out_do_nothing() -> None:
    class Empty(Strategy):
        pass

    assert not ClassStrategy(Empty, {}).takes_fills
    ClassStrategy(Empty, {}).stop()


# ---- higher timeframes ----------------------------------------------------------------------


def candle(minute: int, price: float, *, of: int = 1) -> Candle:
    start = datetime(2026, 1, 5, tzinfo=timezone.utc) + timedelta(minutes=minute)
    return Candle(start, price, price + 2, price - 1, price + 1, of, price - 0.5, price + 0.5)


def test_a_higher_bar_is_made_of_all_of_its_parts() -> None:
    (found,) = aggregate([candle(n, 100.0 + n, of=n) for n in range(5)], 1, 5)
    assert found == Candle(
        start=candle(0, 0).start,
        open=100.0,
        high=106.0,
        low=99.0,
        close=105.0,
        volume=10,
        bid=103.5,
        ask=104.5,
    )


def test_a_higher_bar_that_is_not_over_is_not_there() -> None:
    minutes = [candle(n, 100.0) for n in range(9)]
    assert [c.start for c in aggregate(minutes, 1, 5)] == [candle(0, 0).start]
    assert len(aggregate([*minutes, candle(9, 100.0)], 1, 5)) == 2


def test_a_higher_bar_that_began_before_the_first_part_is_not_there() -> None:
    found = aggregate([candle(n, 100.0) for n in range(3, 15)], 1, 5)
    assert [c.start for c in found] == [candle(5, 0).start, candle(10, 0).start]


def test_parts_that_are_missing_leave_a_higher_bar_without_them() -> None:
    found = aggregate([candle(0, 100.0), candle(4, 50.0)], 1, 5)
    assert [(c.low, c.high, c.close) for c in found] == [(49.0, 102.0, 51.0)]


def test_only_multiples_of_the_own_timeframe_are_given(tmp_path: Path) -> None:
    found, _ = report(
        tmp_path,
        "found = []\n"
        "for minutes in (7, 0, 2000):\n"
        "    try:\n"
        "        bot.candles(1, minutes)\n"
        "    except ValueError as error:\n"
        "        found.append(str(error))\n"
        "found += [len(bot.candles(2, 1)), len(bot.candles(9, 3))]",
    )
    assert found[:3] == [
        f"timeframe is {n}; it is a multiple of 1 minutes that divides a day" for n in (7, 0, 2000)
    ]
    assert found[3:] == [2, 1]


# ---- bars that are new ----------------------------------------------------------------------


def frame_of(minutes: int) -> Frame:
    frame = Frame(1)
    frame.extend(candle(n, 100.0 + n) for n in range(minutes))
    return frame


def see(strategy: ClassStrategy, frame: Frame) -> None:
    """Call a strategy with these bars."""
    robot = {"EMI": "one", "TIMEFR": 1}
    strategy(robot=robot, frame=frame, ticker={}, instrument={})


class Reader(Strategy):
    def on_start(self, bot: Bot) -> None:
        self.own: list[list[float]] = []
        self.slow: list[list[float]] = []

    def on_bar(self, bot: Bot) -> None:
        self.own.append([c.open for c in bot.new_candles()])
        self.slow.append([c.open for c in bot.new_candles(5)])


def read(*lengths: int) -> Reader:
    """Return what a strategy saw that was called when there were so many bars."""
    kept = Reader()
    strategy = ClassStrategy(Reader, {})
    strategy._strategy = kept
    for length in lengths:
        see(strategy, frame_of(length))
    return kept


def test_new_bars_are_those_of_the_past_and_then_one_by_one() -> None:
    assert read(2, 3, 4).own == [[100.0, 101.0], [102.0], [103.0]]


def test_bars_that_closed_without_a_call_are_new_at_the_next_one() -> None:
    assert read(2, 5).own == [[100.0, 101.0], [102.0, 103.0, 104.0]]


def test_a_bar_is_new_once() -> None:
    assert read(3, 3).own == [[100.0, 101.0, 102.0], []]


def test_new_bars_of_a_higher_timeframe_come_when_they_are_over() -> None:
    assert read(9, 10, 11, 14, 15).slow == [[100.0], [105.0], [], [], [110.0]]


def test_a_new_higher_bar_whose_first_part_is_missing_is_there() -> None:
    strategy, kept = ClassStrategy(Reader, {}), Reader()
    strategy._strategy = kept
    frame = Frame(1)
    frame.extend(candle(n, 100.0 + n) for n in range(5))
    see(strategy, frame)
    frame.extend(candle(n, 100.0 + n) for n in range(7, 10))
    see(strategy, frame)
    assert kept.slow == [[100.0], [107.0]]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.sampled_from([1, 2, 5, 10]))
def test_new_bars_put_together_are_all_bars(lengths: list[int], minutes: int) -> None:
    class All(Strategy):
        def on_bar(self, bot: Bot) -> None:
            seen.extend(bot.new_candles(minutes))
            assert seen == bot.candles(99, minutes)

    seen: list[Candle] = []
    strategy = ClassStrategy(All, {})
    for length in sorted(lengths):
        see(strategy, frame_of(length))


def test_no_bars_are_asked_for_and_none_given(tmp_path: Path) -> None:
    found, _ = report(tmp_path, "found = [bot.candles(0), bot.candles(-2), bot.candles(0, 2)]")
    assert found == [[], [], []]


# ---- fills and the end ----------------------------------------------------------------------


def writes(target: Path, what: str) -> str:
    return f"pathlib.Path({str(target)!r}).open('a').write({what} + chr(10))"


def test_a_strategy_is_told_of_its_fills_and_may_order_then(tmp_path: Path) -> None:
    target = tmp_path / "told.txt"
    code = f"""{CLASS_HEAD}
import pathlib
class One(Strategy):
    def on_fill(self, bot, fill):
        {writes(target, "f'{fill.side} {fill.quantity} {fill.price} {fill.order}'")}
        bot.sell(fill.quantity, fill.price + 10)
"""
    who = with_settings("one", "strategy:One")
    fill = BotFill(Side.BUY, Decimal(49990), 100, "5.one", NOON)
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init="def init_algo():\n    pass\n")
        desk.load(who, history={"one": [bar(0, 50_000.0)]})
        desk.tell(who, fill)
    assert target.read_text(encoding="utf-8") == "Buy 100 49990 5.one\n"
    assert [(o.verb, str(o.price), o.quantity) for o in desk.asked] == [("post", "50000", 100)]


def test_the_end_is_told_and_orders_nothing(tmp_path: Path) -> None:
    target = tmp_path / "told.txt"
    code = f"""{CLASS_HEAD}
import pathlib
class One(Strategy):
    def on_stop(self, bot):
        refused = bot.buy(bot.lot, 1).refusal
        {writes(target, "bot.emi + ' ' + refused")}
"""
    who = with_settings("one", "strategy:One")
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init="def init_algo():\n    pass\n")
        desk.load(who, history={"one": [bar(0, 50_000.0)]})
        desk.bar(who, [bar(1, 50_000.0)])
    assert target.read_text(encoding="utf-8") == "one outside of a call\n"
    assert desk.asked == []


def test_an_end_that_takes_too_long_is_cut_off(tmp_path: Path) -> None:
    code = f"{CLASS_HEAD}class One(Strategy):\n    def on_stop(self, bot):\n        while True: 1\n"
    who = with_settings("one", "strategy:One")
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, code, init="def init_algo():\n    pass\n")
        desk.load(who, history={"one": [bar(0, 50_000.0)]})
        desk.bar(who, [bar(1, 50_000.0)])
    assert desk.runner._thread is None  # it has ended, and the strategy with it


def test_a_folder_without_init_serves_the_bots_that_name_their_strategy(tmp_path: Path) -> None:
    code = CLASS_HEAD + "class One(Strategy):\n    pass\n"
    with terminal(tmp_path / "algo") as desk:
        folder = write_algo(tmp_path, code)
        (folder / "init.py").unlink()
        problems = desk.load(with_settings("one", "strategy:One"), view("two"))
    assert problems["one"] == ""
    assert "algo.init" in problems["two"]
    assert [line.text for emi, line in desk.said if emi == "one" and line.error] == []
