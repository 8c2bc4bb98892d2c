"""Bots: their rows in the table `robots` and their status."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from common.domain.instruments import Category, Symbol
from common.domain.orders import CL_ORD_ID_LENGTH, NUMBER_DIGITS


class Status(str, Enum):
    """What a bot may do; the member's value is what the screen shows."""

    WORK = "WORK"  # trades by itself while automatic trading is on
    OFF = "OFF"  # switched off by the user, by an error or by its own time-out
    RESERVED = "RESERVED"  # the default owner of a symbol: manual and foreign orders
    NOT_DEFINED = "NOT DEFINED"  # has a position or orders, but no row in `robots`
    NOT_IN_LIST = "NOT IN LIST"  # has a position in a symbol that is not subscribed
    ERROR = "ERROR"  # its row or its code is wrong; `Robot.problem` says how

    def __str__(self) -> str:
        return self.value


EMI_LIMIT = CL_ORD_ID_LENGTH - 1 - NUMBER_DIGITS  # characters of an EMI that fits a clOrdID

MINUTES_IN_A_DAY = 24 * 60
LONGEST_STRATEGY = 120  # characters of the name of a strategy; the column STRATEGY has as many
# What Python can import from the folder algo. Modules may lie in folders of it.
_STRATEGY = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*", re.ASCII)
_SHOWN = 80  # characters of a wrong name in a message

# Have no say in what to trade: a person closes what they hold, and opens nothing.
ONLY_CLOSED = (Status.NOT_DEFINED, Status.ERROR)


@dataclass(frozen=True, slots=True)
class Robot:
    """One bot of one market."""

    emi: str  # its identity in clOrdID and in every row of the books
    symbol: Symbol
    market: str
    timeframe: int  # minutes; 0: not dispatched
    capital: int  # lots
    sort: int
    margin: int
    status: Status
    problem: str = ""  # why it is in ERROR, in words
    strategy: str = ""  # "module:attribute" in the folder algo; "": algo/init.py says it
    parameters: tuple[tuple[str, str], ...] = ()  # name, text; of those that are not the default


def emi_problem(emi: str) -> str:
    """Return why a text cannot name a bot, "" where it can."""
    if not emi:
        return "an EMI must not be empty"
    if len(emi) > EMI_LIMIT:
        return f"an EMI has {EMI_LIMIT} characters at most, so that a clOrdID can carry it"
    if "." in emi and emi.rpartition(".")[2] in {category.value for category in Category}:
        return "names that end in a dot and a category belong to the RESERVED bots"
    if not emi.isprintable() or any(character.isspace() for character in emi):
        return "an EMI has no blanks or control characters"
    return ""


def new_emi_problem(emi: str) -> str:
    """Return why a bot cannot be given this name now; older rows may have names with dots."""
    problem = emi_problem(emi)
    if not problem and "." in emi:
        return "an EMI has no dot: it ends the number in a clOrdID"
    return problem


def strategy_problem(name: str) -> str:
    """Return why a text cannot name a strategy, "" where it can."""
    if len(name) > LONGEST_STRATEGY:
        return f"the name of a strategy has {LONGEST_STRATEGY} characters at most"
    if not _STRATEGY.fullmatch(name):
        return f"strategy {name[:_SHOWN]!r} is not named like module:attribute"
    return ""


def fits_a_day(minutes: int) -> bool:
    """Tell whether a timeframe divides a day into whole bars."""
    return 0 < minutes <= MINUTES_IN_A_DAY and MINUTES_IN_A_DAY % minutes == 0


def reserved_emi(symbol: Symbol) -> str:
    """Return the EMI that owns what no bot of `symbol` claims."""
    return str(symbol)
