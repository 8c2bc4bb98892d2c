"""One back-test: builds the parts around an engine, plays the bars, verifies the books."""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from api.simulator.bar_gateway import BarGateway
from api.simulator.bar_instrument import Rate
from api.simulator.bar_player import BarPlayer
from api.simulator.bar_venue import BarVenue, Fills
from api.simulator.bars import Bars, moment
from api.simulator.contracts import Contract
from api.simulator.virtual_clock import VirtualClock
from bots.backtest.engines import Engines
from bots.inline import InlineBotRunner
from common.domain.books import AccountKey
from common.domain.commands import SetTrading
from common.domain.executions import Network
from common.domain.instruments import Instrument
from common.domain.money import closing_value
from common.domain.robots import Robot, Status
from common.domain.verification import Verification
from common.engine.bot_items import BotOrder
from common.engine.notices import NoticeBoard
from common.engine.snapshot import Level, Notice
from common.engine.state import MarketState
from common.errors import ConfigurationError
from common.ledger.robots_table import add_robot
from common.settings_types import SqliteSettings

NOTICES_KEPT = 1000
WAKE_EVERY = 0.25  # seconds between two looks at the progress
COLLECT = (50_000, 20, 100)  # seldom: what a bar leaves behind is freed without it


@dataclass(frozen=True, slots=True)
class Plan:
    """What to test, on what, and where its books go."""

    robot: Robot
    contract: Contract
    bars: Bars  # those before `begin` are the strategy's past
    begin: int  # minutes since 1970
    money: Mapping[str, int]  # deposit by currency, smallest units
    rate: Rate
    books: Path
    algo: Path | None
    fills: Fills


@dataclass(slots=True)
class Outcome:
    """What a back-test came to. Money in the smallest unit of `currency`."""

    plan: Plan
    key: AccountKey
    instrument: Instrument
    currency: str
    major: str  # the name of `scale` of these units together
    scale: int
    begin: datetime
    end: datetime
    deposit: int
    seconds: float  # of real time
    bars: int  # played
    walked: int  # of them, bars in which something could happen
    calls: int  # of the strategy
    stopped: bool  # before the last bar, because somebody asked
    verification: Verification
    status: Status
    position: int  # contracts at the end
    notices: tuple[Notice, ...]
    equity: array[int] = field(repr=False)  # result at the end of each bar, without the deposit


