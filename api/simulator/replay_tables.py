"""Keys and column types of the tables that a replay shows.

A recording may hold columns that the exchange of later years no longer has; their types are read
from the values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from api.simulator.ports import Row
from api.simulator.tables import TABLES

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")


def types_of(table: str, rows: Sequence[Row]) -> dict[str, str]:
    """Return the types of the table's columns and of those that the rows show besides."""
    types = dict(TABLES[table].types)
    for row in rows:
        for name in row.keys() - types.keys():
            types[name] = _type(row[name])
    return types


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "long"
    if isinstance(value, float):
        return "float"
    return "timestamp" if _MOMENT.match(str(value)) else "symbol"
