"""`--backtest EMI`: from the options to a folder with the report."""

from __future__ import annotations

import argparse
import logging
import re
import shutil
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path

from api.simulator.assets import SCALES
from api.simulator.bar_files import BarFile, read_rates
from api.simulator.bar_instrument import Rate
from api.simulator.bar_player import BarPlayer
from api.simulator.bar_venue import Fills
from api.simulator.bars import Bars, minute_of, moment
from api.simulator.contracts import Contract, perpetuals_and_spot
from api.simulator.times import parse
from api.simulator.venue import DEMO_MONEY
from bots.backtest.figures import compute
from bots.backtest.picture import draw
from bots.backtest.report import text_lines, write_curve, write_months
from bots.backtest.run import BackTest, Outcome, Plan
from bots.backtest.source import Source, source_of
from bots.variables import Variables as Bots
from common.domain.robots import Robot
from common.errors import ConfigurationError, TmaticError
from common.headless import StopSignals
from common.ledger.database import DatabaseSettings
from common.ledger.reports import open_for_reading
from common.ledger.robots_table import read_robots
from common.ledger.store import Store
from common.profile import Profile
from common.redaction import clean

USUAL_RATE = 100  # ppm: 0.01 % every eight hours
MOST_FOLDERS = 10_000
INTERRUPTED = 130
AGREED, DIFFERENCES = 0, 1
LONGEST_LINE = 300
_SHOWN = 40  # characters of a wrong argument in a message
_MOST_MONEY = 10**17  # units of --deposit; far beyond any account, a hundredth of a 64-bit column


WORDS = {"today": 0, "yesterday": 1}  # days before the beginning of today, UTC


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asked for."""

    emi: str
    begin: str
    end: str
    candles: Path | None = None
    funding: Path | None = None
    spread: int = 1
    touch: bool = False
    deposit: str | None = None
    progress: bool = False  # tell it in lines, for a program that reads them


@dataclass(frozen=True, slots=True)
class Place:
    """Where a back-test finds and leaves things."""

    database: DatabaseSettings  # of the profile
    market: str
    algo: Path | None
    folder: Path  # of all back-tests
    source: Source


def wish_of(options: argparse.Namespace) -> Wish:
    """Return what the options of the command line ask for."""
    return Wish(
        options.backtest,
        options.begin,
        options.end,
        options.candles,
        options.funding,
        options.spread,
        options.fill == "touch",
        options.deposit,
        options.progress,
    )


def place_of(profile: Profile, database: DatabaseSettings, market: str) -> Place:
    """Return where the back-tests of a profile are made."""
    folder = profile.folder / "backtests"
    return Place(database, market, profile.algo, folder, source_of(profile, market))


def run_backtest(wish: Wish, place: Place, write: Callable[[str], None] = print) -> int:
    """Test a bot, write its report and print it; return the exit code. ConfigurationError."""
    plan, folder = prepare(wish, place, write)
    test = BackTest(plan)
    with StopSignals() as signals:

        def watch(player: BarPlayer) -> None:
            if signals.requested:
                test.stop()
            show_progress(player, wish.progress)

        try:
            with _log_into(folder):
                outcome = test.run(watch)
        except TmaticError:
            shutil.rmtree(folder, ignore_errors=True)  # there is nothing to report
            raise
        finally:
            hide_progress()
    lines = write_report(outcome, folder)
    for line in lines:
        write(clean(line, LONGEST_LINE))
    write(f"report, curve and books are in {folder}")
    if outcome.stopped:
        return INTERRUPTED
    agreed = outcome.verification.finished and not outcome.verification.differences
    return AGREED if agreed else DIFFERENCES


@contextmanager
def _log_into(folder: Path) -> Iterator[None]:
    """Let warnings and errors go to a file of the back-test, which is only made for them."""
    handler = logging.FileHandler(folder / "log.txt", encoding="utf-8", delay=True)
    handler.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def prepare(wish: Wish, place: Place, write: Callable[[str], None]) -> tuple[Plan, Path]:
    """Return what to run and the new folder for its report. ConfigurationError says what lacks."""
    robot = find_robot(place, wish.emi)
    contract = find_contract(robot)
    begin, end = _moment(wish.begin, "--from"), _moment(wish.end, "--to")
    if begin >= end:
        raise ConfigurationError(f"--from {wish.begin} must be earlier than --to {wish.end}")
    bars, rate = _bars(wish, place, contract, begin, end, write)
    _check_bars(bars, robot, begin, end)
    money, rate = _money(wish, contract), _rate(wish, rate)
    folder = _new_folder(place.folder, f"{robot.emi}_{begin:%Y%m%d}_{end:%Y%m%d}")
    plan = Plan(
        robot=robot,
        contract=contract,
        bars=bars,
        begin=minute_of(begin),
        money=money,
        rate=rate,
        books=folder / "books.db",
        algo=place.algo,
        fills=Fills(wish.spread, wish.touch),
    )
    return plan, folder


def find_robot(place: Place, emi: str) -> Robot:
    """Return the bot's row of the table robots. ConfigurationError names those there are."""
    database = open_for_reading(place.database)
    robots: list[Robot] = []
    if database is not None:
        with closing(database):
            robots, _, _ = read_robots(Store(database).robot_rows(place.market), {}, ())
    robot = next((known for known in robots if known.emi == emi), None)
    if robot is None:
        known = ", ".join(sorted(r.emi for r in robots)) or "none"
        raise ConfigurationError(
            f"There is no bot {emi} in the table robots of {place.market} (there are: {known}); "
            "--add-bot writes its row"
        )
    if robot.problem:
        raise ConfigurationError(f"{emi}: {robot.problem}")
    if robot.timeframe < 1:
        raise ConfigurationError(f"{emi} has no TIMEFR: it is never called")
    return robot


