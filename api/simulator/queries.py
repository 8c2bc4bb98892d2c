"""Table queries: which rows of a table a request asks for, in which order, which columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

from api.simulator.exchange import Exchange
from api.simulator.parameters import Parameters
from api.simulator.ports import Row
from api.simulator.refusals import Refused, invalid
from api.simulator.times import iso, parse

_TERMINATED = ("Filled", "Canceled", "Rejected")


def page(given: Parameters, maximum: int = 500) -> tuple[int, int]:
    """Return (start, count), or refuse a count above the maximum."""
    count, start = given.integer("count"), given.integer("start") or 0
    if count is None:
        count = 100
    if count < 0 or start < 0:
        raise invalid("count is invalid" if count < 0 else "start is invalid")
    if count > maximum:
        raise Refused(
            f"Maximum result count is {maximum}. Please use the start & count params to paginate."
        )
    return start, count


def resolve(exchange: Exchange, text: str | None) -> str | None:
    """Return the symbol that a request names: itself, or the contract a root stands for.

    A root alone is its nearest contract; XBT:perpetual and XBT:quarterly are timeframes.
    """
    if text is None:
        return None
    name = text.upper()
    if name in exchange.instruments or name.startswith("."):
        return name
    root, _, frame = name.partition(":")
    contracts = [i.contract for i in exchange.instruments.values() if i.is_open]
    dated = [c for c in contracts if c.root == root and c.expiry is not None]
    perpetual = [c for c in contracts if c.root == root and c.is_perpetual]
    choices = perpetual if frame == "PERPETUAL" else dated or perpetual
    return choices[0].symbol if choices else name


def select(
    exchange: Exchange,
    rows: Iterable[Row],
    given: Parameters,
    *,
    keys: Sequence[str],
    maximum: int = 500,
    time: str = "timestamp",
) -> list[Row]:
    """Return one page of rows, which come oldest first, as the common parameters say."""
    start, count = page(given, maximum)
    symbol = resolve(exchange, given.text("symbol"))
    if given.flag("reverse"):
        rows = reversed(list(rows))
    first, last = given.time("startTime"), given.time("endTime")
    conditions = given.mapping("filter")
    if symbol is not None:
        conditions = {**conditions, "symbol": symbol}
    earliest = None if first is None else iso(first)
    latest = None if last is None else iso(last)
    chosen = (
        row
        for row in rows
        if (earliest is None or str(row[time]) >= earliest)
        and (latest is None or str(row[time]) <= latest)
        and all(_matches(row, name, wanted, time) for name, wanted in conditions.items())
    )
    return [columns(row, given, keys) for row in islice(chosen, start, start + count)]


def columns(row: Row, given: Parameters, keys: Sequence[str]) -> Row:
    """Return the asked columns of a row; its key columns always come along."""
    asked = given.texts("columns")
    if not asked:
        return row
    return {name: value for name, value in row.items() if name in asked or name in keys}


def _matches(row: Row, name: str, wanted: object, time: str) -> bool:
    if name == "open":
        if wanted is not True:
            raise invalid("filter columns are not valid")
        return row.get("ordStatus") not in _TERMINATED
    if name == "ordStatus.isTerminated":
        return (row.get("ordStatus") in _TERMINATED) is bool(wanted)
    if name in ("startTime", "endTime"):
        return _in_time(str(row[time]), name, str(wanted))
    column, _, part = name.partition(".")
    if part:
        return _part_matches(str(row.get(column, "")), part, wanted)
    value = row.get(name)
    if isinstance(wanted, list):
        return value in wanted
    return value == wanted or (wanted in (None, "") and value is None)


def _in_time(value: str, name: str, limit: str) -> bool:
    try:
        bound = iso(parse(limit))
    except ValueError:
        raise invalid("filter columns are not valid") from None
    return value >= bound if name == "startTime" else value <= bound


_PARTS = {"hh": (11, 13), "mm": (14, 16), "uu": (14, 16), "ss": (17, 19)}


def _part_matches(value: str, part: str, wanted: object) -> bool:
    if part == "date":
        return value.startswith(str(wanted))
    if part not in _PARTS:
        raise invalid("filter columns are not valid")
    start, end = _PARTS[part]
    return value[start:end] == f"{wanted:0>2}"
