"""Strategies that misbehave: only their own bot is stopped, and the reason has a place."""

from __future__ import annotations

import queue
import sys
import threading
import time
from pathlib import Path
from typing import NoReturn

import pytest

from bots.events import Batch, Event, Limits, Load, Stop
from bots.supervisor import Supervisor
from common.engine.bot_items import BotCall, BotFailed, BotFinished, BotLoaded, RobotView
from tests.bots.terminal import bar, terminal, ticker, view, write_algo
from tests.support.waiting import wait_until

GOOD, BAD = view("good"), view("bad")


def failure(folder: Path, body: str, *, budget: float = 20.0) -> BotFailed:
    """Run a bad strategy beside a good one; return how it ended and check that the other lives."""
    algo = write_algo(
        folder, f"def good(robot, frame, ticker, instrument):\n    post(robot)\n{body}"
    )
    with terminal(algo, budget) as desk:
        assert desk.load(GOOD, BAD, history={"good": [bar(0, 1.0)], "bad": [bar(0, 1.0)]}) == {
            "good": "",
            "bad": "",
        }
        desk.call(BAD)
        desk.bar(GOOD)
        failed = desk.wait(BotFailed, "bad")
        desk.asked.clear()
        desk.bar(GOOD, [bar(1, 2.0)])
        assert [order.emi for order in desk.asked] == ["good"]
        assert not desk.runner.call("bad", BotCall(BAD, (), ticker(), ()))
        return failed


def test_a_strategy_that_raises_is_stopped_with_its_line(tmp_path: Path) -> None:
    failed = failure(tmp_path, "def bad(robot, frame, ticker, instrument):\n    robot['NO SUCH']\n")
    assert failed.reason.startswith("KeyError: 'NO SUCH' (algo/strategy.py:")
    assert "Traceback" in failed.detail


def test_a_loop_is_ended_within_its_budget_and_its_line_is_told(tmp_path: Path) -> None:
    body = "def bad(robot, frame, ticker, instrument):\n    while True: pass\n"
    begun = time.monotonic()
    failed = failure(tmp_path, body, budget=1.5)
    assert failed.reason.startswith("did not return within 1.5 s; it was at algo/strategy.py:")
    assert "while True" in failed.detail
    assert time.monotonic() - begun < 20  # far beyond the budget, for loaded machines


def test_a_sleeping_strategy_is_ended(tmp_path: Path) -> None:
    # The sleep itself is what has to end: it holds no loop that a signal would find.
    body = "def bad(robot, frame, ticker, instrument):\n    import time\n    time.sleep(3600)\n"
    assert "did not return within 1.5 s" in failure(tmp_path, body, budget=1.5).reason


