"""What a person types about a bot -> values, or a sentence beside the field. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from common.domain.robots import Status, new_emi_problem
from common.engine.snapshot import RobotRow
from display.fields import FieldError, parse_decimal

MINUTES_IN_A_DAY = 24 * 60
TIMEFRAMES = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1D")
_UNITS = {"": 1, "m": 1, "min": 1, "h": 60, "d": MINUTES_IN_A_DAY}
_TIMEFRAME = re.compile(r"\s*(\d{1,5})\s*([A-Za-z]*)\s*")
_MOST_LOTS = 10**12

ParameterValue = int | float | Decimal | bool | str


class Kind(Enum):
    """What a parameter of a strategy is; the value is how it is called in a sentence."""

    INT = "a whole number"
    FLOAT = "a number"
    DECIMAL = "a decimal number"
    BOOL = "yes or no"
    CHOICE = "one of the choices"
    TEXT = "a text"


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter as the form asks for it."""

    name: str
    kind: Kind
    default: str  # as it would be typed
    low: str = ""  # smallest allowed, as it would be typed; "": any
    high: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""

    @property
    def allowed(self) -> str:
        """What may be typed, in words."""
        if self.kind is Kind.CHOICE:
            return ", ".join(self.choices)
        if self.low and self.high:
            return f"{self.kind.value} from {self.low} to {self.high}"
        if self.low:
            return f"{self.kind.value}, {self.low} or more"
        return f"{self.kind.value}, {self.high} or less" if self.high else self.kind.value


def read_field(field: Field, text: str) -> ParameterValue:
    """Return the value of a text, or raise FieldError with what is allowed."""
    shown = text.strip()
    if field.kind is Kind.TEXT:
        return text
    if field.kind is Kind.BOOL:
        return shown == "yes"
    if field.kind is Kind.CHOICE:
        if shown not in field.choices:
            raise FieldError(f"choose {field.allowed}")
        return shown
    number = _number(field, shown)
    if (field.low and number < Decimal(field.low)) or (field.high and number > Decimal(field.high)):
        raise FieldError(f"must be {field.allowed}")
    if field.kind is Kind.INT:
        return int(number)
    return number if field.kind is Kind.DECIMAL else float(number)


def _number(field: Field, shown: str) -> Decimal:
    negative = shown.startswith(("-", "\u2212"))
    try:
        number = parse_decimal(shown[1:] if negative else shown)
    except FieldError as error:
        raise FieldError(f"must be {field.allowed}") from error
    if field.kind is Kind.INT and number != number.to_integral_value():
        raise FieldError(f"must be {field.allowed}")
    return -number if negative else number


def read_emi(text: str, robots: Sequence[RobotRow], market: str, symbol: str) -> str:
    """Return the EMI of a new bot of a symbol, or raise FieldError with the rule it breaks."""
    problem = new_emi_problem(text)
    if problem:
        raise FieldError(problem)
    for robot in robots:
        if robot.market != market or robot.emi.casefold() != text.casefold():
            continue
        if robot.status is not Status.NOT_DEFINED or robot.emi != text:
            raise FieldError(f"there is a bot {robot.emi} already; an EMI is one bot's for ever")
        if str(robot.symbol) != symbol and symbol:
            raise FieldError(
                f"{robot.emi} has a position or orders in {robot.symbol}: close them first, or "
                "choose another EMI"
            )
    return text


def read_timeframe(text: str) -> int:
    """Return minutes: `5`, `5m`, `4h` or `1D`; only what divides a day."""
    found = _TIMEFRAME.fullmatch(text)
    unit = _UNITS.get(found.group(2).lower()) if found else None
    if found is None or unit is None:
        raise FieldError("write minutes, or 5m, 4h, 1D")
    minutes = int(found.group(1)) * unit
    if not 0 < minutes <= MINUTES_IN_A_DAY:
        raise FieldError("from 1 minute to one day, 1D")
    if MINUTES_IN_A_DAY % minutes:
        below = next(m for m in range(minutes, 0, -1) if MINUTES_IN_A_DAY % m == 0)
        above = next(m for m in range(minutes, 1441) if MINUTES_IN_A_DAY % m == 0)
        raise FieldError(f"{minutes} minutes do not divide a day: {below} or {above} do")
    return minutes


def read_capital(text: str) -> int:
    """Return whole lots, one or more."""
    try:
        lots = parse_decimal(text)
    except FieldError as error:
        raise FieldError(f"whole lots: {error}") from error
    if lots != lots.to_integral_value() or not 0 < lots <= _MOST_LOTS:
        raise FieldError("a whole number of lots, 1 or more")
    return int(lots)
