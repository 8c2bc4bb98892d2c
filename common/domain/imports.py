"""Executions read from a file, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from common.domain.executions import Executed


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
