"""What becomes of a bot whose strategy fails, is mended, or is loaded anew while it runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.domain.bots import BotCode, BotLine, OnStop
from common.domain.commands import CancelOrder, SetBotPolicy, SetRobotStatus, SetTrading
from common.domain.robots import Status
from common.engine.bot_items import BotFailed, BotLoaded, BotOrder, BotSaid, BotWanted
from common.engine.items import LedgerDown
from common.engine.requests import SendCancel, SendOrder
from common.engine.snapshot import RobotRow
from common.errors import ExchangeUnavailable, OrderRefused, Overloaded, TmaticError
from tests.common.engine.support import START, order, robot
from tests.common.engine.test_engine import bot_post
from tests.common.engine.world import World

CODE = BotCode("algo/strategy.py", START, "0123abcd")
BETTER = BotCode("algo/strategy.py", START, "4567cdef")


@pytest.fixture
def world() -> World:
    """A market that is LIVE, with one bot that works."""
    made = World(robot()).start()
    made.put(BotLoaded("bot1", "", CODE), SetTrading(on=True))
    return made


def row(world: World) -> RobotRow:
    world.move(0.2)
    return next(each for each in world.engine.snapshot.robots if each.emi == "bot1")


def fail(world: World, *, raised: bool = True) -> None:
    world.put(BotFailed("bot1", "KeyError: 'x' (algo/strategy.py:9)", "Traceback", raised))


@pytest.mark.parametrize(("raised", "status"), [(True, Status.ERROR), (False, Status.OFF)])
def test_a_failed_strategy_is_started_anew_and_trades_when_a_person_says_so(
    world: World, raised: bool, status: Status
) -> None:
    fail(world, raised=raised)
    assert row(world).status is status
    assert "algo/strategy.py:9" in row(world).problem
    assert [call.view.robot.emi for call in world.runner.started] == ["bot1"]
    assert len(world.runner.started[0].candles) == 30
    world.put(SetRobotStatus("Venue", "bot1", True))
    assert row(world).status is (status if raised else Status.WORK)  # no worker to call yet
    fail(world, raised=raised)
    world.put(BotLoaded("bot1", "", CODE))
    assert (row(world).status, row(world).startable) == (status, True)
    world.put(SetRobotStatus("Venue", "bot1", True))
    assert (row(world).status, row(world).problem) == (Status.WORK, "")


def test_m17_a_bot_stopped_by_its_fault_is_off_after_a_restart_too(world: World) -> None:
    fail(world)
    assert world.ledger.of("status") == [("bot1", False)]


def test_m17_a_bot_that_a_person_switched_off_is_kept_as_off(world: World) -> None:
    world.put(SetRobotStatus("Venue", "bot1", False))
    assert world.ledger.of("status") == [("bot1", False)]


def test_m17_a_bot_switched_off_for_refused_orders_stays_off_after_a_restart(world: World) -> None:
    for call in range(5):
        world.put(bot_post(call=call, quantity=150))
    assert world.ledger.of("status") == [("bot1", False)]
    assert row(world).errors == 5
    assert "multiple of the lot" in world.engine.snapshot.bot_logs["Venue", "bot1"][-1].text
    assert len(world.runner.notes) == 5


def test_a_refusal_names_the_bot_once(world: World) -> None:
    world.put(bot_post(quantity=100_000))
    world.move(0.2)
    (told,) = [n.text for n in world.engine.snapshot.notices if "CAPITAL" in n.text]
    assert told.count("bot1") == 1


def test_m5_a_strategy_may_cancel_its_order_though_no_orders_may_leave(world: World) -> None:
    world.put(bot_post())
    world.put(SetTrading(on=False), LedgerDown("gone"))
    cancel = replace(bot_post(call=2), verb="del", cl_ord_id="1.bot1")
    world.put(cancel)
    assert world.gateway.count(SendCancel) == 1
    assert world.runner.answers[-1][2].reason == ""


@pytest.mark.parametrize("error", [ExchangeUnavailable("503"), OrderRefused("Invalid")])
def test_a_cancel_that_failed_is_a_problem_until_the_order_has_gone(
    world: World, error: TmaticError
) -> None:
    world.put(bot_post())
    world.errors[SendCancel] = error
    world.put(CancelOrder(9, "Venue", "1.bot1"))
    world.move(0.2)
    (problem,) = world.engine.snapshot.problems
    assert problem.cause.startswith("not cancelled: Buy")
    del world.errors[SendCancel]
    world.put(CancelOrder(10, "Venue", "1.bot1"))
    world.move(6)
    assert world.engine.snapshot.problems == ()


def test_a_bot_is_not_to_blame_when_orders_may_not_leave(world: World) -> None:
    world.put(SetTrading(on=False))
    for call in range(8):
        world.put(bot_post(call=call))
    assert "trading is off" in world.runner.answers[-1][2].reason
    assert row(world).status is Status.WORK
    assert world.ledger.of("status") == []


def test_n13_an_overloaded_exchange_is_not_the_bots_fault(world: World) -> None:
    world.errors[SendOrder] = Overloaded("The system is currently overloaded.")
    for call in range(8):
        world.put(bot_post(call=call))
    attempts = [request for _, request in world.gateway.sent if isinstance(request, SendOrder)]
    assert len(attempts) == 1
    assert "overloaded" in world.runner.answers[-1][2].reason
    assert row(world).status is Status.WORK
    assert world.ledger.of("status") == []


def test_a_strategy_that_keeps_failing_is_not_started_for_ever(world: World) -> None:
    for _ in range(6):
        fail(world, raised=False)
    assert len(world.runner.started) == 3


def test_orders_of_a_stopped_bot_stay_or_are_cancelled_by_its_policy() -> None:
    for policy in OnStop:
        world = World(robot(), robot("bot2"))
        world.open_orders = (order("7.bot1", "o7"), order("8.bot2", "o8"))
        world.start()
        world.put(SetBotPolicy("Venue", "bot1", policy))
        assert world.ledger.of("policy") == [("bot1", policy)]
        fail(world)
        sent = [r.cl_ord_id for _, r in world.gateway.sent if isinstance(r, SendCancel)]
        assert sent == (["7.bot1"] if policy is OnStop.CANCEL else [])
        assert row(world).on_stop is policy


def test_what_a_failed_strategy_asked_for_does_not_leave_any_more(world: World) -> None:
    world.engine.inbox.put(bot_post())
    world.turn()
    sent = len(world.gateway.sent)
    for item in (
        BotFailed("bot1", "did not return within 2 s", "", raised=False),
        BotLoaded("bot1", "", CODE),
        SetRobotStatus("Venue", "bot1", True),  # a person starts it before the books answered
    ):
        world.engine.inbox.put(item)
    world.turn()
    world.settle()
    assert row(world).status is Status.WORK
    assert [type(r).__name__ for _, r in world.gateway.sent[sent:]] == []


def test_an_order_of_a_failed_strategy_that_still_lay_in_the_inbox_is_refused(world: World) -> None:
    world.engine.inbox.put(BotFailed("bot1", "did not return within 2 s", "", raised=False))
    world.put(bot_post(call=3))
    assert world.runner.answers[-1][2].cl_ord_id == ""


def test_new_code_is_told_and_bad_code_leaves_the_bot_at_work(world: World) -> None:
    world.put(BotWanted("bot1"))
    assert len(world.runner.started) == 1
    world.put(BotLoaded("bot1", "SyntaxError (algo/strategy.py:3)", beside=True))
    shown = row(world)
    assert (shown.status, shown.code) == (Status.WORK, CODE)
    assert shown.note == "SyntaxError (algo/strategy.py:3)"
    texts = [n.text for n in world.engine.snapshot.notices]
    assert any("the former goes on: SyntaxError (algo/strategy.py:3)" in text for text in texts)
    world.put(BotLoaded("bot1", "", BETTER, beside=True))
    shown = row(world)
    assert (shown.status, shown.code, shown.note) == (Status.WORK, BETTER, "")
    assert any("4567cdef" in n.text for n in world.engine.snapshot.notices)
    assert world.engine.snapshot.trading


@pytest.mark.parametrize("work", [True, False])
def test_a_bot_that_could_not_be_loaded_is_what_it_was_when_its_code_is_mended(work: bool) -> None:
    world = World(robot()).start()
    world.put(SetRobotStatus("Venue", "bot1", work))
    world.put(BotLoaded("bot1", "SyntaxError (algo/strategy.py:3)"))
    assert (row(world).status, row(world).startable) == (Status.ERROR, False)
    world.put(BotWanted("bot1"), BotLoaded("bot1", "", CODE))
    assert row(world).status is (Status.WORK if work else Status.OFF)
    assert row(world).problem == ""


def test_better_code_does_not_start_a_bot_that_failed_while_it_ran(world: World) -> None:
    fail(world)
    world.put(BotLoaded("bot1", "SyntaxError (algo/strategy.py:3)"))
    assert "SyntaxError" in row(world).problem
    world.put(BotLoaded("bot1", "", BETTER))
    assert row(world).status is Status.ERROR
    assert "KeyError" in row(world).problem
    assert row(world).startable


def test_the_window_gets_the_last_lines_and_the_count_of_errors(world: World) -> None:
    lines = tuple(BotLine(START, f"line {n}", error=n % 100 == 0) for n in range(250))
    world.put(BotSaid("bot1", lines))
    assert row(world).errors == 3
    kept = world.engine.snapshot.bot_logs["Venue", "bot1"]
    assert [line.text for line in kept] == [f"line {n}" for n in range(50, 250)]


def test_news_of_a_bot_that_is_gone_is_passed_over(world: World) -> None:
    world.put(BotSaid("gone", ()), BotWanted("gone"), BotFailed("gone", "", ""))
    order_of_gone = bot_post(emi="gone")
    assert isinstance(order_of_gone, BotOrder)
    world.put(order_of_gone)
    assert world.runner.answers[-1][2].reason == "there is no such bot"
