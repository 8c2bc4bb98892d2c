"""What a person types about a bot -> values, or a sentence beside the field. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from common.domain.parameters import NUMBERS, ParameterKind, ParameterSpec, value_of
from common.domain.robots import MINUTES_IN_A_DAY, Status, fits_a_day, new_emi_problem
from common.engine.snapshot import RobotRow
from common.errors import BadParameter
from display.fields import FieldError, parse_decimal

TIMEFRAMES = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1D")
_UNITS = {"": 1, "m": 1, "min": 1, "h": 60, "d": MINUTES_IN_A_DAY}
_TIMEFRAME = re.compile(r"\s*(\d{1,5})\s*([A-Za-z]*)\s*")
_MOST_LOTS = 10**12


def read_parameter(spec: ParameterSpec, text: str) -> str:
    """Return the text of a parameter's value, or raise FieldError with what is allowed."""
    try:
        value_of(spec, text)
    except BadParameter as error:
        raise FieldError(f"must be {spec.range_text}") from error
    return text if spec.kind is ParameterKind.TEXT else text.strip()


def step_parameter(spec: ParameterSpec, text: str, steps: int) -> str:
    """Return a number `steps` steps further, within its bounds; other texts as they are."""
    if spec.kind not in NUMBERS:
        return text
    step = Decimal(spec.step or ("1" if spec.kind is ParameterKind.INTEGER else "0.1"))
    try:
        number = Decimal(str(value_of(spec, text)))
    except BadParameter:
        return spec.default
    moved = number + steps * step
    if spec.low:
        moved = max(moved, Decimal(spec.low))
    if spec.high:
        moved = min(moved, Decimal(spec.high))
    return format(moved, "f")


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
    if not fits_a_day(minutes):
        below = next(m for m in range(minutes, 0, -1) if fits_a_day(m))
        above = next(m for m in range(minutes, MINUTES_IN_A_DAY + 1) if fits_a_day(m))
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
