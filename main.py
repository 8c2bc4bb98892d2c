"""Tmatic: start the terminal.

With `common/program.py` the composition root: it reads the command line, and runs the window, the
terminal without one, or what may be done beside it. Old Pythons must be able to read this file, so
that they can name the one that is needed.
"""

import sys

from common import bootstrap

if __name__ == "__main__":
    bootstrap.require_python()

# What follows needs no more than Python itself, up to the set-up.
import argparse
import logging

from common.command_line import parse_options, wants_window

VERSION = "0.1.0"
EXIT_SETTINGS = 2  # the settings or the command line are wrong
EXIT_IN_USE = 3  # another terminal works in this folder
EXIT_DISPLAY = 4  # the display has gone while the window was open
DISPLAY_LOST = (
    "the display has gone: the bots are stopped and the program ends; orders stay at the exchange, "
    "and a dead man's switch stays armed"
)


if __name__ == "__main__":
    OPTIONS = parse_options(sys.argv[1:], VERSION)
    bootstrap.enter(
        bootstrap.RUNTIME,
        window=wants_window(OPTIONS),
    )

# Only below this line may packages be imported that the set-up installs (pyproject.toml: E402).
from api.registry import MARKETS, currency_scales, read_executions
from api.simulator.child import DEMO_SYMBOLS
from api.simulator.child import MARKET as DEMO_MARKET
from bots.backtest.command import place_of, run_backtest, wish_of
from common.add_bot_command import run_add_bot
from common.classify_command import run_classify
from common.clock import SystemClock
from common.console import console_of
from common.domain.commands import SetTrading
from common.domain.executions import Network
from common.domain.instruments import Symbol
from common.domain.reports import Period
from common.ending import leave
from common.errors import ProfileInUse, TmaticError
from common.headless import StopSignals, run_headless
from common.import_command import run_import
from common.ledger.robots_table import ensure_demo_robot
from common.logs import Logs, forbid_core_dumps
from common.profile import Profile, ProfileLock, find_profile
from common.program import DEMO_BOT, FOLDER, Program
from common.report_command import run_report
from common.settings import demo_database, read_settings
from common.settings_types import MysqlSettings, SqliteSettings
from common.stop_command import run_stop, stop_wish
from common.verify_command import run_verify

log = logging.getLogger("main")


def run_window(profile: Profile, theme: str) -> int:
    """Show the window until it is closed."""
    from display import running  # noqa: PLC0415 -- Tk is not needed, and perhaps not there, else
    from display.lost_display import on_loss  # noqa: PLC0415 -- as above

    root = running.open_root()
    program = Program(profile)
    on_loss(lambda: end_without_display(program), EXIT_DISPLAY)
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


def end_without_display(program: Program) -> None:
    """The display has gone and cannot be asked about orders: they stay, and so does the switch."""
    log.error(DISPLAY_LOST)
    print(DISPLAY_LOST, file=sys.stderr, flush=True)
    program.close(clean=False)


def run_without_window(profile: Profile, trading: bool) -> int:
    """Run until a signal asks for the end, one line per event."""
    program = Program(profile)
    clean = False
    with StopSignals() as signals:
        try:
            program.open()
            if trading:
                program.submit(SetTrading(on=True))
            console = console_of(program.submit, program.next_event)
            code = run_headless(program.snapshot, signals, console=console.take)
            clean = True
            return code
        finally:
            program.close(clean=clean)


def stop(profile: Profile, words: list[str], agreed: bool) -> int:
    """Cancel orders or close positions; exit code 0 when nothing of them is left, 1 when not."""
    wish = stop_wish(words)
    program = Program(profile)
    with StopSignals() as signals:
        try:
            program.open()
            return run_stop(program, wish, signals, agreed=agreed)
        finally:
            program.close()


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
    if options.stop:
        return stop(profile, options.stop, options.yes)
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
    if options.classify:
        name, kind = options.classify
        return run_classify(database, name, kind, SystemClock().now())
    run_report(database, Period(options.report), options.csv, SystemClock().now())
    return 0


def run(options: argparse.Namespace) -> int:
    """Run what the command line asks for and return the exit code."""
    try:
        forbid_core_dumps()
        profile = find_profile(FOLDER, options.profile)
        if options.add_bot or options.report or options.backtest or options.classify:
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
