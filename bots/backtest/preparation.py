"""What a back-test needs, found and checked before it begins; what lacks is a sentence."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from pathlib import Path

from api.simulator.assets import SCALES
from api.simulator.bar_files import BarFile, read_rates
from api.simulator.bar_instrument import Rate
from api.simulator.bar_venue import Fills
from api.simulator.bars import Bars, minute_of, moment
from api.simulator.contracts import Contract, perpetuals_and_spot
from api.simulator.times import parse
from api.simulator.venue import DEMO_MONEY
from bots.backtest.run import Plan
from bots.backtest.source import Source
from bots.variables import Variables as Bots
from common.domain.robots import Robot
from common.errors import ConfigurationError
from common.ledger.database import DatabaseSettings
from common.ledger.reports import open_for_reading
from common.ledger.robots_table import read_robots
from common.ledger.store import Store

USUAL_RATE = 100  # ppm: 0.01 % every eight hours
MOST_FOLDERS = 10_000
WORDS = {"today": 0, "yesterday": 1}  # days before the beginning of today, UTC
_SHOWN = 40  # characters of a wrong argument in a message
_MOST_MONEY = 10**17  # units of --deposit; far beyond any account, a hundredth of a 64-bit column
_FORMAT = "%Y-%m-%d %H:%M"


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


def prepare(wish: Wish, place: Place, write: Callable[[str], None]) -> tuple[Plan, Path]:
    """Return what to run and the new folder for its report. ConfigurationError says what lacks."""
    robot = find_robot(place, wish.emi)
    contract = find_contract(robot)
    begin, end = _span(wish)
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
    """Raise ConfigurationError unless the bars reach from `begin` to `end` and fit the bot."""
    if not len(bars) or bars.end <= minute_of(begin):
        raise ConfigurationError(
            f"There are no candles of {robot.symbol} between {begin:{_FORMAT}} and "
            f"{end:{_FORMAT}} UTC; {_those_there(bars)}. Name a file that has them with --candles"
        )
    if robot.timeframe % bars.minutes:
        raise ConfigurationError(
            f"{robot.emi} needs bars of {robot.timeframe} min, which cannot be made of bars of "
            f"{bars.minutes} min"
        )
    first, last = moment(bars.first), moment(bars.end)
    if bars.first > minute_of(begin):
        raise ConfigurationError(
            f"The candles of {robot.symbol} begin only at {first:{_FORMAT}} "
            f"UTC: choose --from {first:%Y-%m-%dT%H:%M} or later"
        )
    if bars.end < minute_of(end):
        raise ConfigurationError(
            f"The candles of {robot.symbol} end at {last:{_FORMAT}} UTC: "
            f"choose --to {last:%Y-%m-%dT%H:%M} or earlier"
        )


def _those_there(bars: Bars) -> str:
    if not len(bars):
        return "there are none"
    first, last = moment(bars.first), moment(bars.end)
    return f"there are those from {first:{_FORMAT}} to {last:{_FORMAT}}"


def _span(wish: Wish) -> tuple[datetime, datetime]:
    """Return the beginning and the end of the time that is played."""
    begin, end = _moment(wish.begin, "--from"), _moment(wish.end, "--to")
    if begin >= end:
        raise ConfigurationError(f"--from {wish.begin} must be earlier than --to {wish.end}")
    return begin, end


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
