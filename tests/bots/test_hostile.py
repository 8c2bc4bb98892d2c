"""Hostile strategies beside healthy ones: the healthy ones' bars and orders are as without them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from common.domain.bots import OnStop
from common.domain.commands import SetBotPolicy
from common.domain.robots import Status
from tests.api.terminal.support import MARKET
from tests.bots.equivalent import STRATEGY
from tests.bots.hour import SYMBOLS, Bot, Market

HEALTHY = (Bot("calm", SYMBOLS[0], 1), Bot("steady", SYMBOLS[1], 1))
BAD = Bot("bad", SYMBOLS[0], 1, capital=1000)
MINUTES = 4
BUDGET = 1.5  # seconds

INIT = """
from bots.variables import Variables as bot
import algo.hostile
import algo.strategy

def init_algo():
    for emi in ("calm", "steady"):
        bot.robo[emi] = algo.strategy.algo
        algo.strategy.init_variables(robot=bot.robots[emi])
    bot.robo["bad"] = algo.hostile.algo
"""
HEAD = """
from api.websockets import Websockets
from bots.variables import Variables as bot
from common.variables import Variables as var
from functions import Function

def post(robot, price=None, qty=100, **other):
    ws = Websockets.connect[robot["MARKET"]]
    named = dict(name=robot["MARKET"], symbol=robot["SYMBOL"], emi=robot["EMI"], side="Buy",
                 price=price or 1000.0, qty=qty)
    return Function.post_order(ws, **{**named, **other})

def algo(robot, frame, ticker, instrument):
"""

Result = tuple[list[tuple[object, ...]], list[list[tuple[str, str]]]]


def play(
    folder: Path, hostile: str | None, *, head: str = HEAD, on_stop: OnStop = OnStop.LEAVE
) -> tuple[Result, Market]:
    """Run the healthy bots, perhaps beside a hostile one; return what the healthy ones did."""
    lines = "\n".join("    " + line for line in (hostile or "pass").strip().splitlines())
    files = {"init.py": INIT, "strategy.py": STRATEGY, "hostile.py": head + lines + "\n"}
    bots = HEALTHY if hostile is None else (*HEALTHY, BAD)
    with Market(folder, files, bots, budget=BUDGET) as market:
        market.engine.inbox.put(SetBotPolicy(MARKET, "bad", on_stop))
        market.run(MINUTES * 60)
        calls = [call for call in market.runner.called if call[0] != "bad"]
        orders = [market.orders_of(bot.emi) for bot in HEALTHY]
        return (list(calls), orders), market


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """What the healthy bots do without a hostile one."""
    result, _ = play(tmp_path_factory.mktemp("alone"), None)
    calls, orders = result
    assert len(calls) == 2 * MINUTES
    assert all(orders)
    return result


def logged(market: Market) -> str:
    return "\n".join(line.text for line in market.market.records.lines("bad"))


def shown(market: Market) -> tuple[Status, str]:
    robot = market.market.state.robots["bad"]
    return robot.status, robot.problem


# Catalogue: what a strategy does -> the status it gets and words of the reason.
CASES = {
    "l9_raises": ("robot['NO SUCH']", Status.ERROR, "KeyError: 'NO SUCH' (algo/hostile.py:"),
    "l10_loops": ("while True: pass", Status.OFF, "did not return within 1.5 s; it was at algo/"),
    "l10_sleeps": ("import time; time.sleep(3600)", Status.OFF, "did not return within 1.5 s"),
    "l12_senseless": (
        "for q in (float('nan'), -100, 100.5): post(robot, qty=q)",
        Status.OFF,
        "3 senseless order calls within a minute",
    ),
    "l12_off_tick": (
        "for n in range(5): post(robot, price=1000.0001)",
        Status.OFF,
        "5 of its orders were refused within a minute",
    ),
    "l12_foreign": (
        "for n in range(5): post(robot, emi='calm')",
        Status.OFF,
        "5 of its orders were refused within a minute",
    ),
    "l13_changes": (
        """
robot["POS"], robot["EMI"], robot["CAPITAL"] = 10**6, "calm", 10**9
bot.robots["calm"]["POS"] = 10**6
instrument["tickSize"] = ticker["bid"] = None
var.orders.clear()
bot.robo.clear(), bot.frames.clear()
frame[0] = None
""",
        Status.ERROR,
        "TypeError: 'Frame' object does not support item assignment",
    ),
    "l14_thousand_orders": (
        "for n in range(1000): post(robot, price=1000.0 + n)",
        Status.OFF,
        "",
    ),
    "l15_system_exit": ("raise SystemExit(0)", Status.ERROR, "SystemExit: 0 (algo/hostile.py:"),
    "l15_interrupt": ("raise KeyboardInterrupt", Status.ERROR, "KeyboardInterrupt (algo/hostile"),
    "l15_os_exit": ("import os; os._exit(3)", Status.OFF, "its process ended with code 3"),
    "l15_threads": (
        """
