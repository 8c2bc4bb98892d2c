"""Reads recordings of a real market: table messages with their times, and the instruments.

A recording is a file of JSON lines `{"t": seconds, "dir": "recv" | "sent", "m": message}`, where
the messages are those of the realtime API. Rows are brought to the dialect of 2023: columns
without a value are left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from api.simulator.ports import Action, Json, Row

TABLES = ("orderBookL2", "quote", "trade")


class RecordingError(Exception):
    """A recording cannot be played; the text names the file and the line or field."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """Rows of one table message and when it came."""

    at: timedelta  # from the first line
    table: str
    action: Action
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read completely."""

    started: datetime  # the exchange's time at the first line
    images: Sequence[Recorded]  # the first image of each table and symbol
    changes: Sequence[Recorded]  # what followed, in order


def read_recording(path: Path) -> Recording:
    """Read a recording; raises RecordingError naming file and line."""
    started: datetime | None = None
    images: list[Recorded] = []
    changes: list[Recorded] = []
    shown: set[tuple[str, Json]] = set()
    for number, line in enumerate(_text(path).splitlines(), start=1):
        try:
            at, message = _message(line)
            if started is None and "timestamp" in message:
                started = read_time(str(message["timestamp"])) - at
            if message.get("table") in TABLES:
                _sort(at, message, shown, images, changes)
        except (ValueError, KeyError, TypeError) as error:
            reason = f"{path}, line {number}: not a recorded message with t, dir and m ({error})"
            raise RecordingError(reason) from error
    if started is None or not images:
        raise RecordingError(f"{path}: holds no welcome message or no image of a table")
    return Recording(started, images, changes)


def _sort(
    at: timedelta,
    message: Row,
    shown: set[tuple[str, Json]],
    images: list[Recorded],
    changes: list[Recorded],
) -> None:
    """Add a table message to the images or to the changes."""
    table, action = str(message["table"]), message["action"]
    rows = [without_empty(row) for row in _rows(message)]
    if action == "partial":
        if any((table, row["symbol"]) in shown for row in rows):
            raise ValueError(f"a second image of {table}")
        shown.update((table, row["symbol"]) for row in rows)
        images.append(Recorded(at, table, Action.INSERT, rows))
        return
    # Changes of a symbol whose image has not come are dropped, as every client must do.
    rows = [row for row in rows if (table, row["symbol"]) in shown]
    if rows:
        changes.append(Recorded(at, table, Action(action), rows))


def _message(line: str) -> tuple[timedelta, Row]:
    """Return a line's time and the message that was received with it, {} if it was sent."""
    record = json.loads(line)
    at, direction, message = timedelta(seconds=record["t"]), record["dir"], record["m"]
    received = direction == "recv" and isinstance(message, dict)
    return at, message if received else {}


def read_instruments(path: Path) -> list[Row]:
    """Read the answer of GET /instrument/active; raises RecordingError naming the field."""
    try:
        rows: Json = json.loads(_text(path))
    except ValueError as error:
        raise RecordingError(f"{path}: is not JSON ({error})") from error
    if not isinstance(rows, list):
        raise RecordingError(f"{path}: is not a list of instruments")
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not isinstance(row.get("symbol"), str):
            raise RecordingError(f"{path}: instrument {number} has no text in field symbol")
    return [without_empty(row) for row in rows]


def without_empty(row: Row) -> Row:
    """Return a row without the columns that have no value."""
    return {name: value for name, value in row.items() if value is not None and value != ""}


def read_time(text: str) -> datetime:
    """Read a moment such as 2021-07-22T22:36:07.865Z."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _rows(message: Row) -> list[Row]:
    rows = message.get("data")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and "symbol" in row for row in rows
    ):
        raise ValueError("field data is not a list of rows with a symbol")
    return rows


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"{path}: cannot be read ({error.strerror})") from error
