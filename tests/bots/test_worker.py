"""What a strategy sees and can reach in its process."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from common.engine.bot_items import BotFinished
from tests.bots.terminal import Terminal, bar, terminal, ticker, view, write_algo
from tests.support.places import ROOT
from tests.support.processes import alive
from tests.support.waiting import wait_until

BOT = view("one")


def run(desk: Terminal, folder: Path, body: str, *, times: int = 1) -> None:
    """Load a strategy with this body and call it."""
    lines = "\n".join("    " + line for line in body.splitlines())
    write_algo(folder, f"def one(robot, frame, ticker, instrument):\n{lines}\n")
    assert desk.load(BOT, history={"one": [bar(0, 50_000.0), bar(1, 50_001.0)]}) == {"one": ""}
    for _ in range(times):
        desk.bar(BOT)


def report(folder: Path, body: str) -> Any:
    """Run a strategy whose body leaves something in `found`, and return that."""
    target = folder / "found.json"
    tail = f"\nimport json, pathlib\npathlib.Path({str(target)!r}).write_text(json.dumps(found))"
    with terminal(folder / "algo") as desk:
        write_algo(folder, "")
        run(desk, folder, body + tail)
    return json.loads(target.read_text(encoding="utf-8"))


def test_b3_orders_can_be_looped_over_while_they_change(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        """
ids = [post(robot, price=49000.0 + n) for n in range(3)]
seen = var.orders
ws = Websockets.connect[robot["MARKET"]]
for clOrdID in var.orders:
    Function.del_order(ws, clOrdID=clOrdID)
    new = post(robot, price=48000.0)
    assert clOrdID not in var.orders and new in var.orders
found = [ids, list(seen), list(var.orders)]
""",
    )
    assert found[0] == found[1] == ["1.one", "2.one", "3.one"]
    assert found[2] == ["4.one", "5.one", "6.one"]


def test_an_order_has_both_spellings_and_its_moves_are_seen_at_once(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        """
ws = Websockets.connect[robot["MARKET"]]
clOrdID = post(robot)
before = dict(var.orders[clOrdID])
assert Function.put_order(ws, clOrdID=clOrdID, price=49991.5, qty=200.00000000000003) == clOrdID
after = var.orders[clOrdID]
keys = ("emi", "EMI", "side", "SIDE", "symbol", "price", "leavesQty", "clOrdID")
found = [[order[key] for key in keys] for order in (before, after)]
""",
    )
    names = ["one", "one", "Buy", "Buy", "XBTUSDT"]
    assert found == [[*names, 49990.0, 100, "1.one"], [*names, 49991.5, 200, "1.one"]]


def test_an_order_that_stands_right_is_not_sent_again(tmp_path: Path) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(
            desk,
            tmp_path,
            """
ws = Websockets.connect[robot["MARKET"]]
clOrdID = post(robot, price=49990.5, qty=300)
Function.put_order(ws, clOrdID=clOrdID, price=49990.5, qty=0.0001 * 3 * 1000000)
""",
        )
        assert [order.verb for order in desk.asked] == ["post"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("qty=100.5", "qty must be whole contracts, not 100.5"),
        ("qty=float('nan')", "qty must be a finite number, not nan"),
        ("qty=float('inf')", "qty must be a finite number, not inf"),
        ("qty=-100", "qty must be greater than 0, not -100"),
        ("qty=0", "qty must be greater than 0, not 0"),
        ("qty=True", "qty must be a number, not True"),
        ("qty='100'", "qty must be a number, not '100'"),
        ("qty=None", "qty must be a number, not None"),
        ("price=float('nan')", "price must be a finite number, not nan"),
        ("price=-1.0", "price must be greater than 0, not -1.0"),
        ("side='buy'", 'side must be "Buy" or "Sell", not \'buy\''),
        ("symbol='NONE'", "no bot of Bitmex trades 'NONE'"),
        ("name='Other'", "cannot trade on 'Other'"),
    ],
)
def test_senseless_orders_are_refused_with_the_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, arguments: str, reason: str
) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(desk, tmp_path, f"assert post(robot, {arguments}) == ''\npost(robot)")
        assert len(desk.asked) == 1
    assert f"post_order: {reason}" in caplog.text.replace("<order desk of Bitmex> ", "")


def test_a_refused_order_returns_nothing_and_its_reason_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        desk.refuse = "price is off the tick"
        run(desk, tmp_path, "assert post(robot) == ''\nassert var.orders == {}")
    assert "bot one: order refused: price is off the tick" in caplog.text


def test_what_a_strategy_prints_goes_to_the_log_within_bounds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(desk, tmp_path, "print('héllo', robot['POS'])\nfor n in range(5000): print('x')")
    assert "bot one: héllo 0" in caplog.text
    assert caplog.text.count("bot one: x") == 199


def test_bars_and_dicts_are_as_published(tmp_path: Path) -> None:
    found = report(
        tmp_path,
        """
