"""Table queries: which rows of a table a request asks for, in which order, which columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from api.simulator.exchange import Exchange
from api.simulator.filters import conditions
from api.simulator.models import MODELS
from api.simulator.parameters import Parameters
from api.simulator.ports import Row
from api.simulator.refusals import Refused, invalid
from api.simulator.times import iso


def page(given: Parameters, maximum: int = 500, usual: int = 100) -> tuple[int, int]:
    """Return (start, count), or refuse a count above the maximum."""
    count, start = given.integer("count"), given.integer("start") or 0
    if count is None:
        count = usual
    if count < 0 or start < 0:
        raise invalid("count is invalid" if count < 0 else "start is invalid")
    if count > maximum:
        raise Refused(
            f"Maximum result count is {maximum}. Please use the start & count params to paginate."
        )
    return start, count


def resolve(exchange: Exchange, text: str | None) -> str | None:
    """Return the symbol that a request names: itself, or the contract a root stands for.

    A root alone, or with :nearest, is its contract that expires first, else its first perpetual;
    XBT:perpetual and XBT:quarterly name a timeframe. What names nothing is returned as it is.
    """
    if text is None:
        return None
    name = text.upper()
    if name in exchange.instruments or name.startswith("."):
        return name
    root, _, frame = name.partition(":")
    listed = [i.contract for i in exchange.instruments.values() if i.is_open]
    listed = [c for c in listed if c.root == root and not c.is_spot]
    dated = sorted((c for c in listed if c.expiry is not None), key=lambda c: str(c.expiry))
    perpetual = [c for c in listed if c.is_perpetual]
    nearest = dated or perpetual
    frames = {"": nearest, "NEAREST": nearest, "QUARTERLY": dated, "PERPETUAL": perpetual}
    choices = frames.get(frame)
    return choices[0].symbol if choices else name


def select(
    exchange: Exchange,
    rows: Iterable[Row],
    given: Parameters,
    *,
    model: str,
    keys: Sequence[str],
    maximum: int = 500,
    time: str = "timestamp",
) -> list[Row]:
    """Return one page of rows, which come oldest first, as the common parameters say."""
    symbol = resolve(exchange, given.text("symbol"))
    known = MODELS[model].types
    return page_of(rows, given, symbol=symbol, known=known, keys=keys, maximum=maximum, time=time)


def page_of(
    rows: Iterable[Row],
    given: Parameters,
    *,
    symbol: str | None,
    known: Collection[str],
    keys: Sequence[str],
    maximum: int = 500,
    time: str = "timestamp",
) -> list[Row]:
    """Return one page of the rows of a symbol (None: all); a filter may name `known` columns."""
    start, count = page(given, maximum)
    if given.flag("reverse"):
        rows = reversed(list(rows))
    first, last = given.time("startTime"), given.time("endTime")
    required = conditions(given.mapping("filter"), known, time)
    earliest = None if first is None else iso(first)
    latest = None if last is None else iso(last)
    chosen = (
        row
        for row in rows
        if (symbol is None or row.get("symbol") == symbol)
        and (earliest is None or str(row[time]) >= earliest)
        and (latest is None or str(row[time]) <= latest)
        and all(fulfilled(row) for fulfilled in required)
    )
    return [columns(row, given, keys) for row in islice(chosen, start, start + count)]


def columns(row: Row, given: Parameters, keys: Sequence[str]) -> Row:
    """Return the asked columns of a row; its key columns always come along."""
    asked = given.texts("columns")
    if not asked:
        return row
    return {name: value for name, value in row.items() if name in asked or name in keys}
