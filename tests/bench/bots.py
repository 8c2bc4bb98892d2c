"""Bots in their processes: start, memory, order calls, the close of a bar, a loop beside a beat."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from common.engine.bot_items import BotCall, BotFailed, BotFinished, RobotView
from tests.bench.registry import Figure, register
from tests.bots.terminal import Terminal, bar, terminal, ticker, view, write_algo

BOTS = 100
STARTS = 5
BARS = 10
BEAT = 0.005  # seconds
HISTORY = [bar(0, 50_000.0)]
INIT = """
from bots.variables import Variables as bot
import algo.strategy

def init_algo():
    for emi in bot.robots:
        bot.robo[emi] = getattr(algo.strategy, emi.split("-")[0])
"""
STRATEGY = """
import json, os, pathlib, time
CALLS = os.open(str(pathlib.Path(FOLDER) / "calls"), os.O_WRONLY | os.O_APPEND | os.O_CREAT)

def orders(robot, frame, ticker, instrument):
    ws = Websockets.connect[robot["MARKET"]]
    clOrdID = post(robot)
    spent = []
    for n in range(450):
        begun = time.perf_counter()
        Function.put_order(ws, clOrdID=clOrdID, price=49000.0 + n, qty=100)
        spent.append(time.perf_counter() - begun)
    status = pathlib.Path("/proc/self/smaps_rollup")
    lines = status.read_text().splitlines() if status.exists() else []
    private = sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))
    result = pathlib.Path(FOLDER) / "orders.json"
    result.write_text(json.dumps([spent, private / 1024]))

def close(robot, frame, ticker, instrument):
    called = time.monotonic()
    os.write(CALLS, f"{called} ".encode())
    if not any(order["emi"] == robot["EMI"] for order in var.orders.values()):
        post(robot)
    if frame[-1]["close"] == 1.0:
        rollup = pathlib.Path("/proc/self/smaps_rollup")
        lines = rollup.read_text().splitlines() if rollup.exists() else []
        share = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        os.write(CALLS, f"{share} ".encode())

def loop(robot, frame, ticker, instrument):
    while True: pass
"""


@register("bots", "strategies in processes of their own")
def bots() -> Iterator[Figure]:
    """Measure on this machine; nothing else should run."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        algo = write_algo(folder, f"FOLDER = {name!r}\n{STRATEGY}", INIT)
        with terminal(algo) as desk:
            yield from _one(desk, folder)
        with terminal(algo) as desk:
            yield from _many(desk, folder)
        yield from _beat(algo)


def _one(desk: Terminal, folder: Path) -> Iterator[Figure]:
    starts = []
    for _ in range(STARTS):
        begun = time.monotonic()
        desk.load(view("orders"), history={"orders": HISTORY})
        starts.append(1000 * (time.monotonic() - begun))
    yield Figure("start of a worker, median", statistics.median(starts), "ms")
    desk.bar(view("orders"))
    spent, private = json.loads((folder / "orders.json").read_text(encoding="utf-8"))
    cuts = statistics.quantiles(spent, n=100)
    yield Figure("order call and its answer, median", 1000 * cuts[49], "ms", at_most=1.0)
    yield Figure("order call and its answer, p99", 1000 * cuts[98], "ms")
    if private:
        yield Figure("memory of a worker, its own pages", private, "MB", at_most=20)


def _many(desk: Terminal, folder: Path) -> Iterator[Figure]:
    views = [view(f"close-{number}") for number in range(BOTS)]
    begun = time.monotonic()
    desk.load(*views, history={v.robot.emi: HISTORY for v in views})
    yield Figure(f"start of {BOTS} workers", time.monotonic() - begun, "s")
    called: list[float] = []
    handed: list[float] = []
    last: list[float] = []
    returned: list[float] = []
    for number in range(BARS):
        begun, ended = time.monotonic(), _close(desk, views, 50_000.0 + number, handed)
        returned.append(1000 * (ended - begun))
        late = sorted(1000 * (float(at) - begun) for at in _told(folder))
        called += late
        last.append(late[-1])
    median = statistics.median
    yield Figure(f"bar handed to {BOTS} bots, of the engine's time", median(handed), "ms")
    if sys.platform == "linux":  # one monotonic clock for all processes
        p99 = statistics.quantiles(called, n=100)[98]
        yield Figure("close of a bar to the call, p99", p99, "ms", at_most=50)
        yield Figure("close of a bar to the last call, median", median(last), "ms", at_most=50)
    yield Figure("all returned, each told of all orders", median(returned), "ms")
    _close(desk, views, 1.0, handed)
    shares = [int(text) for text in _told(folder) if "." not in text]
    if shares and sum(shares):
        yield Figure(
            f"memory of {BOTS} workers, shared pages shared out",
            sum(shares) / 1024,
            "MB",
            at_most=4096,
        )


def _close(desk: Terminal, views: list[RobotView], price: float, handed: list[float]) -> float:
    """Let every bot's bar close; return when all have returned, in monotonic seconds."""
    orders, prices, bars = list(desk.orders.values()), ticker(), [bar(1, price)]
    begun = time.monotonic()
    for who in views:
        desk.runner.call(who.robot.emi, BotCall(who, bars, prices, orders))
    handed.append(1000 * (time.monotonic() - begun))
    for who in views:
        desk.wait(BotFinished, who.robot.emi)
    return time.monotonic()


def _told(folder: Path) -> list[str]:
    """Return what the strategies have written since the last time."""
    path = folder / "calls"
    told = path.read_text(encoding="utf-8").split()
    path.write_text("", encoding="utf-8")
    return told


def _beat(algo: Path) -> Iterator[Figure]:
    """How late a beat in this process is while a strategy loops in its own."""
    idle = _lateness(2.0)
    with terminal(algo, budget=2.5) as desk:
        desk.load(view("loop"), history={"loop": HISTORY})
        desk.call(view("loop"))
        busy = _lateness(2.0)
        desk.wait(BotFailed, "loop")
    yield Figure("beat late beside a looping strategy, p99", busy, "ms", idle, "idle")


def _lateness(seconds: float) -> float:
    """Return the 99th percentile in milliseconds."""
    nothing = threading.Event()
    late = []
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        nothing.wait(BEAT)
        late.append(1000 * (time.monotonic() - now - BEAT))
    return statistics.quantiles(late, n=100)[98]
