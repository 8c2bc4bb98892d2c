"""Tmatic: start the terminal.

The composition root: it reads the settings, builds the objects, starts the threads and runs the
window, or the terminal without one. It is the only file that knows everybody; it decides nothing
about trading. Old Pythons must be able to read it, so that they can name the one that is needed.
"""

import sys

from common import bootstrap

if __name__ == "__main__":
    bootstrap.require_python()

# What follows needs no more than Python itself, up to the set-up.
import argparse
import itertools
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from common.command_line import parse_options, wants_window

VERSION = "0.1.0"
PROGRAM = Path(__file__).resolve().parent
EXIT_SETTINGS = 2  # the settings or the command line are wrong
EXIT_IN_USE = 3  # another terminal works in this folder
SETTLE_SECONDS = 2.0  # how long the window may wait for the exchange to confirm the settings


if __name__ == "__main__":
    OPTIONS = parse_options(sys.argv[1:], VERSION)
    bootstrap.enter(
        bootstrap.RUNTIME,
        window=wants_window(OPTIONS),
    )

# Only below this line may packages be imported that the set-up installs (pyproject.toml: E402).
from api.registry import MARKETS, create_gateway, currency_scales, read_executions
from api.simulator.child import DEMO_SYMBOLS, EmbeddedExchange
from api.simulator.child import MARKET as DEMO_MARKET
from bots.backtest.command import place_of, run_backtest, wish_of
from bots.runner import ProcessBotRunner
from bots.variables import Variables as Bots
from common.add_bot_command import run_add_bot
from common.backtest_child import BackTests
from common.clock import SystemClock
from common.domain.commands import Command, Reload, SetTrading
from common.domain.executions import Network
from common.domain.instruments import Category, Instrument, Symbol
from common.domain.reports import Period
from common.ending import end_within, leave
from common.engine.bring_up import Missing
from common.engine.engine import Engine
from common.engine.items import ReloadFailed
from common.engine.notices import NoticeBoard
from common.engine.snapshot import Snapshot
from common.engine.state import MarketState
from common.errors import ConfigurationError, ProfileInUse, TmaticError
from common.headless import StopSignals, run_headless
from common.history_ini import HistoryFile
from common.history_keeper import HistoryKeeper
from common.import_command import run_import
from common.ledger.account_lock import LockKeeper
from common.ledger.robots_table import ensure_demo_robot
from common.ledger.writer import LedgerWriter
from common.logs import Logs, forbid_core_dumps, hide
from common.market_settings import missing_currencies, missing_symbols
from common.profile import Profile, ProfileLock, find_profile
from common.report_command import run_report
from common.report_thread import ReportThread
from common.settings import demo_database, demo_settings, read_settings
from common.settings_types import MarketSettings, MysqlSettings, Settings, SqliteSettings
from common.verify_command import run_verify

