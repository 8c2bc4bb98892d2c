"""Bots in their processes on the exchange inside this process, on virtual time.

Time stands still while a strategy is at work, so a run is the same every time and an hour of ten
bots passes in a minute or two. `python -m tests.bots.hour [HOURS]` runs the strategy of the
specification, or where that is not at hand its equivalent, for long.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bots.runner import ProcessBotRunner
from common.domain.commands import SetTrading
from common.domain.instruments import Category, Symbol
from common.domain.market import Candle
from common.engine.bot_items import BotCall, BotFailed, BotFinished, BotLoaded, RobotView
from common.engine.ports import Inbox
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings
from tests.api.simulator.venues import START
from tests.api.terminal.support import MARKET
from tests.bots.equivalent import STRATEGY, specified
from tests.faults.scene import Scene
from tests.support.places import SHARED

SYMBOLS = (
    Symbol("XBTUSDT", Category.LINEAR),
    Symbol("XBTUSD", Category.INVERSE),
    Symbol("ETHUSD", Category.QUANTO),
)
TIMEFRAMES = (1, 3, 5, 15)
PATIENCE = 60.0  # seconds of real time until all strategies are loaded


@dataclass(frozen=True)
class Bot:
    """A row for the table robots."""

    emi: str
    symbol: Symbol
    timeframe: int
    capital: int = 3


TEN = tuple(
    Bot(f"bot{n}", SYMBOLS[n % len(SYMBOLS)], TIMEFRAMES[n % len(TIMEFRAMES)]) for n in range(10)
)


class WatchedRunner(ProcessBotRunner):
    """Knows who is at work, and remembers every call."""

    def __init__(self, algo: Path, budget: float, now: list[datetime]) -> None:
        super().__init__(algo=algo, budget=budget, load_budget=PATIENCE)
        self.at_work: set[str] = set()
        self.called: list[tuple[str, datetime, datetime]] = []  # EMI, start of the bar, moment
        self.failed: list[BotFailed] = []
        self._moment = now

    def start(self, inbox: Inbox) -> None:
        runner = self

        class Heard:
            def put(self, item: object) -> None:
                inbox.put(item)
                if isinstance(item, BotFailed):
                    runner.failed.append(item)
                if isinstance(item, (BotFinished, BotLoaded, BotFailed)):
                    runner.at_work.discard(item.emi)

        super().start(Heard())

    def load(self, views: Sequence[RobotView], history: dict[str, Sequence[Candle]]) -> None:
        self.at_work |= {view.robot.emi for view in views}
        super().load(views, history)

    def start_bot(self, call: BotCall) -> None:
        self.at_work.add(call.view.robot.emi)
        super().start_bot(call)

    def call(self, emi: str, call: BotCall) -> bool:
        self.at_work.add(emi)
        taken = super().call(emi, call)
        if taken:
            self.called.append((emi, call.candles[-1].start, self._moment[0]))
        else:
            self.at_work.discard(emi)
        return taken


class Market(Scene):
    """An exchange, a terminal and these bots on it; `with` brings it up and sets trading ON."""

    def __init__(
        self,
        folder: Path,
        files: Mapping[str, str],
        bots: Sequence[Bot] = TEN,
        *,
        budget: float = 20.0,
        on_stop: Mapping[str, str] | None = None,
    ) -> None:
        algo = folder / "algo"
        algo.mkdir()
        for name, text in files.items():
            (algo / name).write_text(text, encoding="utf-8")
        for bot in bots:
            category = bot.symbol.category.value
            row = (bot.emi, bot.symbol.ticker, category, bot.timeframe, bot.capital)
            add_robot(SqliteSettings(folder / "books.db"), MARKET, *row)
        self.bots = bots
        self._moment: list[datetime] = [START]
        self.runner = WatchedRunner(algo, budget, self._moment)
        super().__init__(folder, symbols=SYMBOLS, runner=self.runner, history_days=0.2, step=0.05)
        self.began = self.clock.now()

    def others_work(self) -> bool:
        self._moment[0] = self.clock.now()
        return bool(self.runner.at_work)

    def __enter__(self) -> Market:
        super().__enter__()
        self.live()
        self.until(lambda: self.market.dispatch._started and not self.runner.at_work)
        self.engine.inbox.put(SetTrading(on=True))
        self.run(1)
        self.began = self.clock.now()
        return self

    def orders_of(self, emi: str) -> list[tuple[str, str]]:
        """Return the requests that were sent for a bot, without order numbers."""
        found = []
        for method, _, body in self.exchange.asked:
            values = json.loads(body) if body.startswith("{") else {}
            names = str(values.get("clOrdID") or values.get("origClOrdID") or "")
            if f".{emi}" in names:
                kept = {k: v for k, v in values.items() if "ID" not in k}
                found.append((method, json.dumps(kept, sort_keys=True)))
        return found

    def missing_or_doubled(self) -> list[str]:
        """Compare the bars that each bot was called with with those that closed meanwhile."""
        found = []
        for bot in self.bots:
            step = timedelta(minutes=bot.timeframe)
            starts = [start for emi, start, _ in self.runner.called if emi == bot.emi]
            close = datetime.fromtimestamp(
                (self.began.timestamp() // step.total_seconds() + 1) * step.total_seconds(),
                self.began.tzinfo,
            )
            expected = []
            while close <= self.clock.now():
                expected.append(close - step)
                close += step
            if starts != expected:
                found.append(f"{bot.emi}: {len(starts)} calls, {len(expected)} bars")
        return found

    def books_that_differ(self) -> list[str]:
        """Compare each bot's position, result and fees with the exchange's own ledger."""
        truth: Any = self.venue.interventions.truth()
        mine = next(row for row in truth["accounts"] if row["account"] == self.account)
        there: dict[str, Counter[str]] = defaultdict(Counter)
        for row in mine["executions"]:
            name = str(row["clOrdID"] or "").partition(".")[2]
            for key in ("contracts", "cost", "fee") if name else ():
                there[name][key] += int(row[key])
        found = []
        for bot in self.bots:
            balances = [b for b in self.market.state.balances.values() if b.emi == bot.emi]
            here = (
                sum(b.position for b in balances),
                sum(-b.sum_real for b in balances),
                sum(b.commission for b in balances),
            )
            sums = there[bot.emi]
            if here != (sums["contracts"], sums["cost"], sums["fee"]):
                found.append(f"{bot.emi}: books {here}, exchange {dict(sums)}")
        # The terminal's own comparison mends what it finds; here nothing may need mending.
        return [*found, *self._sums_that_differ(mine), *self.told("BOOKS DIFFER")]

    def _sums_that_differ(self, mine: Any) -> list[str]:
        """Compare the sums of each symbol, with funding, and the set of all executions."""
        found = []
        for ticker, sums in mine["ledger"]["instruments"].items():
            rows = [b for b in self.market.state.balances.values() if b.symbol.ticker == ticker]
            here = {
                "contracts": sum(b.position for b in rows),
                "cost": sum(-b.sum_real for b in rows),
                "fee": sum(b.commission for b in rows),
                "funding": sum(b.funding for b in rows),
            }
            if here != {key: sums[key] for key in here}:
                found.append(f"{ticker}: books {here}, exchange {sums}")
        booked, there = self.executions(), {row["execID"] for row in mine["executions"]}
        if booked != there:
            found.append(f"executions: {len(there - booked)} lost, {len(booked - there)} invented")
        return found

    def executions(self) -> set[str]:
        """Return the execIDs that are in the books."""
        with closing(sqlite3.connect(self.terminal.books)) as connection:
            rows = connection.execute("SELECT EXECID FROM executions").fetchall()
        return {str(row[0]) for row in rows}


def init_for(bots: Sequence[Bot]) -> str:
    """Return an `init.py` that gives each of the bots the function of `strategy.py`."""
    lines = [
        "from bots.variables import Variables as bot",
        "import algo.strategy",
        "",
        "def init_algo():",
        f"    for emi in {[bot.emi for bot in bots]!r}:",
        "        if emi in bot.robots:",
        "            bot.robo[emi] = algo.strategy.algo",
        "            algo.strategy.init_variables(robot=bot.robots[emi])",
    ]
    return "\n".join(lines) + "\n"


def run(folder: Path, strategy: str, minutes: float, bots: Sequence[Bot] = TEN) -> Market:
    """Let the bots trade; return the market as it stands at the end."""
    with Market(folder, {"init.py": init_for(bots), "strategy.py": strategy}, bots) as market:
        market.run(minutes * 60)
        market.engine.inbox.put(SetTrading(on=False))
        market.run(2)
        return market


def main(hours: float) -> int:
    """Run for long and say what was found."""
    begun = time.monotonic()
    text = specified()["strategy.py"] if (SHARED / "specification.md").exists() else STRATEGY
    with tempfile.TemporaryDirectory() as folder:
        market = run(Path(folder), text, hours * 60)
        problems = [*market.missing_or_doubled(), *market.books_that_differ()]
        calls, orders = len(market.runner.called), len(market.exchange.asked)
        print(
            f"{len(market.bots)} bots, {hours:g} h of market in {time.monotonic() - begun:.0f} s: "
            f"{calls} bars, {orders} order requests, "
            f"{len(market.executions())} executions"
        )
    for problem in problems:
        print(problem)
    print("all agree" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0))