bar = frame[-1]
moment = bar.pop("datetime")
found = {
    "bar": bar,
    "moment": moment.isoformat(),
    "length": len(frame),
    "previous": frame[-2]["close"],
    "slice": [b["close"] for b in frame[-2:]],
    "robot": robot,
    "same": robot is bot.robots[robot["EMI"]],
    "lot": robot["lotSize"] * instrument["myMultiplier"],
    "instrument": [instrument[k] for k in ("tickSize", "lotSize", "myMultiplier")],
    "ticker": [ticker["bid"], ticker["ask"], ticker["last"]],
    "frames": bot.frames["Bitmex"]["XBTUSDT", "linear"][1] is frame,
    "framing": bot.framing["Bitmex"]["XBTUSDT", "linear"][1]["robots"],
}
""",
    )
    assert found["bar"] == {
        "date": 260105,
        "time": 120100,
        "bid": 50000.5,
        "ask": 50001.0,
        "hi": 50004.0,
        "lo": 49998.0,
        "funding": 0.0001,
        "open": 50001.0,
        "high": 50004.0,
        "low": 49998.0,
        "close": 50001.0,
        "volume": 10,
        "missed": 0,
    }
    assert found["moment"] == "2026-01-05T12:01:00+00:00"
    assert (found["length"], found["previous"]) == (2, 50_000.0)
    assert found["slice"] == [50_000.0, 50_001.0]
    expected = {"EMI": "one", "SYMBOL": "XBTUSDT", "CATEGORY": "linear", "MARKET": "Bitmex"}
    expected |= {"SORT": 1, "TIMEFR": 1, "CAPITAL": 1, "MARGIN": 1, "STATUS": "WORK"}  # type: ignore[dict-item]
    expected |= {"POS": 0, "VOL": 0, "PNL": 0.0, "CURRENCY": "USDt", "lotSize": 0.0001}  # type: ignore[dict-item]
    assert found["robot"] == expected
    assert (found["lot"], found["same"], found["frames"]) == (100.0, True, True)
    assert found["instrument"] == [0.5, 100, 1_000_000]
    assert found["ticker"] == [50000.0, 50000.5, None]
    assert found["framing"] == ["one"]


def test_what_a_strategy_keeps_in_its_robot_stays_and_facts_are_refreshed(tmp_path: Path) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(
            desk,
            tmp_path,
            "robot['COUNT'] = robot.get('COUNT', 0) + 1\n"
            "post(robot, qty=100 * robot['COUNT'] + robot['POS'])\n"
            "robot['POS'] = 999",
        )
        desk.bar(view("one", position=7))
        assert [order.quantity for order in desk.asked] == [100, 207]


def test_v9_bars_carry_the_funding_rate_of_their_own_time_and_of_their_own_bot(
    tmp_path: Path,
) -> None:
    one, two = BOT, view("two")
    tell = "    print(robot['EMI'], [(b['close'], b['funding']) for b in frame])\n"
    functions = [f"def {emi}(robot, frame, **_):\n{tell}" for emi in ("one", "two")]
    write_algo(tmp_path, "".join(functions))
    with terminal(tmp_path / "algo") as desk:
        desk.load(one, two, history={"one": [bar(0, 1.0)], "two": [bar(0, 5.0)]})
        for minute, rate in ((1, "0.0003"), (2, "-0.0002")):
            for who, close in ((one, 1.0), (two, 5.0)):
                prices = replace(ticker(), funding_rate=Decimal(rate) * int(close))
                desk.bar(who, [bar(minute, close + minute)], prices)
        desk.wait_said("one [(1.0, None), (2.0, 0.0003), (3.0, -0.0002)]")
        desk.wait_said("two [(5.0, None), (6.0, 0.0015), (7.0, -0.001)]")


def test_revised_bars_take_the_place_of_the_old_ones(tmp_path: Path) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(desk, tmp_path, "post(robot, qty=round(sum(b['close'] for b in frame)))")
        desk.bar(BOT, [bar(1, 50_002.0), bar(2, 10.0)])
        assert [order.quantity for order in desk.asked] == [100_001, 100_012]


@pytest.mark.parametrize(("bid", "ask"), [(None, "50000"), ("50000", None)])
def test_without_a_price_on_each_side_the_strategy_is_not_called(
    tmp_path: Path, bid: str | None, ask: str | None
) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(desk, tmp_path, "post(robot)", times=0)
        desk.bar(BOT, prices=ticker(bid, ask))
        assert desk.asked == []


def test_s3_the_process_holds_no_secret_and_no_file_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_SECRET", "hidden")
    with (tmp_path / "open.txt").open("w") as kept:
        os.set_inheritable(kept.fileno(), False)
        found = report(
            tmp_path,
            """
