"""The `filter` of a table query: which rows a JSON object of conditions lets pass.

A value asks for equality and a list for any of its values. `open` and `ordStatus.isTerminated`
speak of orders, `startTime` and `endTime` limit the time, and a column of time has parts:
timestamp.date, .month, .year, .mm (month), .dd, .ww (weekday, Saturday is 0), .time, .hh, .uu
(minute) and .ss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import date

from api.simulator.ports import Json, Row
from api.simulator.refusals import Refused, invalid
from api.simulator.times import iso, parse

TERMINATED = ("Filled", "Canceled", "Rejected")
Condition = Callable[[Row], bool]

_TIME = re.compile(r"\d\d(:\d\d){0,2}(\.\d{1,3})?")
_DAYS_TO_SATURDAY = 2  # date.weekday() counts from Monday


def conditions(
    wanted: Mapping[str, Json], columns: Collection[str], time: str = "timestamp"
) -> list[Condition]:
    """Return what every row must fulfil; `columns` are those that rows may have.

    Raises Refused for a condition that makes no sense.
    """
    return [_condition(name, value, columns, time) for name, value in wanted.items()]


def _condition(name: str, wanted: Json, columns: Collection[str], time: str) -> Condition:
    if name in ("startTime", "endTime"):
        return _limit(name, str(wanted), time)
    if name == "open" and "ordStatus" in columns:
        if wanted is not True:
            raise _not_valid()
        return lambda row: row.get("ordStatus") not in TERMINATED
    column, _, part = name.partition(".")
    if column not in columns:
        raise _not_valid()
    if name == "ordStatus.isTerminated":
        ended = _flag(wanted)
        return lambda row: (row.get("ordStatus") in TERMINATED) is ended
    if part:
        return _part(column, part, wanted)
    if isinstance(wanted, list):
        return lambda row: any(_equal(row.get(name), one) for one in wanted)
    return lambda row: _equal(row.get(name), wanted)


def _equal(value: Json, wanted: Json) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return value == wanted or (wanted in (None, "") and value in (None, ""))


def _flag(wanted: Json) -> bool:
    if not isinstance(wanted, bool):
        raise _not_valid()
    return wanted


def _limit(name: str, text: str, time: str) -> Condition:
    try:
        bound = iso(parse(text))
    except (ValueError, OverflowError):
        raise _not_valid() from None
    if name == "startTime":
        return lambda row: str(row[time]) >= bound
    return lambda row: str(row[time]) <= bound


_NUMBERS: Mapping[str, Callable[[str], int]] = {
    "year": lambda text: int(text[:4]),
    "mm": lambda text: int(text[5:7]),
    "dd": lambda text: int(text[8:10]),
    "ww": lambda text: (date.fromisoformat(text[:10]).weekday() + _DAYS_TO_SATURDAY) % 7,
    "hh": lambda text: int(text[11:13]),
    "uu": lambda text: int(text[14:16]),
    "ss": lambda text: int(text[17:19]),
}
_BEGINNINGS = {"date": (0, re.compile(r"\d{4}-\d\d-\d\d")), "month": (0, re.compile(r"\d{4}-\d\d"))}


def _part(column: str, part: str, wanted: Json) -> Condition:
    if part in _NUMBERS and str(wanted).isdigit():
        take, number = _NUMBERS[part], int(str(wanted))
        return lambda row: bool(row.get(column)) and take(str(row[column])) == number
    start, form = (11, _TIME) if part == "time" else _BEGINNINGS.get(part, (0, None))
    text = str(wanted)
    if form is None or not form.fullmatch(text):
        raise _not_valid()
    # What is left out is 0: 12:00 is one moment of a day, not a minute of it.
    moment = text + "00:00:00.000"[len(text) :] if part == "time" else text
    return lambda row: str(row.get(column, ""))[start:].startswith(moment)


def _not_valid() -> Refused:
    return invalid("filter columns are not valid")
