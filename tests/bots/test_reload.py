"""Saved strategies are taken in while the bots run; bad ones are not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bots.code_watch import CodeWatch, Digests
from common.engine.bot_items import BotCall, BotFinished, BotLoaded, BotWanted, RobotView
from tests.bots.terminal import Terminal, bar, terminal, ticker, view, write_algo
from tests.support.waiting import wait_until

ONE = view("one")
BARS = [bar(0, 1.0), bar(1, 2.0)]
GOOD = "def one(robot, frame, ticker, instrument):\n    post(robot, qty={})\n"


def take_in(desk: Terminal, bot: RobotView) -> BotLoaded:
    """Give the runner what it wants for new code of a bot, and return what became of it."""
    desk.wait(BotWanted, bot.robot.emi)
    desk.runner.start_bot(BotCall(bot, BARS, ticker(), list(desk.orders.values())))
    return desk.wait(BotLoaded, bot.robot.emi)


def quantities(desk: Terminal, bot: RobotView) -> list[int | None]:
    """Call a bot once and return what it ordered."""
    desk.asked.clear()
    desk.bar(bot, [bar(2, 3.0)])
    return [order.quantity for order in desk.asked]


def test_saved_code_is_used_from_the_next_bar_on_with_its_file_and_digest(tmp_path: Path) -> None:
    with terminal(write_algo(tmp_path, GOOD.format(100))) as desk:
        desk.runner.load([ONE], {"one": BARS})
        first = desk.wait(BotLoaded, "one")
        write_algo(tmp_path, GOOD.format(200))
        second = take_in(desk, ONE)
        assert (second.problem, second.beside) == ("", True)
        assert first.code and second.code
        assert first.code.file == second.code.file == "algo/strategy.py"
        assert first.code.digest != second.code.digest
        saved = second.code.saved
        changed = (tmp_path / "algo" / "strategy.py").stat().st_mtime
        assert saved and abs(saved.timestamp() - changed) < 0.001
        assert desk.asked == []  # the trial's orders went nowhere
        assert quantities(desk, ONE) == [200]


BAD = {
    "syntax": ("def one(:\n", "SyntaxError: invalid syntax (algo/strategy.py:"),
    "signature": ("def one(robot):\n    pass\n", "must take robot, frame, ticker and instrument"),
    "raises": ("def one(robot, **_):\n    1 / 0\n", "ZeroDivisionError: division by zero (algo/st"),
    "order": ("def one(robot, **_):\n    post(robot, qty=-1)\n", "in its trial: post_order: qty"),
    "loop": ("def one(robot, **_):\n    while True: pass\n", "did not return within 2 s; it was"),
    "exits": ("def one(robot, **_):\n    import os; os._exit(7)\n", "process ended with code 7"),
    "import": ("import no_such_module\n", "ModuleNotFoundError: No module named 'no_such_module'"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_code_is_told_with_its_place_and_the_former_goes_on(tmp_path: Path, kind: str) -> None:
    text, reason = BAD[kind]
    with terminal(write_algo(tmp_path, GOOD.format(100)), budget=2.0) as desk:
        desk.load(ONE, history={"one": BARS})
        write_algo(tmp_path, text)
        found = take_in(desk, ONE)
        assert reason in found.problem
        assert found.beside
        assert quantities(desk, ONE) == [100]
        assert any(line.error and reason in line.text for _, line in desk.said)
        write_algo(tmp_path, GOOD.format(300))
        assert take_in(desk, ONE).problem == ""
        assert quantities(desk, ONE) == [300]


def test_nothing_of_the_trial_stays_with_new_code_and_values_begin_anew(tmp_path: Path) -> None:
    counting = """
CALLS = []
def one(robot, frame, ticker, instrument):
    CALLS.append(1)
    robot["N"] = robot.get("N", 0) + 1
    post(robot, qty=100 * robot["N"] + 10_000 * len(CALLS))
    assert "trial" not in str(list(var.orders))or len(CALLS) == 1