def find_contract(robot: Robot) -> Contract:
    """Return the figures of what a bot trades. ConfigurationError: they are not known."""
    listed = perpetuals_and_spot()
    for contract in listed:
        if (contract.symbol, contract.kind.value) == (
            robot.symbol.ticker,
            robot.symbol.category.value,
        ):
            return contract
    names = ", ".join(f"{c.symbol} {c.kind.value}" for c in listed)
    raise ConfigurationError(
        f"{robot.emi} trades {robot.symbol}, whose figures the embedded exchange does not know; "
        f"it knows {names}"
    )


def write_report(outcome: Outcome, folder: Path) -> list[str]:
    """Write all files of a report and return its text. ConfigurationError: it cannot be written."""
    figures = compute(outcome)
    lines = list(text_lines(outcome, figures))
    try:
        (folder / "report.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        write_months(folder / "months.csv", outcome, figures)
        write_curve(folder / "equity.csv", outcome)
        draw(folder / "equity.png", outcome, figures)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written: {error.strerror or type(error).__name__}"
        ) from error
    return lines


def show_progress(player: BarPlayer, lines: bool) -> None:
    """Show on a console, or in lines of their own, how far the back-test has come."""
    if lines:
        print(f"progress {player.played} {player.total}", file=sys.stderr, flush=True)
    elif sys.stderr.isatty():
        share = 100 * player.played // max(1, player.total)
        sys.stderr.write(f"\r{player.played:,} of {player.total:,} bars ({share} %) ")
        sys.stderr.flush()


def hide_progress() -> None:
    """Clear the line of the progress."""
    if sys.stderr.isatty():
        sys.stderr.write("\r" + " " * 60 + "\r")
        sys.stderr.flush()


def _bars(
    wish: Wish,
    place: Place,
    contract: Contract,
    begin: datetime,
    end: datetime,
    write: Callable[[str], None],
) -> tuple[Bars, Rate | None]:
    """Return the bars from the strategy's past to `end`."""
    past = begin - timedelta(days=Bots.missing_days_number)
    if wish.candles is None:
        return place.source(contract, past, end)
    file = BarFile(wish.candles, contract)
    bars = file.read()
    if file.rounded:
        write(f"{wish.candles}: {file.rounded} prices lay between two ticks and were rounded")
    return bars.between(minute_of(past), minute_of(end)), None