import threading
def spin():
    while True: post(robot)
for _ in range(4): threading.Thread(target=spin, daemon=True).start()
threading.Event().wait()  # for ever
""",
        Status.OFF,
        "",
    ),
}
if sys.platform == "linux":
    CASES["l10_allocates"] = ("bytearray(1 << 33)", Status.ERROR, "MemoryError (algo/hostile.py:")


def stops_alone(folder: Path, alone: Result, case: str) -> None:
    body, status, reason = CASES[case]
    result, market = play(folder, body)
    assert result == alone
    assert shown(market)[0] is status
    assert reason in shown(market)[1]
    assert reason in logged(market) or status is Status.OFF
    assert market.market.records.of("bad").errors > 0
    assert market.market.switch.startable("bad")
    assert len([call for call in market.runner.called if call[0] == "bad"]) == 1
    assert market.books_that_differ() == []


def of(catalogued: str) -> list[str]:
    return [case for case in CASES if case.startswith(catalogued)]


@pytest.mark.parametrize("case", of("l9"))
def test_l9_m21_a_strategy_that_raises_stops_itself_alone(
    tmp_path: Path, alone: Result, case: str
) -> None:
    stops_alone(tmp_path, alone, case)


@pytest.mark.parametrize("case", of("l10"))
def test_l10_a_strategy_that_hangs_or_swells_stops_itself_alone(
    tmp_path: Path, alone: Result, case: str
) -> None:
    stops_alone(tmp_path, alone, case)


@pytest.mark.parametrize("case", of("l12"))
def test_l12_a_strategy_that_sends_garbage_stops_itself_alone(
    tmp_path: Path, alone: Result, case: str
) -> None:
    stops_alone(tmp_path, alone, case)


@pytest.mark.parametrize("case", of("l13"))
def test_m25_l13_a_strategy_that_changes_what_it_was_given_changes_its_own_copy(
    tmp_path: Path, alone: Result, case: str
) -> None:
    stops_alone(tmp_path, alone, case)


@pytest.mark.parametrize("case", of("l14"))
def test_l14_a_strategy_that_sends_a_thousand_orders_stops_itself_alone(
    tmp_path: Path, alone: Result, case: str
) -> None:
    stops_alone(tmp_path, alone, case)


@pytest.mark.parametrize("case", of("l15"))
def test_l15_a_strategy_that_exits_or_starts_threads_stops_itself_alone(
    tmp_path: Path, alone: Result, case: str
) -> None:
    stops_alone(tmp_path, alone, case)


def test_l11_a_strategy_that_cannot_be_imported_stops_its_own_bot_alone(
    tmp_path: Path, alone: Result
) -> None:
    result, market = play(tmp_path, "pass", head="import no_such_module\n" + HEAD)
    assert result == alone
    status, reason = shown(market)
    assert status is Status.ERROR
    assert "ModuleNotFoundError: No module named 'no_such_module' (algo/hostile.py:1)" in reason


def test_l11_a_syntax_error_stops_its_own_bot_alone(tmp_path: Path, alone: Result) -> None:
    result, market = play(tmp_path, "def :")
    assert result == alone
    assert "SyntaxError: invalid syntax (algo/hostile.py:" in shown(market)[1]


def test_l11_a_wrong_signature_stops_its_own_bot_alone(tmp_path: Path, alone: Result) -> None:
    result, market = play(tmp_path, "pass", head=HEAD.replace("ticker, instrument)", "ticker)"))
    assert result == alone
    assert "must take robot, frame, ticker and instrument" in shown(market)[1]


@pytest.mark.parametrize("policy", OnStop)
def test_l9_orders_of_a_strategy_that_raises_follow_its_policy(
    tmp_path: Path, policy: OnStop
) -> None:
    # It raises a bar later: an order that is not written yet when its bot stops never leaves.
    body = """
if hasattr(algo, "posted"): 1 / 0
post(robot)
algo.posted = True
"""
    _, market = play(tmp_path, body, on_stop=policy)
    assert shown(market)[0] is Status.ERROR
    left = [order for order in market.open_there() if ".bad" in order["clOrdID"]]
    assert len(left) == (1 if policy is OnStop.LEAVE else 0)
