"""What a person says of a bot, and what is wrong with it before a database sees it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from common.domain.bots import OnStop
from common.domain.instruments import Symbol
from common.domain.parameters import Catalog, values_of
from common.domain.robots import Robot, Status, fits_a_day, new_emi_problem, strategy_problem
from common.errors import BadParameter

LARGEST = 2**63 - 1  # of a whole number in the database


@dataclass(frozen=True, slots=True)
class BotForm:
    """A bot as it shall be."""

    emi: str
    symbol: Symbol
    timeframe: int  # minutes
    capital: int  # lots
    strategy: str = ""  # "module:attribute" in the folder algo; "": algo/init.py says it
    parameters: tuple[tuple[str, str], ...] = ()  # name, text
    on_stop: OnStop = OnStop.LEAVE
    sort: int = 0  # place in the list; 0: the last one, or where it is


def form_problem(form: BotForm, catalog: Catalog) -> str:
    """Return what is wrong with a form, "" where nothing is.

    A strategy that the catalog does not have is believed: its worker will say what it finds.
    """
    if not fits_a_day(form.timeframe):
        return f"TIMEFR {form.timeframe}: a timeframe is 1 to 1440 minutes and divides a day"
    if not 0 < form.capital <= LARGEST:
        return f"CAPITAL {form.capital}: it is a whole number of lots, 1 or more"
    if not 0 <= form.sort <= LARGEST:
        return f"SORT {form.sort}: it is a whole number"
    problem = strategy_problem(form.strategy) if form.strategy else ""
    if problem:
        return problem
    for info in catalog.strategies:
        if info.name == form.strategy:
            try:
                values_of(info.parameters, dict(form.parameters))
            except BadParameter as error:
                return str(error)
    return ""


def new_bot_problem(form: BotForm, robots: Iterable[Robot], symbols: Iterable[Symbol]) -> str:
    """Return why a new bot cannot have this EMI and symbol, "" where it can."""
    problem = new_emi_problem(form.emi)
    if problem:
        return f"EMI {form.emi!r}: {problem}"
    if form.symbol not in symbols:
        return f"{form.symbol} is not among the symbols of the settings"
    for robot in robots:
        if robot.emi.casefold() != form.emi.casefold():
            continue
        stray = robot.status is Status.NOT_DEFINED and robot.emi == form.emi
        if not stray:
            return f"there is a bot {robot.emi} already; an EMI is one bot's for ever"
        if robot.symbol != form.symbol:
            return f"{robot.emi} has a position or orders in {robot.symbol}; close them first"
    return ""
