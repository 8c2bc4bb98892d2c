"""Executions read from a file, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import NamedTuple, Protocol

from common.domain.executions import Executed

UNKNOWN_TIME = -(2**63)  # before every other one
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Place(NamedTuple):
    """Where a row stands in its file."""

    line: int  # from 1; 0: not known
    row: int = 0  # of an array, whose rows may all stand in one line, from 1; 0: of none

    def __str__(self) -> str:
        return f"line {self.line}, row {self.row}" if self.row else f"line {self.line}"


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a file: an execution, or why it is none."""

    place: Place
    execution: Executed | None
    problem: str = ""


@dataclass(slots=True)
class ImportResult:
    """How many executions of a file were booked, were known, or were refused and why."""

    rows: int = 0
    booked: int = 0
    known: int = 0  # in the books already, or twice in the file
    reports: int = 0  # rows that moved neither contracts nor money
    refused: list[tuple[Place, str]] = field(default_factory=list)  # with the reason


class FileRows(Protocol):
    """The rows of a file, oldest first; those whose time is not known stand where they stood."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[FileRow]:
        """Yield them; they need not be in memory all at once."""


def oldest_first(rows: Iterable[FileRow]) -> list[FileRow]:
    """Return rows in the order of their time."""
    there = list(rows)
    times = [
        UNKNOWN_TIME if row.execution is None else microseconds(row.execution.at) for row in there
    ]
    return [there[number] for number in in_time(times)]


def microseconds(at: datetime) -> int:
    """Return an aware time as a number that sorts like it."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def in_time(times: Sequence[int]) -> list[int]:
    """Return the numbers of rows, oldest first, by their times in microseconds.

    Rows of one moment keep the order of the file, or are turned round where the file has the newest
    rows first. A row of UNKNOWN_TIME stays beside the one before it in the file.
    """
    known, last = [], UNKNOWN_TIME
    for time in times:
        last = last if time == UNKNOWN_TIME else time
        known.append(last)
    steps = [(before < after) - (before > after) for before, after in pairwise(known)]
    numbers = range(len(known)) if sum(steps) >= 0 else range(len(known) - 1, -1, -1)
    return sorted(numbers, key=known.__getitem__)
