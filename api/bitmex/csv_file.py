"""A CSV file of executions, read in the order of time without being kept in memory.

It is read twice: first to learn where each row stands and when it happened, then row by row.
"""

from __future__ import annotations

import csv
import io
import os
import re
from array import array
from collections import deque
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import BinaryIO

from api.bitmex.file_rows import NEEDED, FileReader
from api.bitmex.wire import Row, shown, time_of
from common.domain.imports import UNKNOWN_TIME, FileRow, Place, in_time, microseconds
from common.errors import ConfigurationError, ProtocolError

_WHOLE = frozenset(
    {"account", "orderQty", "lastQty", "leavesQty", "cumQty", "execCost", "execComm"}
    | {"realisedPnl", "underlyingLastPx", "simpleOrderQty", "displayQty", "trdMatchQty"}
)
_NUMBERS = _WHOLE | {
    *("price", "lastPx", "avgPx", "stopPx", "commission", "homeNotional", "foreignNotional"),
    *("pegOffsetValue", "simpleLeavesQty", "simpleCumQty"),
}
_BOM = b"\xef\xbb\xbf"
_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")


class CsvFile:
    """The rows of a file, oldest first; `len` counts them."""

    def __init__(self, path: Path, reader: FileReader) -> None:
        """Read the file once. ConfigurationError: it cannot be read at all."""
        self._path = path
        self._reader = reader
        self._header: list[str] = []
        self._starts = array("q")  # where each row begins, in bytes; the end of the last one
        self._lines = array("q")  # the line that it begins in
        self._times = array("q")  # microseconds; UNKNOWN_TIME
        try:
            with path.open("rb") as file:
                self._state = _state(file)
                self._survey(file)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be read ({error.strerror})") from None

    def __len__(self) -> int:
        return len(self._times)

    def __iter__(self) -> Iterator[FileRow]:
        """Yield the rows. ConfigurationError: the file has changed or is gone."""
        changed = f"{self._path} was changed while it was read; import it again"
        try:
            with self._path.open("rb") as file:
                for number in in_time(self._times):
                    if _state(file) != self._state:
                        raise ConfigurationError(changed)
                    row = self._read(file, number)
                    if row.execution and microseconds(row.execution.at) != self._times[number]:
                        raise ConfigurationError(changed)
                    yield row
        except (OSError, UnicodeDecodeError, csv.Error, StopIteration):
            raise ConfigurationError(changed) from None

    def _survey(self, file: BinaryIO) -> None:
        lines = _Lines(file, self._path)
        rows = csv.reader(lines, strict=True)
        try:
            self._header = next(rows, [])
            missing = [name for name in NEEDED if name not in self._header]
            if missing:
                raise ConfigurationError(
                    f"{self._path}: the first line lacks the columns {', '.join(missing)}; a CSV "
                    "file begins with the names of the trade history's columns, a JSON file with "
                    "[ or {"
                )
            twice = sorted({name for name in self._header if self._header.count(name) > 1})
            if twice:
                raise ConfigurationError(
                    f"{self._path}: the first line has the columns {', '.join(twice)} twice; "
                    "leave one of each"
                )
            start, line = lines.offset, rows.line_num
            for values in rows:
                if values:
                    self._starts.append(start)
                    self._lines.append(line + 1)
                    self._times.append(self._time(values))
                start, line = lines.offset, rows.line_num
            self._starts.append(start)
        except csv.Error as error:
            raise ConfigurationError(f"{self._path}, line {rows.line_num}: {error}") from None

    def _time(self, values: list[str]) -> int:
        """Return when a row happened; learn the category of its symbol on the way."""
        if len(values) != len(self._header):
            return UNKNOWN_TIME
        if not self._reader.knows(values[self._header.index("symbol")]):
            row = _typed(self._header, values)
            if not isinstance(row, str):
                self._reader.learn(row)
        try:
            at = time_of({"at": values[self._header.index("transactTime")]}, "at")
        except ProtocolError:
            return UNKNOWN_TIME
        return UNKNOWN_TIME if at is None else microseconds(at)

    def _read(self, file: BinaryIO, number: int) -> FileRow:
        file.seek(self._starts[number])
        text = file.read(self._starts[number + 1] - self._starts[number]).decode()
        # Blank lines may follow the row.
        values = next(csv.reader(io.StringIO(text, newline=""), strict=True))
        row = _typed(self._header, values)
        return self._reader.read(Place(self._lines[number]), row, None)


def _state(file: BinaryIO) -> tuple[int, int]:
    """Return what changes with a file."""
    told = os.fstat(file.fileno())
    return told.st_size, told.st_mtime_ns


class _Lines:
    """The lines of a file as text, whatever ends them; `offset` is where the next one begins."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self._path = path
        self._ready: deque[bytes] = deque()
        self.offset = len(_BOM) if file.read(len(_BOM)) == _BOM else 0
        file.seek(self.offset)

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._ready:
            read = self._file.readline()
            if not read:
                raise StopIteration
            if b"\r" in read[:-2]:
                self._ready.extend(_LINES.findall(read))
            else:
                self._ready.append(read)
        line = self._ready.popleft()
        begins, self.offset = self.offset, self.offset + len(line)
        try:
            return line.decode()
        except UnicodeDecodeError as error:
            raise ConfigurationError(
                f"{self._path} is not UTF-8 text (byte {begins + error.start})"
            ) from None


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
