"""Executions read from a file, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.domain.executions import Executed


@dataclass(frozen=True, slots=True)
class FileRow:
    """One row of a file: an execution, or why it is none."""

    line: int  # of the file, from 1
    execution: Executed | None
    problem: str = ""


@dataclass(slots=True)
class ImportResult:
    """How many executions of a file were booked, were known, or were refused and why."""

    rows: int = 0
    booked: int = 0
    known: int = 0  # in the books already, or twice in the file
    reports: int = 0  # rows that moved neither contracts nor money
    refused: list[tuple[int, str]] = field(default_factory=list)  # line, reason