ENDS = [
    ("import os; os._exit(3)", "its process ended with code 3"),
    ("raise SystemExit(0)", "SystemExit: 0 (algo/strategy.py:"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt (algo/strategy.py:"),
    ("[post(robot) for _ in range(501)]", "more than 500 order calls in one bar"),
    ("[post(robot, qty=-1) for _ in range(3)]", "3 senseless order calls within a minute"),
]
if sys.platform != "win32":
    ENDS.append(("import os; os.kill(os.getpid(), 9)", "its process was ended by SIGKILL"))
if sys.platform == "linux":  # other systems do not limit the memory of a process
    ENDS.append(("bytearray(1 << 33)", "MemoryError (algo/strategy.py:"))


@pytest.mark.parametrize(("statement", "reason"), ENDS)
def test_every_other_end_is_contained(tmp_path: Path, statement: str, reason: str) -> None:
    body = f"def bad(robot, frame, ticker, instrument):\n    {statement}\n"
    assert reason in failure(tmp_path, body).reason


def test_m24_a_strategy_in_a_long_call_delays_no_other(tmp_path: Path) -> None:
    go = tmp_path / "go"  # the slow one comes back once this file is there
    body = f"""
def slow(robot, frame, ticker, instrument):
    import os, time
    while not os.path.exists({str(go)!r}): time.sleep(0.01)

def quick(robot, frame, ticker, instrument):
    post(robot)
"""
    slow, quick = view("slow"), view("quick")
    with terminal(write_algo(tmp_path, body), budget=60.0) as desk:
        desk.load(slow, quick, history={"slow": [bar(0, 1.0)], "quick": [bar(0, 1.0)]})
        desk.call(slow)
        for minute in range(1, 6):
            desk.bar(quick, [bar(minute, 2.0)])
        assert [order.emi for order in desk.asked] == ["quick"] * 5
        assert desk.outcomes == []  # the slow one has not come back
        go.touch()
        desk.wait(BotFinished, "slow")


def test_a_large_allocation_is_the_strategys_own_affair(tmp_path: Path) -> None:
    body = "def big(robot, frame, ticker, instrument):\n    robot['X'] = bytearray(100_000_000)\n"
    with terminal(write_algo(tmp_path, body)) as desk:
        desk.load(view("big"), history={"big": [bar(0, 1.0)]})
        desk.bar(view("big"))
        desk.bar(view("big"))


def test_the_right_to_send_orders_ends_with_the_budget(tmp_path: Path) -> None:
    """The call in flight at the deadline is the last one that the terminal hears."""
    body = """
def late(robot, frame, ticker, instrument):
    import time
    try:
        time.sleep(1.7)  # the subject is time: what follows comes after the budget
    finally:
        while True: post(robot)
"""
    with terminal(write_algo(tmp_path, body), budget=1.5) as desk:
        desk.load(view("late"), history={"late": [bar(0, 1.0)]})
        desk.call(view("late"))
        assert "did not return" in desk.wait(BotFailed, "late").reason
        assert desk.asked == []


def test_waiting_for_the_terminal_costs_no_budget(tmp_path: Path) -> None:
    body = "def slow(robot, frame, ticker, instrument):\n    post(robot)\n"
    with terminal(write_algo(tmp_path, body), budget=1.5) as desk:
        desk.load(view("slow"), history={"slow": [bar(0, 1.0)]})
        desk.silent = True
        desk.call(view("slow"))
        order = desk.wait_order()
        asked = time.monotonic()
        wait_until(lambda: time.monotonic() - asked > 2.0)
        desk.silent = False
        desk.serve(order)
        desk.wait(BotFinished, "slow")


@pytest.mark.parametrize(
    ("init", "strategy", "problem"),
    [
        ("import no_such_module", "", "ModuleNotFoundError"),
        ("import algo.strategy", "def broken(:", "SyntaxError: invalid syntax (algo/strategy.py:"),
        ("", "", "algo/init.py has no function init_algo()"),
        ("def init_algo(): pass", "", 'bot.robo["bad"] is missing'),
        ("def init_algo(): raise SystemExit", "", "SystemExit (algo/init.py:1)"),
        (
            "from bots.variables import Variables as bot\n"
            "def init_algo(): bot.robo['bad'] = lambda robot: None",
            "",
            "must take robot, frame, ticker and instrument",
        ),
    ],
)
def test_a_strategy_that_cannot_be_loaded_says_where(
    tmp_path: Path, init: str, strategy: str, problem: str
) -> None:
    with terminal(write_algo(tmp_path, strategy, init)) as desk:
        assert problem in desk.load(BAD)["bad"]


def test_a_bot_is_busy_until_its_call_returns(tmp_path: Path) -> None:
    body = "def slow(robot, frame, ticker, instrument):\n    post(robot)\n"
    with terminal(write_algo(tmp_path, body)) as desk:
        bot = view("slow")
        call = BotCall(bot, (), ticker(), ())
        desk.runner.load([bot], {"slow": [bar(0, 1.0)]})
        assert not desk.runner.call("slow", call)  # not loaded yet
        desk.load(bot, history={"slow": [bar(0, 1.0)]})
        desk.silent = True
        assert desk.runner.call("slow", call)
        order = desk.wait_order()
        assert not desk.runner.call("slow", call)
        desk.silent = False
        desk.serve(order)
        desk.wait(BotFinished, "slow")
        assert desk.runner.call("slow", call)
        desk.wait(BotFinished, "slow")


def test_loading_again_takes_the_edited_strategy_and_leaves_no_process(tmp_path: Path) -> None:
    with terminal(write_algo(tmp_path, "def a(robot, **other):\n    post(robot, qty=100)")) as desk:
        for quantity in (100, 200):
            write_algo(tmp_path, f"def a(robot, **other):\n    post(robot, qty={quantity})")
            desk.load(view("a"), history={"a": [bar(0, 1.0)]})
            desk.bar(view("a"))
            assert desk.asked.pop().quantity == quantity
        # The supervisor, the eye on the files, and two of the present worker.
        assert len(bot_threads()) == 4
    assert bot_threads() == []


def test_a_process_that_cannot_be_started_is_told_but_not_of_a_replaced_bot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr("bots.roster.WorkerProcess", refuse)
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    told: queue.SimpleQueue[object] = queue.SimpleQueue()
    former, present = Batch(["old"]), Batch(["new"])
    former.retired = True
    events.put(Load(former, (view("old"),), {}, None))
    events.put(Load(present, (view("new"),), {}, None))
    events.put(Stop())
    Supervisor(events, told, Limits(1.0, 1.0, 0)).run()
    assert told.get_nowait() == BotLoaded("new", "its process cannot be started: no more processes")
    assert told.empty()


def test_a_defect_of_the_supervisor_is_told_for_every_bot(caplog: pytest.LogCaptureFixture) -> None:
    class Defect(list[RobotView]):
        def __iter__(self) -> NoReturn:
            raise ZeroDivisionError("defect")

    with terminal(None) as desk:
        views = Defect([view("a"), view("b")])
        desk.runner._batch = Batch(["a", "b"])
        load = Load(desk.runner._batch, views, {}, None)  # type: ignore[arg-type]
        desk.runner._events.put(load)
        for emi in ("a", "b"):
            assert "supervisor failed" in desk.wait(BotFailed, emi).reason
    assert "ZeroDivisionError: defect" in caplog.text


def bot_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("bot")]


def test_a_killed_worker_is_reported_while_idle(tmp_path: Path) -> None:
    body = """
def sleeper(robot, frame, ticker, instrument):
    import os, threading
    threading.Timer(0.2, os._exit, (5,)).start()
"""
    with terminal(write_algo(tmp_path, body)) as desk:
        desk.load(view("sleeper"), history={"sleeper": [bar(0, 1.0)]})
        desk.bar(view("sleeper"))
        assert desk.wait(BotFailed, "sleeper").reason == "its process ended with code 5"


def test_orders_outside_of_a_call_are_refused(tmp_path: Path) -> None:
    body = """
def later(robot, frame, ticker, instrument):
    import threading
    thread = threading.Thread(target=lambda: print("answer", repr(post(robot))))
    thread.start()
    thread.join()
"""
    with terminal(write_algo(tmp_path, body)) as desk:
        desk.load(view("later"), history={"later": [bar(0, 1.0)]})
        desk.bar(view("later"))
        assert desk.asked == []
