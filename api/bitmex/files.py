"""Executions exported as files: CSV with a header, a JSON array, or one JSON object a line.

The columns are those of the trade history, in either dialect: values that are missing may be
absent, null or empty. Category and settlement currency come from the row's own figures, since
nobody is asked about the instrument; all rows of a symbol get the category of the first one that
tells it without doubt.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path

from api.bitmex.directory import Directory
from api.bitmex.execution_rows import executed, guess_category
from api.bitmex.wire import DECODER, Row, integer_of, required_text, shown, text_of
from common.domain.imports import FileRow, Place
from common.domain.instruments import Category, Symbol
from common.errors import ConfigurationError, ProtocolError

_WHOLE = frozenset(
    {"account", "orderQty", "lastQty", "leavesQty", "cumQty", "execCost", "execComm"}
    | {"realisedPnl", "underlyingLastPx", "simpleOrderQty", "displayQty", "trdMatchQty"}
)
_NUMBERS = _WHOLE | {
    *("price", "lastPx", "avgPx", "stopPx", "commission", "homeNotional", "foreignNotional"),
    *("pegOffsetValue", "simpleLeavesQty", "simpleCumQty"),
}
_NEEDED = ("execID", "symbol", "execType", "transactTime")
_BLANK = re.compile(r"[\s,]*")


def read_executions(path: Path, account: int | None = None) -> Iterator[FileRow]:
    """Yield the rows of a file in its order. ConfigurationError: it cannot be read at all.

    `account`: whose the rows are that name none; without it they are refused.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start})") from None
    rows = _json_rows(text, path) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, path)
    reader = _Reader(account)
    for place, row, raw in rows:
        yield reader.read(place, row, raw)


class _Reader:
    """Decodes rows; remembers which category the rows of a symbol have told."""

    def __init__(self, account: int | None) -> None:
        self._account = account
        self._directory = Directory()
        self._symbols: dict[str, Symbol] = {}

    def read(self, place: Place, row: Row | str, raw: str | None) -> FileRow:
        if isinstance(row, str):
            return FileRow(place, None, row)
        try:
            for name in _NEEDED:
                required_text(row, name)
            if not integer_of(row, "account"):
                if self._account is None:
                    raise ProtocolError("account is missing; --account says whose the rows are")
                row, raw = (
                    {**row, "account": self._account},
                    None,
                )  # the journal keeps the row as it is booked
            symbol = self._symbol(row)
            return FileRow(place, executed(row, self._directory, symbol=symbol, raw=raw))
        except ProtocolError as error:
            return FileRow(place, None, f"execution {text_of_id(row)}: {error}")

    def _symbol(self, row: Row) -> Symbol:
        ticker = text_of(row, "symbol")
        known = self._symbols.get(ticker)
        if known is not None:
            return known
        symbol = Symbol(ticker, guess_category(row))
        if symbol.category not in (Category.QUANTO, Category.INVERSE) or row.get("execCost"):
            self._symbols[ticker] = symbol  # else only the sign of a cost would tell
        return symbol


def text_of_id(row: Row) -> str:
    """Return the execution's id for a message."""
    value = row.get("execID")
    return shown(value) if isinstance(value, str) and value else "without an id"


def _json_rows(text: str, path: Path) -> Iterator[tuple[Place, Row | str, str | None]]:
    array = text.lstrip()[:1] == "["
    position = 1 + text.index("[") if array else 0
    line, counted, number = 1, 0, 0
    while True:
        blank = _BLANK.match(text, position)
        position = blank.end() if blank else position
        if position >= len(text) or text[position] == "]":
            return
        line += text.count("\n", counted, position)
        counted = position
        try:
            value, end = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            raise ConfigurationError(
                f"{path}, line {line}: not JSON: {shown(text[position : position + 60])}; nothing "
                "from this line on is read. A file holds an array of executions, or one a line"
            ) from None
        number += 1
        place = Place(line, number if array else 0)
        if isinstance(value, dict):
            yield place, value, text[position:end]
        else:
            yield place, f"not an execution: {shown(text[position:end])}", None
        position = end


def _csv_rows(text: str, path: Path) -> Iterator[tuple[Place, Row | str, None]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        missing = [name for name in _NEEDED if name not in header]
        if missing:
            raise ConfigurationError(
                f"{path}: the first line lacks the columns {', '.join(missing)}; a CSV file begins "
                "with the names of the trade history's columns, a JSON file with [ or {"
            )
        before = reader.line_num
        for values in reader:
            line, before = before + 1, reader.line_num
            if values:
                yield Place(line), _typed(header, values), None
    except csv.Error as error:
        raise ConfigurationError(f"{path}, line {reader.line_num}: {error}") from None


def _typed(header: list[str], values: list[str]) -> Row | str:
    """Return a row with numbers as numbers, or why it is none."""
    if len(values) != len(header):
        return f"{len(values)} values instead of {len(header)}"
    row: dict[str, object] = {}
    for name, value in zip(header, values, strict=True):
        if not value:
            continue
        if name not in _NUMBERS:
            row[name] = value
            continue
        try:
            row[name] = int(value) if value.isascii() and value.isdigit() else Decimal(value)
        except (InvalidOperation, ValueError):  # ValueError: thousands of digits
            return f"{name} is not a number: {shown(value)}"
    return row