log = logging.getLogger("main")

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
        for market in settings.markets:
            hide([market.api_key, market.api_secret])
        if isinstance(settings.database, MysqlSettings):
            hide([settings.database.password])
        self.engine = Engine(
            [(create_gateway(market), state_of(market)) for market in settings.markets],
            LedgerWriter(settings.database, scales=currency_scales(), take=locks.take),
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

    def _first_date(self, state: MarketState) -> datetime | None:
        date = self._history.read(state.key, SystemClock().now())
        if date.warning:
            self._notices.warning(date.warning)
        return date.at if date.by_user else None

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
        self._locks = LockKeeper()
        self._running: Session | None = None
        self._wishes: queue.SimpleQueue[Reload | None] = queue.SimpleQueue()
        self._reloader = threading.Thread(target=self._serve, name="reload", daemon=True)
        self._events = itertools.count(1)
        self.backtests = BackTests.of(PROGRAM, profile.folder)

    def open(self) -> None:
        """Start; ConfigurationError when the settings are wrong. Nothing stays behind then."""
        for warning in self._profile.warnings:
            self._notices.warning(warning)
        if self._profile.demo:
            self._exchange = EmbeddedExchange(
                self._profile.exchange_state,
                PROGRAM,
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
        self._session.engine.stop()
        fresh.start()
        self._running = fresh
        self._notices.info("settings, robots and algo were read again; TRADING is OFF")

    def _refuse(self, text: str) -> None:
        self._session.engine.inbox.put(ReloadFailed(text))


def run_window(profile: Profile, theme: str) -> int:
    """Show the window until it is closed."""
    from display import running  # noqa: PLC0415 -- Tk is not needed, and perhaps not there, else

    root = running.open_root()
    program = Program(profile)
    clean = False
    try:
        program.open()
        with StopSignals() as signals:
            running.show(
                root,
                program,
                theme=theme,
                profile_name=profile.folder.name,
                stop_wanted=lambda: signals.requested,
            )
        clean = True
    finally:
        program.close(clean=clean)
    return 0


def run_without_window(profile: Profile, trading: bool) -> int:
    """Run until a signal asks for the end, one line per event."""
    program = Program(profile)
    clean = False
    with StopSignals() as signals:
        try:
            program.open()
            if trading:
                program.submit(SetTrading(on=True))
            code = run_headless(program.snapshot, signals)
            clean = True
            return code
        finally:
            program.close(clean=clean)


def verify(profile: Profile) -> int:
    """Compare the books with the exchange; exit code 0 when they agree, 1 when not."""
    program = Program(profile, audit=True)
    with StopSignals() as signals:
        try:
            program.open()
            return run_verify(program.snapshot, signals)
        finally:
            program.close()


def books_of(profile: Profile) -> tuple[SqliteSettings | MysqlSettings, str]:
    """Return where the books of a profile are, and the name of its first market."""
    if profile.demo:
        return demo_database(profile.folder), DEMO_MARKET
    settings = read_settings(profile.folder, MARKETS)
    return settings.database, settings.markets[0].name


def add_bot(profile: Profile, row: list[str]) -> int:
    """Write a row of the table robots."""
    symbols: tuple[Symbol, ...] = DEMO_SYMBOLS
    if not profile.demo:
        symbols = read_settings(profile.folder, MARKETS).markets[0].symbols
    return run_add_bot(*books_of(profile), row, symbols)


def import_file(options: argparse.Namespace, profile: Profile) -> int:
    """Book the executions of a file; exit code 0 when all are in the books, 1 when not."""
    database, market = books_of(profile)
    network = Network(options.network or Network.REAL)
    rows = read_executions(market, options.import_file, options.account)
    now = SystemClock().now
    return run_import(options.import_file, rows, database, market, network, currency_scales(), now)


def backtest(options: argparse.Namespace, profile: Profile) -> int:
    """Test a bot on candles of the past; the terminal may be running."""
    if profile.demo:
        ensure_demo_robot(demo_database(profile.folder), DEMO_MARKET, *DEMO_BOT)
    return run_backtest(wish_of(options), place_of(profile, *books_of(profile)))


def run_terminal(options: argparse.Namespace, profile: Profile) -> int:
    """Run the terminal in the way that was asked for."""
    if options.verify:
        return verify(profile)
    if options.headless:
        return run_without_window(profile, options.trading == "on")
    return run_window(profile, options.theme)


def run_beside(options: argparse.Namespace, profile: Profile) -> int:
    """Run what may be done while a terminal works in the profile."""
    if options.add_bot:
        return add_bot(profile, [*options.add_bot, options.strategy or ""])
    if options.backtest:
        return backtest(options, profile)
    database, _ = books_of(profile)
    run_report(database, Period(options.report), options.csv, SystemClock().now())
    return 0


def run(options: argparse.Namespace) -> int:
    """Run what the command line asks for and return the exit code."""
    try:
        forbid_core_dumps()
        profile = find_profile(PROGRAM, options.profile)
        if options.add_bot or options.report or options.backtest:
            return run_beside(options, profile)
        with ProfileLock(profile.folder):
            logs = Logs(profile.logs)
            logs.start()
            try:
                if options.import_file:
                    return import_file(options, profile)
                return run_terminal(options, profile)
            finally:
                logs.stop()
    except ProfileInUse as error:
        print(error, file=sys.stderr)
        return EXIT_IN_USE
    except TmaticError as error:
        print(error, file=sys.stderr)
        return EXIT_SETTINGS


if __name__ == "__main__":
    leave(run(OPTIONS))
