"""Keys and column types of the tables that a replay shows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from api.simulator.ports import Row

KEYS: Mapping[str, Sequence[str]] = {
    "instrument": ["symbol"],
    "orderBookL2": ["symbol", "id", "side"],
    "orderBookL2_25": ["symbol", "id", "side"],
    "orderBook10": ["symbol"],
    "quote": [],
    "trade": [],
    "order": ["orderID"],
    "execution": [],
    "position": ["account", "symbol", "strategy"],
    "margin": ["account", "currency"],
    "wallet": ["account", "currency"],
    "transact": [],
    "affiliate": ["account", "currency"],
    "privateNotifications": [],
    "liquidation": ["orderID"],
    "funding": ["timestamp", "symbol"],
    "settlement": ["timestamp", "symbol"],
    "insurance": ["currency", "timestamp"],
    "announcement": ["id"],
    "chat": ["id"],
    "connected": [],
    "publicNotifications": ["id"],
    **{f"{kind}Bin{size}": [] for kind in ("trade", "quote") for size in ("1m", "5m", "1h", "1d")},
}
"""All tables of the realtime API; those that a recording does not hold are empty."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:")
_NAMED = {
    "symbol": "symbol",
    "side": "symbol",
    "currency": "symbol",
    "tickDirection": "symbol",
    "trdMatchID": "guid",
}


def types_of(table: str, rows: Sequence[Row]) -> dict[str, str]:
    """Return the types of the columns that the rows show, the key columns always among them."""
    types = {name: _NAMED.get(name, "long") for name in KEYS[table]}
    for row in rows[:100]:
        for name, value in row.items():
            types[name] = _type(name, value)
    return types


def _type(name: str, value: object) -> str:
    if name in _NAMED:
        return _NAMED[name]
    if isinstance(value, str) and _MOMENT.match(value):
        return "timestamp"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float) or name.lower().endswith("price"):
        return "float"
    if isinstance(value, int):
        return "long"
    return "symbol"
