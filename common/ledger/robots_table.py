"""Rows of the table `robots`: read with a judgement of each, and written for a new bot."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone

from common.domain.books import Balance
from common.domain.bot_form import BotForm
from common.domain.instruments import Category, Symbol
from common.domain.robots import (
    Robot,
    Status,
    emi_problem,
    fits_a_day,
    new_emi_problem,
    strategy_problem,
)
from common.errors import ConfigurationError
from common.ledger import statements as sql
from common.ledger.connecting import open_database
from common.ledger.database import (
    Database,
    DatabaseSettings,
    DuplicateKey,
    Value,
    to_int,
    to_text,
    transaction,
)
from common.ledger.migration import migrate
from common.ledger.rows import BIGINT

CATEGORIES = ", ".join(category.value for category in Category)
SYMBOL = re.compile(r"[A-Za-z0-9_]{1,40}")
_NO_TIMEFRAME = "does not divide a day into whole bars; take 1, 2, 3, 4, 5, ... 60, ... 1440"
LONG = len(str(BIGINT))  # digits


def read_robots(
    rows: Iterable[Sequence[Value]], statuses: Mapping[str, bool], balances: Iterable[Balance]
) -> tuple[list[Robot], dict[str, Symbol], list[str]]:
    """Return the robots of a market, EMI -> symbol of those that own fills, and warnings.

    `rows` are those of ROBOT_ROWS. A row that cannot be used becomes a robot in ERROR with the
    reason; it still owns the fills of its EMI as long as its symbol can be understood.
    """
    past = list(balances)
    robots: list[Robot] = []
    claims: dict[str, Symbol] = {}
    warnings: list[str] = []
    for row in rows:
        if row[0] is None or row[7] is None:
            missing = "EMI" if row[0] is None else "MARKET"
            warnings.append(f"table robots: the row {_describe(row)} has no {missing}; not used")
            continue
        robot, understood = _read(row)
        problem = robot.problem or past_problem(robot, past)
        robots.append(_with_status(robot, problem, statuses))
        if understood:
            claims[robot.emi] = robot.symbol
    return _mark_twins(robots), claims, warnings


def past_problem(robot: Robot, balances: Sequence[Balance]) -> str:
    """Return why the EMI's past in the books forbids to run it, "" where nothing does.

    The currency of a symbol that was never traded is not in the books; there the engine, which
    knows the instrument, looks again.
    """
    own = [balance for balance in balances if balance.emi == robot.emi and balance.volume]
    for balance in own:
        if balance.symbol != robot.symbol and balance.position:
            return (
                f"it still holds {balance.position} contracts of {balance.symbol}; close them "
                f"before EMI {robot.emi} trades {robot.symbol}, or give the bot a new EMI"
            )
    settled_in = {b.currency for b in balances if b.symbol == robot.symbol and b.volume}
    for balance in own:
        if settled_in and balance.symbol != robot.symbol and balance.currency not in settled_in:
            return currency_text(robot, balance)
    return ""


def currency_text(robot: Robot, balance: Balance) -> str:
    """Say that sums of two currencies would mix under one EMI."""
    return (
        f"rows of EMI {robot.emi} in the books are in {balance.currency} ({balance.symbol}), and "
        f"{robot.symbol} settles in another currency; give the bot a new EMI"
    )


def add_robot(
    settings: DatabaseSettings,
    market: str,
    emi: str,
    symbol: str,
    category: str,
    timefr: str | int,
    capital: str | int,
    strategy: str = "",
) -> Robot:
    """Write a row of `robots`. ConfigurationError names the argument and the remedy.

    strategy: "module:attribute" in the folder algo; "": algo/init.py says it.

    LedgerUnavailable when the database cannot be reached.
    """
    robot = checked_robot(market, emi, symbol, category, timefr, capital)
    problem = strategy_problem(strategy) if strategy else ""
    if problem:
        raise ConfigurationError(problem)
    database = open_database(settings)
    try:
        migrate(database, datetime.now(timezone.utc))
        with transaction(database):
            robot = _insert(database, robot)
            if strategy:
                database.execute(sql.REPLACE_SETTINGS, (market, emi, strategy, "{}"))
    finally:
        database.close()
    return robot


def ensure_demo_robot(
    settings: DatabaseSettings, market: str, emi: str, symbol: Symbol, timeframe: int, capital: int
) -> bool:
    """Give a fresh demo its bot, in WORK; return whether it was written now.

    Written once: a row that the user removes does not come back.
    """
    robot = checked_robot(market, emi, symbol.ticker, symbol.category.value, timeframe, capital)
    database = open_database(settings)
    try:
        migrate(database, datetime.now(timezone.utc))
        with transaction(database):
            known = database.query(sql.ROBOT_EMIS, (market,)) or database.query(
                sql.STATUSES, (market,)
            )
            if not known:
                _insert(database, robot)
                database.execute(sql.REPLACE_STATUS, (market, emi, 1))
    finally:
        database.close()
    return not known


def save_bot(database: Database, market: str, form: BotForm, new: bool) -> Robot:
    """Write all that a person says of a bot, inside the caller's transaction.

    A new bot is OFF until a person switches it on. ConfigurationError: another bot has the name,
    or the bot is gone.
    """
    robot = checked_robot(
        market,
        form.emi,
        form.symbol.ticker,
        form.symbol.category.value,
        form.timeframe,
        form.capital,
        known=not new,
    )
    robot = replace(robot, sort=form.sort, strategy=form.strategy, parameters=form.parameters)
    if new:
        robot = _insert(database, robot)
        database.execute(sql.REPLACE_STATUS, (market, form.emi, 0))
    else:
        row = (robot.timeframe, robot.capital, form.sort, form.sort, market, form.emi)
        if not database.execute(sql.UPDATE_ROBOT, row):
            raise ConfigurationError(f"EMI {form.emi!r} has no row in the table robots any more")
    texts = json.dumps(dict(form.parameters), ensure_ascii=True)
    database.execute(sql.REPLACE_SETTINGS, (market, form.emi, form.strategy, texts))
    database.execute(sql.REPLACE_POLICY, (market, form.emi, form.on_stop.value))
    return robot


def delete_bot(database: Database, market: str, emi: str) -> None:
    """Take a bot out of every table of settings; its rows of `coins` stay."""
    for statement in sql.DELETE_BOT:
        database.execute(statement, (market, emi))


def checked_robot(
    market: str,
    emi: str,
    symbol: str,
    category: str,
    timefr: str | int,
    capital: str | int,
    known: bool = False,
) -> Robot:
    """Return a robot from what a user typed. ConfigurationError names what is wrong.

    known: its row is there already; older rows may have names that are not given any more.
    """
    problem = emi_problem(emi) if known else new_emi_problem(emi)
    if problem:
        raise ConfigurationError(f"EMI {emi!r}: {problem}")
    if category not in {known.value for known in Category}:
        raise ConfigurationError(f"CATEGORY {category!r} is unknown; it is one of {CATEGORIES}")
    if not SYMBOL.fullmatch(symbol):
        raise ConfigurationError(f"SYMBOL {symbol!r} is not a symbol such as XBTUSDT")
    minutes = _positive("TIMEFR", timefr, "whole minutes, such as 1, 60 or 1440")
    if not fits_a_day(minutes):
        raise ConfigurationError(f"TIMEFR {minutes} {_NO_TIMEFRAME}")
    return Robot(
        emi=emi,
        symbol=Symbol(symbol, Category(category)),
        market=market,
        timeframe=minutes,
        capital=_positive("CAPITAL", capital, "a whole number of lots, such as 1"),
        sort=0,
        margin=1,
        status=Status.WORK,
    )


def _insert(database: Database, robot: Robot) -> Robot:
    taken = {to_text(row[0]) for row in database.query(sql.ROBOT_EMIS, (robot.market,))}
    for emi in taken:
        if emi.casefold() == robot.emi.casefold():
            raise ConfigurationError(
                f"EMI {robot.emi!r}: {robot.market} has a bot named {emi!r} already; choose "
                "another EMI or change its row in the table robots"
            )
    robot = replace(robot, sort=robot.sort or len(taken) + 1)
    row = (
        robot.emi,
        robot.symbol.ticker,
        robot.symbol.category.value,
        robot.market,
        robot.sort,
        robot.timeframe,
        robot.capital,
        robot.margin,
    )
    try:
        database.execute(sql.INSERT_ROBOT, row)
    except DuplicateKey as error:
        raise ConfigurationError(f"EMI {robot.emi!r} was taken in this moment") from error
    return robot


def _positive(name: str, value: str | int, meaning: str) -> int:
    text = str(value).strip()
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONG else 0
    if not 0 < number <= BIGINT:
        raise ConfigurationError(f"{name} {text[:40]!r} is not {meaning}")
    return number


def _read(row: Sequence[Value]) -> tuple[Robot, bool]:
    """Return the robot of a row and whether its symbol and category can be understood."""
    emi, ticker, category, sort, timefr, capital, margin, market = row[:8]
    strategy, texts = row[8:10] if len(row) > 8 else (None, None)
    parameters, problem = _parameters(texts)
    known = to_text(category) in {member.value for member in Category}
    robot = Robot(
        emi=to_text(emi),
        # A category must stand somewhere; the problem says that the row has none.
        symbol=Symbol(to_text(ticker), Category(to_text(category)) if known else Category.LINEAR),
        market=to_text(market),
        timeframe=max(0, _number(timefr)),
        capital=max(0, _number(capital)),
        sort=_number(sort),
        margin=_number(margin),
        status=Status.WORK,
        problem=_row_problem(row, known) or problem,
        strategy=to_text(strategy or ""),
        parameters=parameters,
    )
    return robot, known and bool(ticker) and not emi_problem(robot.emi)


def _parameters(texts: Value) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return name and text of each parameter, and what is wrong with the column."""
    try:
        found = json.loads(to_text(texts or "{}"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        return (), "PARAMETERS in the table robot_settings is no JSON object of texts"
    return tuple(found.items()), ""


def _row_problem(row: Sequence[Value], known: bool) -> str:
    emi, ticker, category, _, timefr, capital, _, _ = row[:8]
    if not known:
        return f"CATEGORY {category!r} in the table robots is unknown; it is one of {CATEGORIES}"
    if not ticker:
        return "SYMBOL in the table robots is empty"
    if emi_problem(to_text(emi)):
        return emi_problem(to_text(emi))
    if not fits_a_day(_number(timefr)):
        return f"TIMEFR {timefr!r} in the table robots {_NO_TIMEFRAME}"
    if _number(capital) < 0:
        return f"CAPITAL {capital!r} in the table robots is below 0"
    return ""


def _number(value: Value) -> int:
    """Return an integer column; -1 for a text that some program put into it, 0 for NULL."""
    try:
        return to_int(value)
    except ValueError:
        return -1


def _with_status(robot: Robot, problem: str, statuses: Mapping[str, bool]) -> Robot:
    if problem:
        return replace(robot, status=Status.ERROR, problem=problem)
    return replace(robot, status=Status.WORK if statuses.get(robot.emi, True) else Status.OFF)


def _mark_twins(robots: Sequence[Robot]) -> list[Robot]:
    """Put robots into ERROR whose names differ only by case: people and tools confuse them."""
    names = [robot.emi.casefold() for robot in robots]
    return [
        replace(
            robot,
            status=Status.ERROR,
            problem=robot.problem
            or f"another row of the table robots differs from EMI "
            f"{robot.emi} only by upper and lower case; rename one of them",
        )
        if names.count(robot.emi.casefold()) > 1
        else robot
        for robot in robots
    ]


def _describe(row: Sequence[Value]) -> str:
    return f"EMI {row[0]!r}, SYMBOL {row[1]!r}, CATEGORY {row[2]!r}"