"""
    with terminal(write_algo(tmp_path, counting)) as desk:
        desk.load(ONE, history={"one": BARS})
        assert quantities(desk, ONE) + quantities(desk, ONE) == [10_100, 20_200]
        write_algo(tmp_path, counting + "# edited\n")
        assert take_in(desk, ONE).problem == ""
        assert quantities(desk, ONE) == [10_100]
        assert not any(key.startswith("trial") for key in desk.orders)


def test_a_bot_whose_files_were_not_touched_is_left_alone(tmp_path: Path) -> None:
    init = """
from bots.variables import Variables as bot
import algo.strategy, algo.other

def init_algo():
    bot.robo["one"] = algo.strategy.one
    bot.robo["two"] = algo.other.two
"""
    two = view("two")
    algo = write_algo(tmp_path, GOOD.format(100), init)
    (algo / "other.py").write_text(
        "import os\ndef two(robot, **_):\n    print('pid', os.getpid())\n", encoding="utf-8"
    )
    with terminal(algo) as desk:
        desk.load(ONE, two, history={"one": BARS, "two": BARS})
        desk.bar(two)
        write_algo(tmp_path, GOOD.format(200), init)
        assert take_in(desk, ONE).problem == ""
        desk.bar(two)
        assert [item.emi for item in desk.outcomes if isinstance(item, BotWanted)] == []
        told = {line.text for emi, line in desk.said if emi == "two" and "pid" in line.text}
        assert len(told) == 1


def test_new_code_waits_for_the_end_of_the_former_codes_call(tmp_path: Path) -> None:
    with terminal(write_algo(tmp_path, GOOD.format(100))) as desk:
        desk.load(ONE, history={"one": BARS})
        desk.silent = True
        desk.call(ONE, [bar(2, 3.0)])
        order = desk.wait_order()
        write_algo(tmp_path, GOOD.format(200) + "    print(len(frame), frame[-1]['close'])\n")
        desk.wait(BotWanted, "one")
        desk.runner.start_bot(BotCall(ONE, [*BARS, bar(2, 3.0)], ticker(), ()))
        desk.silent = False
        desk.serve(order)
        desk.wait(BotFinished, "one")
        assert desk.wait(BotLoaded, "one").beside
        desk.bar(ONE, [bar(3, 4.0)])
        assert desk.asked[-1].quantity == 200
        assert any(line.text == "4 4.0" for _, line in desk.said)


def test_bars_that_close_while_new_code_is_tried_reach_it(tmp_path: Path) -> None:
    with terminal(write_algo(tmp_path, GOOD.format(100)), budget=5.0) as desk:
        desk.load(ONE, history={"one": BARS})
        go = tmp_path / "go"  # the new code is tried until this file is there
        slow = f"import os, time\nwhile not os.path.exists({str(go)!r}): time.sleep(0.01)\n"
        slow += GOOD.format(200)
        write_algo(tmp_path, slow + "    print([b['close'] for b in frame])\n")
        desk.wait(BotWanted, "one")
        desk.runner.start_bot(BotCall(ONE, BARS, ticker(), ()))
        assert quantities(desk, ONE) == [100]
        go.touch()
        assert desk.wait(BotLoaded, "one").beside
        desk.bar(ONE, [bar(3, 4.0)])
        assert any(line.text == "[1.0, 2.0, 3.0, 4.0]" for _, line in desk.said)


def test_a_bot_that_could_not_be_loaded_is_wanted_when_its_code_is_mended(tmp_path: Path) -> None:
    with terminal(write_algo(tmp_path, "def one(:\n")) as desk:
        assert "SyntaxError" in desk.load(ONE)["one"]
        write_algo(tmp_path, GOOD.format(100))
        found = take_in(desk, ONE)
        assert (found.problem, found.beside) == ("", False)
        assert quantities(desk, ONE) == [100]


def test_saves_in_quick_succession_and_equal_content_make_one_change(tmp_path: Path) -> None:
    seen: list[Digests] = []
    path = tmp_path / "strategy.py"
    path.write_text("A = 1\n", encoding="utf-8")
    looks: list[int] = []

    class Watched(CodeWatch):
        def _stamp(self) -> dict[str, tuple[int, int, int]]:
            if len(looks) in (1, 2):  # half a file, then the whole of it, at the first two looks
                path.write_text("A = " if len(looks) == 1 else "A = 2\n", encoding="utf-8")
            if len(looks) == 6:  # the same text is no change
                path.write_text("A = 2\n", encoding="utf-8")
            looks.append(1)
            return super()._stamp()

    watch = Watched(tmp_path, seen.append, 0.01)
    watch.start()
    wait_until(lambda: len(looks) > 12)
    watch.stop()
    assert len(seen) == 1


def test_a_file_saved_while_it_is_imported_is_a_change(tmp_path: Path) -> None:
    """What was read first counts, not what stands there when the import is over."""
    saves_itself = f"""
