"""A terminal on the embedded exchange with virtual time and bots in processes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

from api.simulator.bars import Bar, Bars, minute_of
from api.simulator.direct import DirectExchange, DirectGateway
from api.simulator.time_machine import TimeMachine
from api.simulator.venue import DEMO_ACCOUNT, LiveVenue, seeded_key
from api.simulator.virtual_clock import VirtualClock
from bots.backtest.engines import NoReports
from bots.runner import ProcessBotRunner
from common.domain.commands import SetTrading
from common.domain.market import Candle
from common.engine.bot_items import BotAnswer, BotCall, BotFailed, BotFinished, BotLoaded
from common.engine.engine import Engine
from common.engine.notices import NoticeBoard
from common.engine.ports import Inbox
from common.engine.requests import Request
from common.engine.state import MarketState
from common.ledger.robots_table import add_robot
from common.settings_types import Depth, SqliteSettings
from tests.api.terminal.support import Answered, CountingLedger
from tests.bots.backtest.walk import MARKET, SYMBOL, robot

SEED = 11
KEY = seeded_key(SEED, DEMO_ACCOUNT)
START = datetime(2026, 5, 4, 5, 59, 30, tzinfo=timezone.utc)
Asked = tuple[datetime, Request]


class RecordingGateway(DirectGateway):
    """Keeps the requests that ask for orders, with their time."""

    def __init__(self, exchange: DirectExchange) -> None:
        super().__init__(exchange, KEY, MARKET, Depth.TEN)
        self.asked: list[Asked] = []

    def request(self, request: Request) -> int:
        if type(request).__name__.startswith("Send"):
            self.asked.append((self._exchange.clock.now(), request))
        return super().request(request)


class Waiting:
    """Stands between the bots and the engine and counts what their processes owe it."""

    def __init__(self, runner: CountedRunner, inbox: Inbox) -> None:
        self._runner = runner
        self._inbox = inbox

    def put(self, item: object) -> None:
        self._inbox.put(item)
        if isinstance(item, (BotLoaded, BotFinished, BotFailed)):
            self._runner.owed -= 1


class CountedRunner(ProcessBotRunner):
    """Bots in processes; virtual time waits for them."""

    owed = 0

    def start(self, inbox: Inbox) -> None:
        super().start(Waiting(self, inbox))

    def load(self, views: Sequence[object], history: dict[str, Sequence[Candle]]) -> None:
        self.owed += len(views)
        super().load(views, history)  # type: ignore[arg-type]

    def call(self, emi: str, call: BotCall) -> bool:
        self.owed += 1
        taken = super().call(emi, call)
        if not taken:
            self.owed -= 1
        return taken

    def answer(self, emi: str, call: int, answer: BotAnswer) -> None:
        super().answer(emi, call, answer)


class LiveRun:
    """A bot trades for some minutes; then its candles and orders can be looked at."""

    def __init__(self, folder: Path, algo: Path, minutes: int) -> None:
        self.books = folder / "live.db"
        self.clock = VirtualClock(START)
        venue = LiveVenue(seed=SEED, now=START, keys=[KEY], symbols=[SYMBOL.ticker], pace=8)
        exchange = DirectExchange(venue, self.clock)
        self.gateway = RecordingGateway(exchange)
        ledger = CountingLedger(SqliteSettings(self.books))
        runner = CountedRunner(algo=algo)
        bot = robot()
        add_robot(
            SqliteSettings(self.books), MARKET, bot.emi, SYMBOL.ticker, "linear", 1, bot.capital
        )
        self.state = MarketState(MARKET, self.gateway.network, (SYMBOL,))
        self.notices = NoticeBoard(self.clock.now)
        self.engine = Engine(
            [(self.gateway, self.state)],
            ledger,
            runner,
            NoReports(),
            self.clock,
            self.notices,
            refresh_rate=1,
            history_days=0.1,
            first_date=lambda *_: None,
            check=lambda _market, _found: {},
            ledger_inbox=lambda inbox: Answered(ledger, inbox),
        )
        self.engine.inbox = TimeMachine(
            exchange,
            30.0 + minutes * 60,
            1.0,
            busy=lambda: ledger.waiting > 0 or runner.owed > 0,
        )
        exchange.later(10.0, lambda: self.engine.inbox.put(SetTrading(on=True)))

    def live(self) -> None:
        self.engine.start()
        try:
            assert self.engine.wait(120.0)
        finally:
            self.engine.stop()

    def bars(self) -> Bars:
        """Return the candles that the bot was given, as bars to be tested on."""
        series = self.engine._markets[MARKET].dispatch._bars.get((SYMBOL, 1))
        assert series is not None
        bars = Bars(1, 10)
        for candle in series.tail(len(series)):
            bars.append(
                Bar(
                    start=minute_of(candle.start),
                    open=round(10 * candle.open),
                    high=round(10 * candle.high),
                    low=round(10 * candle.low),
                    close=round(10 * candle.close),
                    volume=candle.volume,
                    bid=round(10 * (candle.bid or 0.0)),
                    ask=round(10 * (candle.ask or 0.0)),
                )
            )
        return bars

    @property
    def begin(self) -> datetime:
        """When the first bar began that the bot was called for: the one running at the start."""
        return START - timedelta(seconds=30)