class BackTest:
    """Runs a plan, once."""

    def __init__(self, plan: Plan) -> None:
        bars, robot = plan.bars, plan.robot
        self.plan = plan
        self._first = bars.index_at(plan.begin)
        if self._first >= len(bars):
            raise ConfigurationError("there are no candles in the time that was asked for")
        self._begin = bars.first + self._first * bars.minutes
        self._clock = VirtualClock(moment(self._begin))
        before = bars[self._first - 1].close if self._first else bars[0].open
        self.venue = BarVenue(
            plan.contract, self._begin * 60_000, before, plan.money, plan.rate, plan.fills
        )
        self.gateway = BarGateway(robot.market, robot.symbol, self.venue, bars, self._clock)
        self._state = MarketState(robot.market, Network.DEMO, (robot.symbol,))
        self._runner = InlineBotRunner(robot, plan.algo, self._clock)
        self._notices = NoticeBoard(self._clock.now, NOTICES_KEPT)
        self._settings = SqliteSettings(plan.books)
        self._engines = Engines(self.gateway, self._settings, self._clock, self._notices)
        self._engine = self._engines.playing(self._state, self._runner)
        self._equity = array("q")
        self._asked_to_stop = False
        self._currency = plan.contract.money
        self.player = BarPlayer(
            self.venue,
            self.gateway,
            bars,
            self._clock,
            self._first,
            ready=self._trade,
            closed=self._closed,
            serve=self._serve,
        )
        self._engine.inbox = self.player

    def run(self, watch: Callable[[BarPlayer], None] = lambda _: None) -> Outcome:
        """Play every bar, `watch` looking on; TmaticError when nothing can be played."""
        robot, began = self.plan.robot, time.monotonic()
        add_robot(
            self._settings,
            robot.market,
            robot.emi,
            robot.symbol.ticker,
            robot.symbol.category.value,
            robot.timeframe,
            robot.capital,
        )
        thresholds = gc.get_threshold()
        gc.set_threshold(*COLLECT)
        self._engine.start()
        try:
            while not self._engine.wait(WAKE_EVERY):
                watch(self.player)
        finally:
            gc.set_threshold(*thresholds)
            self.player.stopping = True
            self._engine.stop()
        seconds = time.monotonic() - began
        self._refuse_failure()
        return self._outcome(self._engines.verify(self._state, robot), seconds)

    def stop(self) -> None:
        """End after the present bar; any thread."""
        self._asked_to_stop = True
        self.player.stopping = True

    # ---- the engine's thread ----------------------------------------------------------------

    def _trade(self) -> None:
        """The engine has come to rest: the market is LIVE and the strategy loaded, or not."""
        robot = self._state.robots.get(self.plan.robot.emi)
        if robot is None or robot.status is not Status.WORK or self._lacks_history():
            self.player.stopping = True
        self.player.put(SetTrading(on=True))

    def _lacks_history(self) -> bool:
        """Look whether there are as many bars as the strategy says that it needs."""
        robot, bars = self.plan.robot, self.plan.bars
        needed = self._runner.period + 1
        past, there = (n * bars.minutes // robot.timeframe for n in (self._first, len(bars)))
        if there < needed:
            self._notices.error(
                f"its strategy needs {needed} bars of {robot.timeframe} min before it is called, "
                f"and there are {there} in all; give it an earlier past or a later --to"
            )
            return True
        if self._runner.period and past < needed:
            self._notices.warning(
                f"the strategy needs {needed} bars and there are {past} from before the "
                "beginning: it is called later"
            )
        return False

    def _serve(self, order: BotOrder) -> None:
        self._engine.handle(order)

    def _closed(self, _index: int) -> None:
        self._equity.append(self._result())

    def _result(self) -> int:
        """Return what the account has won, its position valued at bid or ask.

        All rows count: a liquidation is booked to the owner of orders that name no bot.
        """
        money = position = 0
        for balance in self._state.balances.values():
            position += balance.position
            if balance.currency == self._currency:
                money += balance.sum_real - balance.commission - balance.funding
        if not position:
            return money
        instrument = self._state.instruments[self.plan.robot.symbol]
        price = self.gateway.price(self.venue.bid if position > 0 else self.venue.ask)
        return money + closing_value(instrument, price, position, self._state.scale(self._currency))

    # ---- around it --------------------------------------------------------------------------

    def _refuse_failure(self) -> None:
        """Raise what kept the strategy from being called at all, or broke the engine."""
        robot = self._state.robots.get(self.plan.robot.emi)
        if not self._equity and not self._asked_to_stop:
            problem = robot.problem if robot and robot.problem else self._last_error()
            raise ConfigurationError(f"{self.plan.robot.emi} cannot be tested: {problem}")
        if self.player.played < self.player.total and not self._asked_to_stop:
            raise ConfigurationError(f"the back-test broke off: {self._last_error()}")

    def _last_error(self) -> str:
        errors = [n.text for n in self._notices.all() if n.level is Level.ERROR]
        return errors[-1] if errors else "nothing was said"

    def _outcome(self, verification: Verification, seconds: float) -> Outcome:
        plan, state, bars = self.plan, self._state, self.plan.bars
        instrument = state.instruments[plan.robot.symbol]
        currency = instrument.settlement_currency
        return Outcome(
            plan=plan,
            key=state.key,
            instrument=instrument,
            currency=currency,
            major=state.currencies[currency].major,
            scale=state.scale(currency),
            begin=moment(self._begin),
            end=moment(self._begin + self.player.played * bars.minutes),
            deposit=plan.money.get(currency, 0),
            seconds=seconds,
            bars=self.player.played,
            walked=self.player.walked,
            calls=self._runner.calls,
            stopped=self.player.played < self.player.total,
            verification=verification,
            status=state.robots[plan.robot.emi].status,
            position=sum(balance.position for balance in state.balances.values()),
            notices=tuple(n for n in self._notices.all() if n.level is not Level.INFO),
            equity=self._equity,
        )