import pathlib
path = pathlib.Path({str(tmp_path / "algo" / "strategy.py")!r})
if "EDITED" not in path.read_text(encoding="utf-8").split("####")[1]:
    path.write_text(path.read_text(encoding="utf-8") + "#### EDITED\\n", encoding="utf-8")
"""
    algo = write_algo(tmp_path, saves_itself + GOOD.format(100) + "####\n")
    with terminal(algo) as desk:
        desk.load(ONE, history={"one": BARS})
        assert take_in(desk, ONE).beside


def test_what_editors_leave_beside_a_file_is_no_change(tmp_path: Path) -> None:
    algo = write_algo(tmp_path, GOOD.format(100))
    with terminal(algo) as desk:
        desk.load(ONE, history={"one": BARS})
        if sys.platform != "win32":
            (algo / ".#strategy.py").symlink_to("somebody@somewhere")
            (algo / "dangling.py").symlink_to("nowhere")
        (algo / ".strategy.py").write_text("def half(", encoding="utf-8")
        (algo / "strategy.py~").write_text("def half(", encoding="utf-8")
        (algo / "notes.py").write_text("NOTES = 1\n", encoding="utf-8")
        write_algo(tmp_path, GOOD.format(200))
        assert take_in(desk, ONE).problem == ""
        assert quantities(desk, ONE) == [200]
        assert [item for item in desk.outcomes if isinstance(item, BotWanted)] == []


def test_the_end_of_the_former_code_keeps_no_other_bot_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bots.workers.GOODBYE", 600.0)  # it leaves when the test lets it
    init = """
from bots.variables import Variables as bot
import algo.strategy, algo.slow

def init_algo():
    bot.robo["one"] = algo.strategy.one
    bot.robo["slow"] = algo.slow.Slow
"""
    leaving, go, left = (tmp_path / name for name in ("leaving", "go", "left"))
    slow = f"""
import os, time
from bots.api import Strategy
class Slow(Strategy):
    def on_stop(self, bot):
        open({str(leaving)!r}, "w").close()
        while not os.path.exists({str(go)!r}): time.sleep(0.01)
        open({str(left)!r}, "w").close()
"""
    algo = write_algo(tmp_path, GOOD.format(100), init)
    (algo / "slow.py").write_text(slow, encoding="utf-8")
    late = view("slow")
    with terminal(algo) as desk:
        desk.load(ONE, late, history={"one": BARS, "slow": BARS})
        desk.bar(late)
        (algo / "slow.py").write_text(slow + "# edited\n", encoding="utf-8")
        desk.wait(BotWanted, "slow")
        desk.runner.start_bot(BotCall(late, BARS, ticker(), ()))
        desk.wait(BotLoaded, "slow")
        wait_until(leaving.exists, 20, "the former code to take its leave")
        desk.bar(ONE, [bar(2, 3.0)])
        desk.bar(late, [bar(2, 3.0)])
        assert not left.exists()
        go.touch()
        wait_until(left.exists, 20, "the former code to have left")
