"""What is wrong now: found in the state, since when, gone with its cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from common.domain.bots import OnStop
from common.domain.orders import Phase
from common.domain.robots import Status
from common.domain.verification import Difference, Rule, Verification
from common.engine.orders import UNCONFIRMED
from common.engine.problems import Problems, not_flat
from common.engine.snapshot import DeadManRow, Health, Level, Snapshot
from common.ledger.verify import lacking
from tests.common.engine.support import robot
from tests.common.engine.world import World
from tests.display import support

CLEAN = replace(
    support.busy_snapshot(),
    robots=(support.robot_row("myBot"),),
    orders=(support.order_row(1),),
)

_TIMES = [datetime(2026, 1, day, tzinfo=timezone.utc) for day in (1, 2)]
HOLED = (Difference(Rule.COMPLETE_ROWS, None, "", "", "", 0, 2, lacking(_TIMES), blocks=False),)


def after(snapshot: Snapshot, seconds: float) -> Snapshot:
    return replace(snapshot, at=snapshot.at + timedelta(seconds=seconds))


def market(health: Health, reason: str = "", **changes: object) -> Snapshot:
    row = replace(support.market_row(health, reason), **changes)  # type: ignore[arg-type]
    return replace(CLEAN, markets=(row,))


def test_nothing_is_wrong_with_a_healthy_account() -> None:
    assert Problems().present(CLEAN) == ()


@pytest.mark.parametrize(
    ("snapshot", "cause", "remedy"),
    [
        (market(Health.OFFLINE, "no route"), "Bitmex is OFFLINE: no route", "check the network"),
        (market(Health.STALE, "no data for 9 s"), "no word from the exchange", "wait"),
        (market(Health.BLOCKED, "database: locked"), "database: locked", "the disk"),
        (market(Health.BLOCKED, "the key was refused"), "key was refused", "press F3"),
        (
            market(Health.BLOCKED, "another terminal writes", read_only=True),
            "another terminal",
            "close the other terminal",
        ),
        (
            market(Health.LIVE, dead_man=DeadManRow(60, support.NOW, "not refreshed")),
            "not refreshed",
            "check the network",
        ),
        (
            market(Health.LIVE, verification=Verification(differences=HOLED)),
            "2 executions from 2026-01-01 00:00:00 to 2026-01-02 00:00:00 lack rows",
            "write an earlier date into history.ini",
        ),
        (
            replace(CLEAN, orders=(support.order_row(1, phase=Phase.UNKNOWN),)),
            "outcome unknown: Buy 0.002 XBTUSDT",
            "do not place it a second time",
        ),
        (
            replace(CLEAN, orders=(replace(support.order_row(1), cancel_problem=UNCONFIRMED),)),
            "not cancelled: Buy 0.002 XBTUSDT",
            "reckon with its fill",
        ),
        (
            replace(CLEAN, orders=(replace(support.order_row(1), cancel_problem="Invalid"),)),
            "(myBot): Invalid",
            "cancel it once more",
        ),
        (
            replace(CLEAN, robots=(support.robot_row("b", status=Status.ERROR, problem="bad"),)),
            "b is stopped: bad",
            "press F3",
        ),
        (
            replace(CLEAN, robots=(support.robot_row("b", status=Status.OFF, problem="slow"),)),
            "b is stopped: slow",
            "a click on it",
        ),
        (
            replace(CLEAN, accounts=(replace(support.accounts()[0], alarm=True),)),
            "CONTROL of XBt is 0.00004321",
            "F7 compares",
        ),
    ],
)
def test_each_problem_says_what_is_done_and_what_can_be_done(
    snapshot: Snapshot, cause: str, remedy: str
) -> None:
    (problem,) = Problems().present(snapshot)
    assert cause in problem.cause
    assert remedy in problem.remedy
    assert problem.doing


def test_a_bot_that_was_switched_off_is_no_problem() -> None:
    row = support.robot_row("b", status=Status.OFF)
    assert Problems().present(replace(CLEAN, robots=(row,))) == ()


@pytest.mark.parametrize(("policy", "orders"), [(OnStop.LEAVE, True), (OnStop.CANCEL, False)])
def test_a_stopped_bot_says_what_becomes_of_its_orders(policy: OnStop, orders: bool) -> None:
    row = replace(support.robot_row("b", status=Status.OFF, problem="slow"), on_stop=policy)
    (problem,) = Problems().present(replace(CLEAN, robots=(row,)))
    assert ("orders and position stay" in problem.doing) is orders


def test_a_problem_keeps_its_beginning_and_goes_with_its_cause() -> None:
    problems = Problems()
    offline = market(Health.OFFLINE, "no route")
    (first,) = problems.present(offline)
    (later,) = problems.present(after(offline, 30))
    assert later.since == first.since == offline.at
    assert problems.present(after(CLEAN, 31)) == ()
    (again,) = problems.present(after(offline, 40))
    assert again.since == offline.at + timedelta(seconds=40)


def test_a_start_is_no_problem_before_it_has_taken_long() -> None:
    problems = Problems()
    starting = market(Health.STARTING)
    assert problems.present(starting) == ()
    assert problems.present(after(starting, 19)) == ()
    (slow,) = problems.present(after(starting, 21))
    assert (slow.level, slow.since) == (Level.WARNING, starting.at)


def test_the_worst_comes_first_and_the_oldest_of_them() -> None:
    problems = Problems()
    unknown = replace(CLEAN, orders=(support.order_row(1, phase=Phase.UNKNOWN),))
    problems.present(unknown)  # remembers since when
    offline = market(Health.OFFLINE, "no route")
    both = after(replace(offline, orders=unknown.orders), 5)
    found = problems.present(both, [not_flat("myBot", "no price")])
    assert [problem.level for problem in found] == [Level.ERROR, Level.ERROR, Level.WARNING]


def test_the_engine_publishes_problems_and_takes_them_back() -> None:
    world = World(robot()).start()
    world.move(0.2)
    assert not world.engine.snapshot.problems
    world.state.set_status("bot1", Status.ERROR, "it raised")
    world.move(0.2)
    assert [each.cause for each in world.engine.snapshot.problems] == ["bot1 is stopped: it raised"]
    world.state.set_status("bot1", Status.WORK)
    world.move(0.2)
    assert world.engine.snapshot.problems == ()
