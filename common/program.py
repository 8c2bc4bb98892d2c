"""The terminal as one object: a profile, its sessions from one F3 to the next, and its end.

`main.py` puts it behind a window, or runs it without one. The two are the composition root: they
know everybody, and decide nothing about trading.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from api.registry import MARKETS, create_gateway, currency_scales
from api.simulator.child import MARKET as DEMO_MARKET
from api.simulator.child import EmbeddedExchange
from bots.runner import ProcessBotRunner
from bots.variables import Variables as Bots
from common.backtest_child import BackTests
from common.clock import SystemClock
from common.domain.books import AccountKey
from common.domain.commands import Command, Reload
from common.domain.instruments import Category, Instrument, Symbol
from common.ending import end_within
from common.endpoints import netloc_of
from common.engine.bring_up import Missing
from common.engine.engine import Engine
from common.engine.items import ReloadFailed
from common.engine.notices import NoticeBoard
from common.engine.snapshot import Snapshot
from common.engine.state import MarketState
from common.errors import ConfigurationError, TmaticError
from common.history_ini import HistoryFile
from common.history_keeper import HistoryKeeper
from common.ledger.account_lock import AccountLock
from common.ledger.database import DatabaseSettings
from common.ledger.lock_keeper import LockKeeper
from common.ledger.machine_lock import MachineLocks
from common.ledger.robots_table import ensure_demo_robot
from common.ledger.writer import LedgerWriter
from common.logs import hide
from common.profile import Profile
from common.report_thread import ReportThread
from common.settings import demo_settings, read_settings
from common.settings_check import missing_currencies, missing_symbols
from common.settings_types import MarketSettings, MysqlSettings, Settings

log = logging.getLogger(__name__)

FOLDER = Path(__file__).resolve().parent.parent  # of the program
SETTLE_SECONDS = 2.0  # how long the window may wait for the exchange to confirm the settings

DEMO_BOT = ("demoBot", Symbol("XBTUSDT", Category.LINEAR), 1, 1)  # EMI, symbol, minutes, lots


def state_of(market: MarketSettings) -> MarketState:
    """Return the state of a market before anything is known of it."""
    return MarketState(market.name, market.network, market.symbols, market.dead_man, market.limits)


class Session:
    """Everything between one start or F3 and the next."""

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        notices: NoticeBoard,
        reloads: int,
        locks: LockKeeper,
        audit: bool,
    ) -> None:
        self._settings = settings
        self._notices = notices
        self._history = HistoryFile(profile.history)
        self._locks = locks
        # A demo has an exchange of its own, and who only compares trades nowhere.
        alone = not profile.demo and not audit
        self._places = {m.name: netloc_of(m.http_url) for m in settings.markets if alone}
        for market in settings.markets:
            hide([market.api_key, market.api_secret])
        if isinstance(settings.database, MysqlSettings):
            hide([settings.database.password])
        self.engine = Engine(
            [(create_gateway(market), state_of(market)) for market in settings.markets],
            LedgerWriter(settings.database, scales=currency_scales(), take=self._take),
            ProcessBotRunner(algo=profile.algo, logs=profile.logs / "bots"),
            ReportThread(settings.database, profile.exports, SystemClock().now),
            SystemClock(),
            notices,
            refresh_rate=settings.refresh_rate,
            history_days=Bots.missing_days_number,
            first_date=self._first_date,
            check=self._check,
            ledger_inbox=lambda inbox: HistoryKeeper(self._history, inbox),
            reloads=reloads,
            audit=audit,
        )

    def start(self) -> None:
        """Start the engine and everything around it."""
        for warning in self._settings.warnings:
            self._notices.warning(warning)
        self.engine.start()

    def wait_until_settled(self) -> None:
        """Wait a moment for the exchange to confirm the settings; ConfigurationError if not."""
        self.engine.settled.wait(SETTLE_SECONDS)
        error = self.engine.configuration_error
        if error is not None:
            raise error

    def _take(self, database: DatabaseSettings, key: AccountKey) -> AccountLock | None:
        return self._locks.take(database, key, self._places.get(key.market, ""))

    def _first_date(self, state: MarketState, cursor: datetime | None) -> datetime | None:
        date = self._history.read(state.key, SystemClock().now())
        if date.warning:
            self._notices.warning(date.warning)
        return date.wished(cursor)

    def _check(self, market_name: str, instruments: Sequence[Instrument]) -> Missing:
        """Return what the exchange does not list of the settings; ConfigurationError: all of it."""
        market = next(m for m in self._settings.markets if m.name == market_name)
        missing = missing_symbols(market, instruments)
        problems = missing_currencies(replace(self._settings, markets=(market,)), instruments)
        if len(missing) == len(market.symbols):
            problems = [*missing.values(), *problems]
        if problems:
            raise ConfigurationError("\n".join(problems))
        return missing


class Program:
    """The terminal: a profile, perhaps the exchange of the demo, and one session after another.

    `audit`: every execution is verified and no bot runs.
    """

    def __init__(self, profile: Profile, audit: bool = False) -> None:
        self._profile = profile
        self._audit = audit
        self._clock = SystemClock()
        self._notices = NoticeBoard(self._clock.now)
        self._exchange: EmbeddedExchange | None = None
        self._locks = LockKeeper(MachineLocks())
        self._running: Session | None = None
        self._wishes: queue.SimpleQueue[Reload | None] = queue.SimpleQueue()
        self._reloader = threading.Thread(target=self._serve, name="reload", daemon=True)
        self._events = itertools.count(1)
        self.backtests = BackTests.of(FOLDER, profile.folder)

    def open(self) -> None:
        """Start; ConfigurationError when the settings are wrong. Nothing stays behind then."""
        for warning in self._profile.warnings:
            self._notices.warning(warning)
        if self._profile.demo:
            self._exchange = EmbeddedExchange(
                self._profile.exchange_state,
                FOLDER,
                on_moved=lambda _market: self._wishes.put(Reload()),
            )
            self._exchange.start()
        self._running = Session(
            self.settings(), self._profile, self._notices, 0, self._locks, self._audit
        )
        self._running.start()
        self._running.wait_until_settled()
        self._reloader.start()

    def settings(self) -> Settings:
        """Read the settings of the profile; ConfigurationError."""
        if self._exchange is None:
            return read_settings(self._profile.folder, MARKETS)
        settings = demo_settings(self._profile.folder, self._exchange.market)
        ensure_demo_robot(settings.database, DEMO_MARKET, *DEMO_BOT)
        return settings

    @property
    def _session(self) -> Session:
        if self._running is None:
            raise RuntimeError("the program has not been opened")
        return self._running

    def snapshot(self) -> Snapshot:
        """Return the newest state."""
        return self._session.engine.snapshot

    def submit(self, command: Command) -> None:
        """Take what the user asks for; returns at once."""
        if isinstance(command, Reload):
            self._wishes.put(command)
        else:
            self._session.engine.submit(command)

    def next_event(self) -> int:
        """Return a number for a user action."""
        return next(self._events)

    @property
    def refresh_rate(self) -> int:
        """Repaints a second."""
        return self._session.engine.refresh_rate

    def close(self, *, clean: bool = True) -> None:
        """End session and exchange; not clean: it broke, a dead man's switch stays armed."""
        end_within(lambda: self._end(clean))

    def _end(self, clean: bool) -> None:
        self.backtests.stop()
        self._wishes.put(None)
        if self._reloader.is_alive():
            self._reloader.join()
        if self._running is not None:
            self._running.engine.stop(disarm=clean)
        self._locks.close()
        if self._exchange is not None:
            self._exchange.stop()
        self.backtests.close()

    def _serve(self) -> None:
        """F3: settings, robots and algo are read again; runs beside the window."""
        while self._wishes.get() is not None:
            try:
                self._reload()
            except Exception:
                log.exception("the reload failed")
                self._refuse("the reload failed; the log has the details")

    def _reload(self) -> None:
        try:
            settings = self.settings()
            reloads = self.snapshot().reloads + 1
            fresh = Session(
                settings, self._profile, self._notices, reloads, self._locks, self._audit
            )
        except TmaticError as error:
            self._refuse(f"nothing was reloaded: {error}")
            return
        # What the next session keeps armed must not be taken back between the two.
        keeps = any(market.dead_man for market in settings.markets)
        self._session.engine.stop(disarm=not keeps)
        fresh.start()
        self._running = fresh
        self._notices.info("settings, robots and algo were read again; TRADING is OFF")

    def _refuse(self, text: str) -> None:
        self._session.engine.inbox.put(ReloadFailed(text))