import os, sys
fds = []
for fd in range(64):
    try:
        os.fstat(fd)
        fds.append(fd)
    except OSError:
        pass
secret = [m for m in sys.modules if m.split(".")[0] in
          ("requests", "websocket", "pymysql", "sqlite3", "tkinter", "dotenv", "ssl")]
found = {"env": dict(os.environ), "fds": len(fds), "modules": secret, "in": sys.stdin.read()}
""",
        )
    assert "hidden" not in found["env"].values()
    assert not {"API_SECRET", "HOME", "USER"} & found["env"].keys()
    assert found["fds"] == 5  # three that lead nowhere and the two pipes
    assert found["modules"] == []
    assert found["in"] == ""


ORPHAN = """
import sys
from pathlib import Path
from tests.bots.terminal import bar, terminal, view
bot = view("one")
with terminal(Path(sys.argv[1]), budget=600.0) as desk:
    desk.load(bot, history={"one": [bar(0, 1.0)]})
    desk.call(bot)
    desk.wait_order()
    sys.stdin.read()
"""


def test_b23_a_loop_ends_when_the_terminal_is_killed(tmp_path: Path) -> None:
    target = tmp_path / "pid"
    body = f"""
def one(robot, frame, ticker, instrument):
    import os, pathlib
    pathlib.Path({str(target)!r}).write_text(str(os.getpid()))
    post(robot)
    while True: pass
"""
    algo = write_algo(tmp_path, body)
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN, str(algo)], cwd=ROOT, stdin=subprocess.PIPE
    ) as terminal_process:
        wait_until(lambda: target.exists() and target.read_text(), 30.0)
        pid = int(target.read_text())
        terminal_process.kill()
    try:
        wait_until(lambda: not alive(pid), 30, "the worker's end")
    finally:
        if alive(pid):
            os.kill(pid, signal.SIGTERM)


def test_a_call_is_answered_with_the_time_it_took(tmp_path: Path) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(desk, tmp_path, "import time\nwhile time.perf_counter() < 0: pass", times=0)
        finished = desk.bar(BOT)
        assert isinstance(finished, BotFinished)
        assert 0 <= finished.seconds < 20


def test_a_bar_after_missing_ones_says_how_many(tmp_path: Path) -> None:
    with terminal(tmp_path / "algo") as desk:
        write_algo(tmp_path, "")
        run(desk, tmp_path, "print([bar['missed'] for bar in frame])", times=0)
        desk.bar(BOT, [bar(4, 1.0), bar(5, 2.0)])
        desk.bar(BOT, [bar(2, 1.0), bar(3, 1.0), bar(6, 2.0)])
    told = [line.text for _, line in desk.said if line.text.startswith("[")]
    assert told == ["[0, 0, 2, 0]", "[0, 0, 0, 0, 0, 0, 0]"]
