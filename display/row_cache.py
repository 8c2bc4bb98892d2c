"""Keeps the rows of what has not changed, so that nobody paints them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from display.cells import Row

Source = TypeVar("Source")


class RowCache(Generic[Source]):
    """Rows of one table; an unchanged source keeps its row object, which then is not painted."""

    def __init__(self, present: Callable[[Source], Row]) -> None:
        self._present = present
        self._sources: Sequence[Source] = ()
        self._rows: list[Row] = []

    def rows(self, sources: Sequence[Source]) -> list[Row]:
        """Return one row for each source; the same list when no source has changed."""
        if sources is self._sources:
            return self._rows
        old_sources, old_rows = self._sources, self._rows
        known = len(old_sources)
        rows = [
            old_rows[index]
            if index < known and old_sources[index] == source
            else self._present(source)
            for index, source in enumerate(sources)
        ]
        self._sources = sources
        unchanged = len(rows) == len(old_rows) and all(map(_same, rows, old_rows))
        self._rows = old_rows if unchanged else rows
        return self._rows


def _same(one: Row, other: Row) -> bool:
    return one is other