def _check_bars(bars: Bars, robot: Robot, begin: datetime, end: datetime) -> None:
    if not len(bars) or bars.end <= minute_of(begin):
        there = (
            f"there are those from {moment(bars.first):%Y-%m-%d %H:%M} to "
            f"{moment(bars.end):%Y-%m-%d %H:%M}"
            if len(bars)
            else "there are none"
        )
        raise ConfigurationError(
            f"There are no candles of {robot.symbol} between {begin:%Y-%m-%d %H:%M} and "
            f"{end:%Y-%m-%d %H:%M} UTC; {there}. Name a file that has them with --candles"
        )
    if robot.timeframe % bars.minutes:
        raise ConfigurationError(
            f"{robot.emi} needs bars of {robot.timeframe} min, which cannot be made of bars of "
            f"{bars.minutes} min"
        )
    if bars.first > minute_of(begin):
        raise ConfigurationError(
            f"The candles of {robot.symbol} begin only at {moment(bars.first):%Y-%m-%d %H:%M} "
            f"UTC: choose --from {moment(bars.first):%Y-%m-%dT%H:%M} or later"
        )
    if bars.end < minute_of(end):
        raise ConfigurationError(
            f"The candles of {robot.symbol} end at {moment(bars.end):%Y-%m-%d %H:%M} UTC: "
            f"choose --to {moment(bars.end):%Y-%m-%dT%H:%M} or earlier"
        )


def _moment(text: str, option: str) -> datetime:
    if text in WORDS:
        midnight = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=WORDS[text])
    try:
        at = datetime.fromtimestamp(parse(text) / 1000, timezone.utc)
    except (ValueError, IndexError, OverflowError, OSError):
        raise ConfigurationError(
            f"{option} {text[:_SHOWN]!r} is not a date such as 2025-01-31 or 2025-01-31T12:00, "
            "nor one of the words today and yesterday"
        ) from None
    return at.replace(second=0, microsecond=0)


def _money(wish: Wish, contract: Contract) -> dict[str, int]:
    if wish.deposit is None:
        return dict(DEMO_MONEY)
    scale = SCALES[contract.money]
    try:
        units = Decimal(wish.deposit).scaleb(scale)
        whole = int(units)
    except (InvalidOperation, ValueError, OverflowError):
        units, whole = Decimal(0), 1
    if units != whole or not 0 < whole < _MOST_MONEY:
        raise ConfigurationError(
            f"--deposit {wish.deposit[:_SHOWN]!r} is not an amount such as 1000 with at most "
            f"{scale} decimal places"
        )
    return {**DEMO_MONEY, contract.money: whole}


def _rate(wish: Wish, given: Rate | None) -> Rate:
    if wish.funding is None:
        return given or (lambda _time: USUAL_RATE)
    rates = read_rates(wish.funding)
    times = sorted(rates)

    def rate(time: int) -> int:
        """Return the rate told for this time, or last told before it; 0 before all of them."""
        place = bisect_right(times, time)
        return rates[times[place - 1]] if place else 0

    return rate


def _new_folder(parent: Path, name: str) -> Path:
    """Make a folder that was not there. ConfigurationError."""
    plain = re.sub(r"[^\w.-]", "_", name)
    for candidate in _numbered(parent / plain):
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise ConfigurationError(
                f"{candidate} cannot be made: {error.strerror or type(error).__name__}"
            ) from error
        return candidate
    raise ConfigurationError(f"{parent} holds too many back-tests of {name}; remove some")


def _numbered(path: Path) -> Iterator[Path]:
    yield path
    for number in range(2, MOST_FOLDERS):
        yield path.with_name(f"{path.name}_{number}")
