"""The images of the realtime tables: rows under the keys that each partial names; pure.

Knows no column: what identifies a row is told by the exchange, and has changed over the years.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from api.bitmex.wire import Row, shown
from common.errors import ProtocolError

Key = tuple[object, ...]


class Table:
    """The rows of one table. Without keys nothing is kept: such a table only appends."""

    def __init__(self, keys: Sequence[str]) -> None:
        self.keys = tuple(keys)
        self._rows: dict[Key, dict[str, object]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self) -> Iterable[Row]:
        """Return all rows in the order of their first appearance."""
        return self._rows.values()

    def replace(self, keys: Sequence[str], rows: Iterable[Row], scope: Row) -> list[Row]:
        """Take a partial: its rows stand for all rows in which the columns of `scope` match.

        Returns the rows that are gone. Other keys than before make the whole table new.
        """
        old = self._rows
        kept: dict[Key, dict[str, object]] = {}
        if tuple(keys) == self.keys:
            kept = {key: row for key, row in old.items() if not _matches(row, scope)}
        self.keys = tuple(keys)
        for row in rows:
            if self.keys:
                kept[self._key(row)] = dict(row)
        self._rows = kept
        return [row for key, row in old.items() if key not in kept]

    def insert(self, row: Row) -> Row:
        """Add a row, or replace the one of the same key."""
        if self.keys:
            self._rows[self._key(row)] = dict(row)
        return row

    def update(self, row: Row) -> Row | None:
        """Merge changed columns into their row and return it; None when there is no such row."""
        known = self._rows.get(self._key(row)) if self.keys else None
        if known is not None:
            known.update(row)
        return known

    def delete(self, row: Row) -> Row | None:
        """Remove a row and return it; None when there is no such row."""
        return self._rows.pop(self._key(row), None) if self.keys else None

    def _key(self, row: Row) -> Key:
        # An absent key column is a value too: `strategy` is not told by older rows.
        return tuple([_identifying(name, row.get(name)) for name in self.keys])


def _identifying(name: str, value: object) -> object:
    if value is not None and not isinstance(value, (str, int)):
        raise ProtocolError(f"{name} cannot identify a row: {shown(repr(value))}")
    return value or None


def _matches(row: Row, scope: Row) -> bool:
    return all(row.get(name) == value for name, value in scope.items())
